"""The command line: one module per command, and only that of the command that runs is loaded."""

import sys
from typing import TYPE_CHECKING, Any

import subsetopt

from .exits import BAD_INPUT, BY_SIGNAL, complain, end_output, flush
from .signals import leave
from .streams import make_ready, say

if TYPE_CHECKING:
    import typer

app: "typer.Typer"
"""All commands; made when it is asked for."""


def main() -> None:
    """Run the command line; the console script."""
    if not make_ready():
        complain("standard output is closed; send it to a file, or to /dev/null")
        sys.exit(BAD_INPUT)
    if sys.argv[1:] == ["--version"]:
        try:
            say(f"subsetopt {subsetopt.__version__}")
            flush()
        except OSError as error:
            end_output(error)
        return
    from . import commands

    try:
        commands.application(sys.argv[1:])(prog_name="subsetopt")
    except SystemExit as ended:
        if isinstance(ended.code, int) and ended.code > BY_SIGNAL:
            leave(ended.code)
        raise


def __getattr__(name: str) -> Any:
    if name == "app":
        from . import commands

        globals()["app"] = made = commands.application(())
        return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
