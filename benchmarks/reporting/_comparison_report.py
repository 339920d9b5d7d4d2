"""Results with all that follows from them, and their rows as tables and files."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

from subsetopt._options import kinds_of
from subsetopt.benchmarks._families import FAMILIES, Family
from subsetopt.benchmarks.analysis._row_groups import final_rows, with_bounds, with_gaps
from subsetopt.benchmarks.analysis._summary import SolverSummary, summarise
from subsetopt.benchmarks.analysis._verdicts import OptimalityVerdict, against_known, verdicts
from subsetopt.benchmarks.results import SCHEMA, CaseInfo, Results, Row, SkippedCase
from subsetopt.errors import InvalidFile
from subsetopt.report import Column, Table


@dataclass(frozen=True, kw_only=True)
class FamilyReport:
    """The part of a comparison that is about one kind of problem."""

    family: Family
    cases: tuple[CaseInfo, ...]
    rows: tuple[Row, ...]
    """Every repeat and time limit, with gaps and bounds."""
    skipped: tuple[SkippedCase, ...] = ()

    @cached_property
    def final(self) -> tuple[Row, ...]:
        """The rows with the largest time limit of each solver, case and repeat."""
        return tuple(final_rows(self.rows))

    @cached_property
    def summaries(self) -> list[SolverSummary]:
        """One per solver, fastest first."""
        skips = Counter(one.solver for one in self.skipped)
        summaries = summarise(self.final, self.family.reference)
        return [replace(one, skipped=skips[one.solver]) for one in summaries]

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
        family_of = {case.name: case.family for case in plan.cases}
        return tuple(
            FamilyReport(
                family=family,
                cases=tuple(case for case in plan.cases if case.family == name),
                rows=tuple(row for row in self.rows if row.family == name),
                skipped=tuple(one for one in plan.skipped if family_of.get(one.case) == name),
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


Record = dict[str, Any]


_DTYPES = {str: "string", int: "Int64", float: "Float64", bool: "boolean"}


def _of_row(one: Field[Any]) -> Column[Record]:
    """Return the column of a field of `Row`."""
    kind = next(kind for kind in kinds_of(one.type) if kind is not NoneType)
    dtype = _DTYPES.get(kind, "string")
    if get_origin(kind) is tuple:
        dtype = f"list[{_DTYPES[get_args(kind)[0]]}]"
    return Column(one.name, one.name, dtype=dtype, meaning=one.metadata["meaning"])


def _worked_out(name: str, dtype: str, meaning: str) -> Column[Record]:
    return Column(name, name, dtype=dtype, meaning=meaning)


_MORE: Mapping[str, Sequence[Column[Record]]] = {
    "seconds": (
        _worked_out("seconds_median", "Float64", "The median of `seconds`."),
        _worked_out("seconds_min", "Float64", "The least of `seconds`."),
        _worked_out("seconds_max", "Float64", "The largest of `seconds`."),
    ),
    "gap_to_best": (
        _worked_out("case_bound", "Float64", "The best lower bound worked out for the case."),
    ),
    "session": (
        _worked_out("cpu", "string", "The processor of that session."),
        _worked_out("commit", "string", "The commit of its checkout; empty outside of one."),
        _worked_out("subsetopt", "string", "Its version of subsetopt."),
    ),
}
"""What follows the columns of fields."""
COLUMNS: tuple[Column[Record], ...] = tuple(
    column for one in fields(Row) for column in (_of_row(one), *_MORE.get(one.name, ()))
)
"""What the tables hold, in this order. Their schema has the version `SCHEMA`."""


def result_table(results: Results) -> Table[Record]:
    """Return one row for each row of the results, with the columns of `COLUMNS`."""
    return Table(COLUMNS, list(_records(results)))


def write_tables(results: Results, folder: Path) -> list[Path]:
    """Write ``rows.parquet`` and ``rows.csv`` into a folder, each whole or not at all.

    In the CSV file lists are JSON arrays. The Parquet file has the version of the schema in its
    metadata, as ``subsetopt.schema``.

    Raises MissingDependency if pandas or pyarrow is not installed; OSError if a file cannot be
    written.
    """
    parquet, csv = folder / "rows.parquet", folder / "rows.csv"
    rows = result_table(results)
    rows.to_parquet(parquet, {"subsetopt.schema": str(SCHEMA)})
    rows.to_csv(csv)
    return [parquet, csv]


def _records(results: Results) -> Iterator[Record]:
    own = [one.name for one in fields(Row)]
    bounds: dict[str, float] = {}
    for bound in results.bounds:
        if bound.value is not None:
            bounds[bound.case] = max(bound.value, bounds.get(bound.case, bound.value))
    for row in with_gaps(results.rows):
        session = results.sessions[row.session]
        yield {name: getattr(row, name) for name in own} | {
            "options": json.dumps(dict(row.options), sort_keys=True),
            "seconds_median": row.typical_seconds,
            "seconds_min": min(row.seconds, default=None),
            "seconds_max": max(row.seconds, default=None),
            "case_bound": bounds.get(row.case),
            "cpu": session.machine.cpu,
            "commit": session.commit,
            "subsetopt": session.machine.subsetopt,
        }
