"""``subsetopt solvers``: what can run here, and what cannot, and why."""

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

import subsetopt

from .streams import say

if TYPE_CHECKING:
    from subsetopt.solving import SolverInfo


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("solvers")(list_solvers)


def list_solvers(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead.")] = False,
) -> None:
    """List the solvers, those that cannot run here included, with the reason and the mend.

    Example: subsetopt solvers --json
    """
    from subsetopt.solving import available_solvers

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
    from rich.table import Table

    from subsetopt.report.terminal import console

    table = Table(show_lines=False, header_style="bold")
    for heading in ("name", "kind", "version", "available", "handles", "exact", "summary"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("name", "kind"))
    for row in rows:
        table.add_row(
            row.name,
            row.kind,
            row.version or "-",
            "yes" if row.availability else f"no: {row.availability.reason}",
            ", ".join(row.handles),
            "yes" if row.exact else "no",
            row.summary,
            style=None if row.availability else "dim",
        )
    console().print(table)
