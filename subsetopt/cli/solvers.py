"""``subsetopt solvers``: the solvers, and whether each can run here."""

import dataclasses
from collections.abc import Sequence
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


def _summary(row: "SolverInfo") -> str:
    """Return what it does; of one that cannot run here why, and the fix."""
    return row.summary if row.availability else f"not available: {row.availability.reason}"


def _problems(row: "SolverInfo", families: Sequence[str]) -> str:
    """Return the problems that it takes, or those that it does not where these are fewer."""
    absent = [family for family in families if family not in row.handles]
    if not absent:
        return "all"
    return ", ".join(row.handles) if len(absent) > 1 else f"all but {absent[0]}"


def _show(rows: "tuple[SolverInfo, ...]") -> None:
    families = list(dict.fromkeys(family for row in rows for family in row.handles))
    columns: tuple[report.Column[SolverInfo], ...] = (
        report.Column("name", "name"),
        report.Column("kind", "kind"),
        report.Column("version", lambda x: x.version or None, rank=3),
        report.Column("problems", lambda x: _problems(x, families), rank=1),
        report.Column("constraints", lambda x: ", ".join(x.takes) or None, rank=2),
        report.Column("summary", _summary),
    )
    style = {True: "", False: "dim"}
    table = report.Table(columns, rows, row_style=lambda x: style[bool(x.availability)])
    report.console().print(table)
