"""Best known values of public instances, and their sources."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from subsetopt.report._number_format import distance

Standing = Literal["new best", "reached", "worse"]
TOLERANCE = 2e-8
"""Relative; the digits that are published allow no more."""


@dataclass(frozen=True, kw_only=True)
class BestKnown:
    """The best value known of one instance."""

    instance: str
    """As its library calls it."""
    k: int | None
    """None where the value is the best over all k."""
    sense: str
    value: float
    """In the units and the sense of the file. Where the published one was computed in single
    precision or is scaled, that of the same selection summed without rounding."""
    proven: bool
    """Whether the source says that it is optimal."""
    published: str
    """As printed."""
    source: str
    year: str
    """Who says so."""

    @property
    def objective(self) -> float:
        """The value as an objective that is minimised."""
        return -self.value if self.sense == "maximise" else self.value

    @property
    def by(self) -> str:
        """The source with its year, where that is known."""
        return f"{self.source}, {self.year}" if self.year else self.source

    def standing(self, objective: float) -> Standing:
        """Say how an objective, to be minimised, compares."""
        gap = relative_gap(objective, self.objective)
        if gap is not None and abs(gap) <= TOLERANCE:
            return "reached"
        return "new best" if objective < self.objective else "worse"

    def judge(self, objective: float) -> str:
        """Return the standing of an objective as a sentence."""
        standing = self.standing(objective)
        known = f"{self.published} ({self.by}{', proven' if self.proven else ''})"
        if standing == "reached":
            return f"{self.instance}: reaches the best known value, {known}"
        gap = relative_gap(objective, self.objective) or 0.0
        if standing == "worse":
            return f"{self.instance}: {distance(gap)} worse than the best known value, {known}"
        value = -objective if self.sense == "maximise" else objective
        loud = f"{self.instance}: NEW BEST {value!r}, {distance(-gap)} better than {known}"
        if self.proven:
            loud += "; that is claimed to be optimal, so one of the two is wrong"
        return loud


def relative_gap(objective: float, best: float) -> float | None:
    """Return ``(objective - best) / |best|``: negative where it is better than the best.

    None where the best is 0 and the objective is not.
    """
    if objective == best:
        return 0.0
    return (objective - best) / abs(best) if best else None


@cache
def registry() -> Mapping[tuple[str, int | None], BestKnown]:
    """Return all that is known, by instance and k, in the order of the file."""
    text = files(__package__).joinpath("best_known.csv").read_text(encoding="utf-8")
    rows = [_row(fields) for fields in csv.DictReader(text.splitlines())]
    return {(row.instance, row.k): row for row in rows}


def best_known(instance: str, k: int | None) -> BestKnown | None:
    """Return what is known of an instance for this k, or None."""
    return registry().get((instance, k))


def _row(fields: Mapping[str, str]) -> BestKnown:
    k, value, proven = fields["k"], float(fields["value"]), fields["proven"] == "yes"
    typed: Any = {"k": int(k) if k else None, "value": value, "proven": proven}
    return BestKnown(**{**fields, **typed})
