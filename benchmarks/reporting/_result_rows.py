"""Rows of results as a table of pandas, and as Parquet and CSV files."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, fields
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

from subsetopt._options import kinds_of
from subsetopt.benchmarks.analysis._row_groups import with_gaps
from subsetopt.benchmarks.results import SCHEMA, Results, Row
from subsetopt.report import Column, Table

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
