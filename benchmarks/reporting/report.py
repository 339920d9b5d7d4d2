"""A finished benchmark, complete: what was compared, on what, and what came out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from .cases import Case
from .machine import Machine
from .rows import Row
from .suites import Suite
from .summary import SolverSummary, summarise
from .verdicts import Verdict, against_known, verdicts


@dataclass(frozen=True, kw_only=True)
class Report:
    """The rows of a run with all that is needed to read them.

    Parameters
    ----------
    suite : Suite
    machine : Machine
    packages : mapping of str to str
        Distributions that the solvers stand on, and their versions.
    cases : sequence of Case
    repeats : int
        Asked for; each row says how many there were.
    time_limit : float
    seed : int
    bound : str
        The method of a bound beside the answers, or "none".
    rows : sequence of Row
    left_out : mapping of str to str
        Solvers that were not compared, and why.
    notes : sequence of str
        What else has to be said about the choice of cases and solvers.
    interrupted : bool
    """

    suite: Suite
    machine: Machine
    packages: Mapping[str, str]
    cases: Sequence[Case]
    repeats: int
    time_limit: float
    seed: int
    bound: str
    rows: Sequence[Row]
    left_out: Mapping[str, str]
    notes: Sequence[str]
    interrupted: bool

    @cached_property
    def summaries(self) -> list[SolverSummary]:
        """One per solver, fastest first."""
        return summarise(self.rows, self.suite.reference)

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """One per solver that claims an optimum anywhere."""
        return verdicts(self.rows, self.suite.tolerance)

    @cached_property
    def against_known(self) -> list[str]:
        """How the best answers compare with the best known values."""
        return list(against_known(self.cases, self.rows))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; the keys are those of ``--json`` on the command line."""
        return {
            "suite": self.suite.name,
            "machine": asdict(self.machine),
            "packages": dict(self.packages),
            "cases": [
                {"name": case.name, "source": case.source, "n": case.n, "k": case.k}
                | {"sense": case.sense, "known": asdict(case.known) if case.known else None}
                for case in self.cases
            ],
            "repeats": self.repeats,
            "time_limit": self.time_limit,
            "seed": self.seed,
            "bound": self.bound,
            "interrupted": self.interrupted,
            "left_out": dict(self.left_out),
            "notes": list(self.notes),
            "summary": [asdict(summary) for summary in self.summaries],
            "verdicts": [asdict(verdict) | {"text": str(verdict)} for verdict in self.verdicts],
            "against_known": self.against_known,
            "rows": [row.to_dict() for row in self.rows],
        }
