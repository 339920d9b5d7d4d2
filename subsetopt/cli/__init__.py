"""The command line: one module per command, and only that of the command that runs is loaded."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typer

__all__ = ["main"]

_INTERRUPTED = 130

app: "typer.Typer"
"""All commands; made when it is asked for."""


def main() -> None:
    """Run the command line; the console script."""
    try:
        from .commands import (
            run,  # Ctrl-C may come while this is loaded, before any command hears it
        )

        run()
    except KeyboardInterrupt:
        with suppress(OSError, ValueError, AttributeError):  # closed, or none at all
            sys.stderr.write("error: interrupted\n")
        sys.exit(_INTERRUPTED)


def __getattr__(name: str) -> Any:
    if name == "app":
        from . import commands

        globals()["app"] = made = commands.application()
        return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
