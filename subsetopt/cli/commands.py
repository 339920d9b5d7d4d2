"""The commands: which module each is in, and an application of all or some of them."""

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

import subsetopt

from . import plain_values
from .exits import ExitCodes
from .streams import say

MODULES = {
    "solvers": ("solvers",),
    "solve": ("solve",),
    "sequence": ("sequence",),
    "export": ("export",),
    "bench": ("bench",),
    "report": ("report",),
    "compare": ("compare",),
    "known": ("known",),
    "records": ("records",),
    "train": ("train", "train_stream"),
    "reproduce": ("reproduce",),
    "warmup": ("warmup",),
}
"""By the first word of a command, in the order of the help: the modules that register it."""

EPILOG = (
    "Exit codes: 0 an answer, 1 no answer within the limits, 2 bad input or usage, "
    "3 a missing backend, 130 interrupted (143 by SIGTERM, 129 by SIGHUP). "
    "SUBSETOPT_DEBUG=1 shows tracebacks."
)


def application(words: Sequence[str]) -> typer.Typer:
    """Return the application for a command line: of the command that it names, else of all."""
    plain_values.use()
    names = words[:1] if words and words[0] in MODULES else MODULES
    made = typer.Typer(
        name="subsetopt",
        cls=ExitCodes,
        help="Choosing k of n, solved properly: exact or certified subset selection.",
        epilog=EPILOG,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    made.callback()(_options)
    for name in names:
        for module in MODULES[name]:
            import_module(f"{__package__}.{module}").register(made)
    return made


def _version(wanted: bool) -> None:
    if wanted:
        say(f"subsetopt {subsetopt.__version__}")
        raise typer.Exit()


def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print it and exit."),
    ] = False,
) -> None:
    pass  # --version acts in its callback
