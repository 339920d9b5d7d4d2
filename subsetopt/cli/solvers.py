"""``subsetopt solvers``: what can run here, and what cannot, and why."""

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import typer

import subsetopt

from .derived_options import command, json_flag
from .standard_streams import say

if TYPE_CHECKING:
    from subsetopt.solvers.catalogue import SolverInfo


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("solvers")(command(list_solvers))


def list_solvers(
    as_json: bool = json_flag(),
) -> None:
    """List all solvers; those that cannot run here with the reason and the fix.

    Example: subsetopt solvers --json
    """
    from subsetopt.solvers.catalogue import available_solvers

    rows = available_solvers()
    if as_json:
        document = {"version": subsetopt.__version__, "solvers": [_plain(row) for row in rows]}
        say(json.dumps(document, indent=2))
    else:
        _show(rows)


def _plain(row: "SolverInfo") -> dict[str, Any]:
    plain = dataclasses.asdict(row)
    plain.pop("availability")
    return {**plain, "available": bool(row.availability), "reason": row.availability.reason}


def _show(rows: "tuple[SolverInfo, ...]") -> None:
    from subsetopt.report import Column, Table, console

    columns: tuple[Column[SolverInfo], ...] = (
        Column("name", "name"),
        Column("kind", "kind", rank=1),
        Column("version", lambda x: x.version or None, rank=3),
        Column("available", lambda x: "yes" if x.availability else f"no: {x.availability.reason}"),
        Column("handles", lambda x: ", ".join(x.handles)),
        Column("exact", lambda x: "yes" if x.exact else "no", rank=2),
        Column("summary", "summary"),
    )
    style = {True: "", False: "dim"}
    console().print(Table(columns, rows, row_style=lambda x: style[bool(x.availability)]))
