"""A finished benchmark, complete: what was compared, on what, and what came out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from .cases import Case
from .machine import Machine
from .rows import Row
from .summary import SolverSummary, Verdict, summarise, verdicts


@dataclass(frozen=True, kw_only=True)
class Report:
    """The rows of a run with all that is needed to read them.

    Parameters
    ----------
    suite : str
    machine : Machine
    packages : mapping of str to str
        Distributions that the solvers stand on, and their versions.
    cases : sequence of Case
    repeats : int
        Asked for; each row says how many there were.
    time_limit : float
    seed : int
    rows : sequence of Row
    left_out : mapping of str to str
        Solvers that were not compared, and why.
    notes : sequence of str
        What else has to be said about the choice of cases and solvers.
    interrupted : bool
    """

    suite: str
    machine: Machine
    packages: Mapping[str, str]
    cases: Sequence[Case]
    repeats: int
    time_limit: float
    seed: int
    rows: Sequence[Row]
    left_out: Mapping[str, str]
    notes: Sequence[str]
    interrupted: bool

    @cached_property
    def summaries(self) -> list[SolverSummary]:
        """One per solver, fastest first."""
        return summarise(self.rows)

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """One per solver that claims an optimum anywhere."""
        return verdicts(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; the keys are those of ``--json`` on the command line."""
        return {
            "suite": self.suite,
            "machine": asdict(self.machine),
            "packages": dict(self.packages),
            "cases": [
                {"name": case.name, "source": case.source, "n": case.n, "k": case.k}
                for case in self.cases
            ],
            "repeats": self.repeats,
            "time_limit": self.time_limit,
            "seed": self.seed,
            "interrupted": self.interrupted,
            "left_out": dict(self.left_out),
            "notes": list(self.notes),
            "summary": [asdict(summary) for summary in self.summaries],
            "verdicts": [asdict(verdict) | {"text": str(verdict)} for verdict in self.verdicts],
            "rows": [row.to_dict() for row in self.rows],
        }
