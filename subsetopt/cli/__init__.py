"""The command line: one module per command, nothing heavy imported before a command runs."""

import sys
from typing import Annotated

import typer

import subsetopt

from . import (
    bench,
    compare,
    export,
    known,
    records,
    report,
    reproduce,
    sequence,
    solve,
    solvers,
    train,
    train_stream,
    warmup,
)
from .exits import BAD_INPUT, BY_SIGNAL, ExitCodes, complain
from .signals import leave
from .streams import make_ready, say

EPILOG = (
    "Exit codes: 0 an answer, 1 no answer within the limits, 2 bad input or usage, "
    "3 a missing backend, 130 interrupted (143 by SIGTERM, 129 by SIGHUP). "
    "SUBSETOPT_DEBUG=1 shows tracebacks."
)

app = typer.Typer(
    name="subsetopt",
    cls=ExitCodes,
    help="Choosing k of n, solved properly: exact or certified subset selection.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"subsetopt {subsetopt.__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print it and exit."),
    ] = False,
) -> None:
    pass  # --version acts in its callback


for _command in (
    solvers,
    solve,
    sequence,
    export,
    bench,
    report,
    compare,
    known,
    records,
    train,
    train_stream,
    reproduce,
    warmup,
):
    _command.register(app)


def main() -> None:
    """Run the command line; the console script."""
    if not make_ready():
        complain("standard output is closed; send it to a file, or to /dev/null")
        sys.exit(BAD_INPUT)
    try:
        app(prog_name="subsetopt")
    except SystemExit as ended:
        if isinstance(ended.code, int) and ended.code > BY_SIGNAL:
            leave(ended.code)
        raise
