"""``subsetopt solvers``: what can run here, and what cannot, and why."""

import dataclasses
from typing import TYPE_CHECKING, Any

import subsetopt
from subsetopt import report

from .derived_options import json_flag
from .standard_streams import say_json

if TYPE_CHECKING:
    from subsetopt.solvers.catalogue import SolverInfo


def solvers(as_json: bool = json_flag()) -> None:
    """List all solvers; those that cannot run here with the reason and the fix.

    Example: subsetopt solvers --json
    """
    rows = subsetopt.available_solvers()
    if as_json:
        document = {"version": subsetopt.__version__, "solvers": [_plain(row) for row in rows]}
        say_json(document, indent=2)
    else:
        _show(rows)


def _plain(row: "SolverInfo") -> dict[str, Any]:
    plain = dataclasses.asdict(row)
    plain.pop("availability")
    return {**plain, "available": bool(row.availability), "reason": row.availability.reason}


def _available(row: "SolverInfo") -> str:
    return "yes" if row.availability else f"no: {row.availability.reason}"


def _show(rows: "tuple[SolverInfo, ...]") -> None:
    columns: tuple[report.Column[SolverInfo], ...] = (
        report.Column("name", "name"),
        report.Column("kind", "kind", rank=1),
        report.Column("version", lambda x: x.version or None, rank=3),
        report.Column(
            "available", lambda x: "yes" if x.availability else f"no: {x.availability.reason}"
        ),
        report.Column("handles", lambda x: ", ".join(x.handles)),
        report.Column("constraints", lambda x: ", ".join(x.takes) or None, rank=1),
        report.Column("exact", lambda x: "yes" if x.exact else "no", rank=2),
        report.Column("summary", "summary"),
    )
    style = {True: "", False: "dim"}
    table = report.Table(columns, rows, row_style=lambda x: style[bool(x.availability)])
    report.console().print(table)
