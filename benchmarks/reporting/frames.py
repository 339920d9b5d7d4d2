"""Results as a table of pandas, and as Parquet and CSV files."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from subsetopt.benchmarks.analysis.yardsticks import with_gaps
from subsetopt.benchmarks.results import SCHEMA, Results, Row
from subsetopt.formats.atomic import replacing
from subsetopt.formats.csv_cells import frame_text
from subsetopt.solvers.base import Requirement

if TYPE_CHECKING:
    from pandas import DataFrame

PANDAS = Requirement("pandas", "pandas", extra="bench")
PYARROW = Requirement("pyarrow", "pyarrow", extra="bench")

Dtype = Literal["string", "Int64", "Float64", "boolean", "list[Int64]", "list[Float64]"]


class Column(NamedTuple):
    """What a column holds: a nullable dtype of pandas, or lists of one, and what it means."""

    dtype: Dtype
    meaning: str


COLUMNS: Mapping[str, Column] = {
    "case": Column("string", "The instance, with the number to choose."),
    "family": Column("string", "The kind of problem."),
    "source": Column("string", "Where the numbers come from."),
    "n": Column("Int64", "The number of candidates."),
    "k": Column("Int64", "The number to choose; of a sequence, the size of a batch."),
    "sense": Column(
        "string", "minimise; or maximise, where objectives are the negatives of what is wanted."
    ),
    "best_known": Column("Float64", "The least objective published for a public instance."),
    "proven": Column("boolean", "Whether that is said to be optimal."),
    "solver": Column("string", "The label of the solver in this comparison."),
    "options": Column("string", "The solver's options that are not its defaults: a JSON object."),
    "version": Column("string", "Of what the solver stands on."),
    "repeat": Column("Int64", "Number of the repeat, from 0."),
    "seed": Column("Int64", "That of the comparison plus the number of the repeat."),
    "time_limit": Column("Float64", "Seconds per solve."),
    "threads": Column("Int64", "Of the solver; missing is its own default."),
    "objective": Column("Float64", "Recomputed from the answer; missing if there is none."),
    "bound": Column("Float64", "A lower bound on the optimum that came with the answer."),
    "termination": Column("string", "Why the solver stopped; missing if it had to be ended."),
    "certificate": Column("string", "What is proven of the answer."),
    "eps": Column("Float64", "How far at most the answer is from the optimum, as certified."),
    "seconds": Column("list[Float64]", "Each timed call, from outside."),
    "seconds_median": Column("Float64", "The median of `seconds`."),
    "seconds_min": Column("Float64", "The least of `seconds`."),
    "seconds_max": Column("Float64", "The largest of `seconds`."),
    "build_seconds": Column("Float64", "Stating the problem to the solver, by its own account."),
    "solve_seconds": Column("Float64", "Solving it, by its own account."),
    "overhead_seconds": Column("Float64", "What a call takes beside these two."),
    "warm_up_seconds": Column("Float64", "The first call of the process, which is not timed."),
    "cpu_seconds": Column("Float64", "Processor time of one call, of all threads."),
    "peak_bytes": Column("Int64", "The most memory held beyond what the process began with."),
    "indices": Column("list[Int64]", "The selection, or the order of a sequence, from 0."),
    "random_rank": Column("Float64", "The share of random subsets that are at least as good."),
    "gap_to_best": Column(
        "Float64",
        "(objective - best) / |best|, the best being the best known, else that of all rows of the "
        "case; missing where objectives are errors.",
    ),
    "case_bound": Column("Float64", "The best lower bound worked out for the case by itself."),
    "message": Column("string", "What the solver adds."),
    "failure": Column("string", "Why there is no answer; empty if there is one."),
    "session": Column("Int64", "Which session of the comparison measured it, from 0."),
    "cpu": Column("string", "The processor of that session."),
    "commit": Column("string", "The commit of its checkout; empty outside of one."),
    "subsetopt": Column("string", "Its version of subsetopt."),
}
"""What the tables hold, in this order. Their schema has the version `SCHEMA`."""


def to_frame(results: Results) -> "DataFrame":
    """Return one row for each row of the results, with the columns of `COLUMNS`.

    Columns of lists hold Python lists, or None.

    Raises
    ------
    MissingBackend
        If pandas is not installed.
    """
    pandas = PANDAS.load()
    records = list(_records(results))
    frame: DataFrame = pandas.DataFrame(
        {
            name: pandas.Series(
                [record[name] for record in records],
                dtype="object" if column.dtype.startswith("list") else column.dtype,
            )
            for name, column in COLUMNS.items()
        }
    )
    return frame


def write_tables(results: Results, folder: Path) -> list[Path]:
    """Write ``rows.parquet`` and ``rows.csv`` into a folder, each whole or not at all.

    In the CSV file lists are JSON arrays. The Parquet file has the version of the schema in its
    metadata, as ``subsetopt.schema``.

    Raises
    ------
    MissingBackend
        If pandas or pyarrow is not installed.
    OSError
        If a file cannot be written.
    """
    frame = to_frame(results)
    parquet, csv = folder / "rows.parquet", folder / "rows.csv"
    writer = PYARROW.load("parquet")
    with replacing(parquet) as stream:
        writer.write_table(_arrow(frame), stream)
    for name, column in COLUMNS.items():
        if column.dtype.startswith("list"):
            frame[name] = frame[name].map(json.dumps, na_action="ignore").astype("string")
    with replacing(csv) as stream:
        stream.write(frame_text(frame).encode())
    return [parquet, csv]


def _records(results: Results) -> Iterator[dict[str, Any]]:
    own = {field.name for field in fields(Row)} & set(COLUMNS)
    bounds: dict[str, float] = {}
    for bound in results.bounds:
        if bound.value is not None:
            bounds[bound.case] = max(bound.value, bounds.get(bound.case, bound.value))
    for row in with_gaps(results.rows):
        session = results.sessions[row.session]
        yield {name: getattr(row, name) for name in own} | {
            "options": json.dumps(dict(row.options), sort_keys=True),
            "termination": None if row.termination is None else row.termination.value,
            "certificate": None if row.certificate is None else row.certificate.value,
            "seconds": list(row.seconds),
            "seconds_median": row.typical_seconds,
            "seconds_min": min(row.seconds, default=None),
            "seconds_max": max(row.seconds, default=None),
            "indices": None if row.indices is None else list(row.indices),
            "case_bound": bounds.get(row.case),
            "cpu": session.machine.cpu,
            "commit": session.commit,
            "subsetopt": session.machine.subsetopt,
        }


def _arrow(frame: "DataFrame") -> Any:
    pyarrow = PYARROW.load()
    plain = {
        "string": pyarrow.string(),
        "Int64": pyarrow.int64(),
        "Float64": pyarrow.float64(),
        "boolean": pyarrow.bool_(),
        "list[Int64]": pyarrow.list_(pyarrow.int64()),
        "list[Float64]": pyarrow.list_(pyarrow.float64()),
    }
    schema = pyarrow.schema([(name, plain[column.dtype]) for name, column in COLUMNS.items()])
    table = pyarrow.Table.from_pandas(frame, schema=schema, preserve_index=False)
    held = table.schema.metadata or {}
    return table.replace_schema_metadata({**held, "subsetopt.schema": str(SCHEMA)})
