"""Results with all that follows from them: what every way of showing them stands on."""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from subsetopt.benchmarks._families import FAMILIES, Family
from subsetopt.benchmarks.analysis._row_groups import final_rows, with_bounds, with_gaps
from subsetopt.benchmarks.analysis._summary import SolverSummary, summarise
from subsetopt.benchmarks.analysis._verdicts import OptimalityVerdict, against_known, verdicts
from subsetopt.benchmarks.results import CaseInfo, Results, Row
from subsetopt.errors import InvalidFile


@dataclass(frozen=True, kw_only=True)
class FamilyReport:
    """The part of a comparison that is about one kind of problem."""

    family: Family
    cases: tuple[CaseInfo, ...]
    rows: tuple[Row, ...]
    """Every repeat and time limit, with gaps and bounds."""

    @cached_property
    def final(self) -> tuple[Row, ...]:
        """The rows with the largest time limit of each solver, case and repeat."""
        return tuple(final_rows(self.rows))

    @cached_property
    def summaries(self) -> list[SolverSummary]:
        """One per solver, fastest first."""
        return summarise(self.final, self.family.reference)

    @cached_property
    def verdicts(self) -> list[OptimalityVerdict]:
        """One per solver that claims an optimum anywhere."""
        return verdicts(self.rows, self.family.tolerance)

    @cached_property
    def against_known(self) -> list[str]:
        """How the best answers compare with the best known values."""
        return list(against_known(self.cases, self.rows))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "family": asdict(self.family),
            "summary": [asdict(summary) for summary in self.summaries],
            "verdicts": [asdict(verdict) | {"text": str(verdict)} for verdict in self.verdicts],
            "against_known": self.against_known,
        }


@dataclass(frozen=True)
class ComparisonReport:
    """A comparison, complete or not, with all that is needed to read it.

    Raises
    ------
    InvalidFile
        If a case is of a family that is not known here.
    """

    results: Results

    def __post_init__(self) -> None:
        for name in {case.family for case in self.results.plan.cases}:
            if name not in FAMILIES:
                raise InvalidFile(
                    f"families of the cases must be of {', '.join(FAMILIES)}; got {name!r}"
                )

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """All rows, with gaps and bounds."""
        return tuple(with_gaps(with_bounds(self.results.rows, self.results.bounds)))

    @cached_property
    def families(self) -> tuple[FamilyReport, ...]:
        """One part for each family that has cases, in the order of `FAMILIES`."""
        plan = self.results.plan
        present = {case.family for case in plan.cases}
        return tuple(
            FamilyReport(
                family=family,
                cases=tuple(case for case in plan.cases if case.family == name),
                rows=tuple(row for row in self.rows if row.family == name),
            )
            for name, family in FAMILIES.items()
            if name in present
        )

    @cached_property
    def failures(self) -> tuple[Row, ...]:
        """The rows that have no answer and say why, but for those that a longer limit fixes."""
        fixed = {row.key[:3] for row in final_rows(self.rows) if not row.failure}
        return tuple(row for row in self.rows if row.failure and row.key[:3] not in fixed)

    @cached_property
    def silent(self) -> tuple[Row, ...]:
        """The rows without an answer though nothing failed, but for those a longer limit fixes."""
        fixed = {row.key[:3] for row in final_rows(self.rows) if row.objective is not None}
        return tuple(
            row
            for row in self.rows
            if row.objective is None and not row.failure and row.key[:3] not in fixed
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; the keys are those of ``--json`` on the command line."""
        results = self.results
        return results.plan.to_dict() | {
            "complete": results.complete,
            "sessions": [asdict(session) for session in results.sessions],
            "bounds": [asdict(bound) for bound in results.bounds],
            "families": [family.to_dict() for family in self.families],
            "rows": [row.to_dict() for row in self.rows],
        }
