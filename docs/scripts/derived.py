"""Write what pages take from the code: solvers, their constraints, columns of results, commands.

``python docs/scripts/derived.py`` writes it between the markers of each page; a test fails where a
page shows something else.
"""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer.main

import subsetopt
from subsetopt.benchmarks.reporting._comparison_report import COLUMNS as RESULT_COLUMNS
from subsetopt.benchmarks.scripts import bilevel_shown
from subsetopt.benchmarks.scripts.exact_shown import compared, opened
from subsetopt.benchmarks.scripts.split_estimates_shown import shown
from subsetopt.cli import app
from subsetopt.models import CONSTRAINT_KINDS, QUADRATIC_FAMILIES
from subsetopt.solvers import catalogue

FAMILIES = {"mean-matching", *QUADRATIC_FAMILIES}
DOCS = Path(__file__).parents[1]
COLUMNS = ("name", "kind", "for", "constraints", "exact", "choose it when", "requires")


def solver_table() -> str:
    """Return one row per solver, from what the solvers declare."""
    lines = [_row(COLUMNS), _row(["---"] * len(COLUMNS))]
    for info in subsetopt.available_solvers():
        requires = catalogue.solver_class(info.name).requires
        lines.append(
            _row(
                [
                    f"`{info.name}`",
                    info.kind,
                    "all" if set(info.handles) >= FAMILIES else ", ".join(info.handles),
                    "all" if info.takes == CONSTRAINT_KINDS else ", ".join(info.takes) or "-",
                    "yes" if info.exact else "no",
                    info.choose_when,
                    ", ".join(f"{r.distribution}{r.specifier}" for r in requires) or "-",
                ]
            )
        )
    return "\n".join(lines)


def constraint_table() -> str:
    """Return one row per solver: which kinds of constraints it takes, and whether it proves."""
    lines = [_row(("solver", *CONSTRAINT_KINDS, "proves optima")), _row(["---"] * 6)]
    for info in subsetopt.available_solvers():
        takes = ["yes" if kind in info.takes else "-" for kind in CONSTRAINT_KINDS]
        lines.append(_row([f"`{info.name}`", *takes, "yes" if info.exact else "-"]))
    return "\n".join(lines)


def _row(cells: Any) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def result_columns() -> str:
    """Return one row per column of the tables of results."""
    lines = [_row(("column", "type", "meaning")), _row(["---"] * 3)]
    lines += [_row([f"`{c.key}`", c.dtype, c.meaning]) for c in RESULT_COLUMNS]
    return "\n".join(lines)


def command_reference() -> str:
    """Return every command with its arguments and options."""
    return "\n\n".join(_commands(typer.main.get_command(app), "subsetopt"))


def options() -> set[str]:
    """Return every option that any command takes, as written on the command line."""
    found = {"--help"}
    for _, command in _walk(typer.main.get_command(app), "subsetopt"):
        names = (opt for p in command.params for opt in (*p.opts, *p.secondary_opts))
        found.update(name for name in names if name.startswith("-"))
    return found


def _walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, sub in getattr(command, "commands", {}).items():
        yield from _walk(sub, f"{path} {name}")


def _commands(root: Any, name: str) -> Iterator[str]:
    for path, command in _walk(root, name):
        if hasattr(command, "commands") and command is not root:
            continue  # a group does nothing by itself
        yield f"## `{path}`"
        for part in (command.help or "").split("\n\n"):
            text, example, line = " ".join(part.split()).partition("Example: ")
            yield f"```console\n$ {line}\n```" if example and not text else text + example + line
        rows = [_parameter(p) for p in command.params if p.name != "help"]
        yield "\n".join([_row(("parameter", "meaning", "default")), _row(["---"] * 3), *rows])
        if command is root and command.epilog:
            yield command.epilog


def _parameter(parameter: Any) -> str:
    argument = parameter.param_type_name == "argument"
    flag = bool(getattr(parameter, "is_flag", False))
    value = parameter.metavar or parameter.name.upper()
    name = (
        value
        if argument
        else ", ".join([*parameter.opts, *parameter.secondary_opts]) + ("" if flag else f" {value}")
    )
    if parameter.required:
        default = "required"
    elif flag or parameter.default in (None, ""):
        default = "-"
    else:
        default = f"`{parameter.default}`"
    return _row((f"`{name}`", getattr(parameter, "help", None) or "", default))


def kernel_table() -> str:
    """Return what kernels and scales make of a selection, which kernels.py has measured."""
    with (DOCS / "figures" / "kernels.csv").open(encoding="utf-8", newline="") as stream:
        header, *lines = csv.reader(stream)
    rows = [[name, *(f"{float(cell):.2f}" for cell in cells)] for name, *cells in lines]
    return "\n".join(map(_row, [header, ["---", *["---:"] * (len(header) - 1)], *rows]))


PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "choosing.md": {"measured": kernel_table, "derived": solver_table},
    "constraints.md": {"derived": constraint_table},
    "benchmarks.md": {"derived": result_columns},
    "commands.md": {"derived": command_reference},
    "bilevel.md": {"derived": lambda: bilevel_shown.shown(DOCS / "figures" / "bilevel.jsonl")},
    "exact.md": {
        "compared": lambda: compared(DOCS / "figures" / "exact-compared.jsonl"),
        "opened": lambda: opened(DOCS / "figures" / "exact-opened.jsonl"),
    },
    "splits.md": {"derived": lambda: shown(DOCS / "figures" / "splits.jsonl")},
}
"""Of each page what stands behind a mark, ``<!-- derived -->``, up to the next ``<!-- end -->``."""


def page(name: str) -> str:
    """Return a page with what is derived from code and measurements between its marks."""
    text = (DOCS / name).read_text(encoding="utf-8")
    for mark, made in PAGES[name].items():
        between = rf"(?s)(<!-- {mark} -->\n).*?(\n<!-- end -->)"
        derived = made().replace("\\", r"\\")
        text, count = re.subn(between, rf"\1\n{derived}\n\2", text)
        assert count == 1, f"{name} must hold <!-- {mark} --> and <!-- end -->"
    return text


if __name__ == "__main__":
    for name in PAGES:
        (DOCS / name).write_text(page(name), encoding="utf-8")
