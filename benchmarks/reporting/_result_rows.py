"""Rows of results as a table of pandas, and as Parquet and CSV files."""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from subsetopt.benchmarks.analysis._row_groups import with_gaps
from subsetopt.benchmarks.results import SCHEMA, Results, Row
from subsetopt.report import Column, Table

Record = dict[str, Any]


def _column(name: str, dtype: str, meaning: str) -> Column[Record]:
    return Column(name, name, dtype=dtype, meaning=meaning)


COLUMNS: tuple[Column[Record], ...] = (
    _column("case", "string", "The instance, with the number to choose."),
    _column("family", "string", "The kind of problem."),
    _column("source", "string", "Where the numbers come from."),
    _column("n", "Int64", "The number of candidates."),
    _column("k", "Int64", "The number to choose; of a sequence, the size of a batch."),
    _column(
        "sense",
        "string",
        "minimise; or maximise, where objectives are the negatives of what is wanted.",
    ),
    _column("best_known", "Float64", "The least objective published for a public instance."),
    _column("proven", "boolean", "Whether that is said to be optimal."),
    _column("solver", "string", "The label of the solver in this comparison."),
    _column("options", "string", "The solver's options that are not its defaults: a JSON object."),
    _column("version", "string", "Of what the solver stands on."),
    _column("repeat", "Int64", "Number of the repeat, from 0."),
    _column("seed", "Int64", "That of the comparison plus the number of the repeat."),
    _column("time_limit", "Float64", "Seconds per solve."),
    _column("threads", "Int64", "Of the solver; missing is its own default."),
    _column("objective", "Float64", "Recomputed from the answer; missing if there is none."),
    _column("bound", "Float64", "A lower bound on the optimum that came with the answer."),
    _column("termination", "string", "Why the solver stopped; missing if it had to be ended."),
    _column("certificate", "string", "What is proven of the answer."),
    _column("eps", "Float64", "How far at most the answer is from the optimum, as certified."),
    _column("seconds", "list[Float64]", "Each timed call, from outside."),
    _column("seconds_median", "Float64", "The median of `seconds`."),
    _column("seconds_min", "Float64", "The least of `seconds`."),
    _column("seconds_max", "Float64", "The largest of `seconds`."),
    _column("build_seconds", "Float64", "Stating the problem to the solver, by its own account."),
    _column("solve_seconds", "Float64", "Solving it, by its own account."),
    _column("overhead_seconds", "Float64", "What a call takes beside these two."),
    _column("warm_up_seconds", "Float64", "The first call of the process, which is not timed."),
    _column("cpu_seconds", "Float64", "Processor time of one call, of all threads."),
    _column("peak_bytes", "Int64", "The most memory held beyond what the process began with."),
    _column("indices", "list[Int64]", "The selection, or the order of a sequence, from 0."),
    _column("random_rank", "Float64", "The share of random subsets that are at least as good."),
    _column(
        "gap_to_best",
        "Float64",
        "(objective - best) / |best|, the best being the best known, else that of all rows of the "
        "case; missing where objectives are errors.",
    ),
    _column("case_bound", "Float64", "The best lower bound worked out for the case by itself."),
    _column("message", "string", "What the solver adds."),
    _column("failure", "string", "Why there is no answer; empty if there is one."),
    _column("session", "Int64", "Which session of the comparison measured it, from 0."),
    _column("cpu", "string", "The processor of that session."),
    _column("commit", "string", "The commit of its checkout; empty outside of one."),
    _column("subsetopt", "string", "Its version of subsetopt."),
)
"""What the tables hold, in this order. Their schema has the version `SCHEMA`."""


def result_table(results: Results) -> Table[Record]:
    """Return one row for each row of the results, with the columns of `COLUMNS`."""
    return Table(COLUMNS, list(_records(results)))


def write_tables(results: Results, folder: Path) -> list[Path]:
    """Write ``rows.parquet`` and ``rows.csv`` into a folder, each whole or not at all.

    In the CSV file lists are JSON arrays. The Parquet file has the version of the schema in its
    metadata, as ``subsetopt.schema``.

    Raises
    ------
    MissingDependency
        If pandas or pyarrow is not installed.
    OSError
        If a file cannot be written.
    """
    parquet, csv = folder / "rows.parquet", folder / "rows.csv"
    rows = result_table(results)
    rows.to_parquet(parquet, {"subsetopt.schema": str(SCHEMA)})
    rows.to_csv(csv)
    return [parquet, csv]


def _records(results: Results) -> Iterator[Record]:
    own = {field.name for field in fields(Row)} & {column.key for column in COLUMNS}
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
