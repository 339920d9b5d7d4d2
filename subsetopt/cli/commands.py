"""The commands, and an application of all or some of them."""

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

import subsetopt

from . import parameter_types
from .exits import ExitCodes
from .standard_streams import say

COMMANDS = {
    "solvers": "List all solvers; those that cannot run here with the reason and the fix.",
    "solve": "Solve a problem and certify the result.",
    "sequence": "Put all points into mini-batches such that what was seen so far resembles what is "
    "left.",
    "export": "Write a problem as a model for other solvers.",
    "bench": "Compare solvers on real data and public instances, and check what they claim.",
    "report": "Show results: tables here, and a page with figures that needs nothing else.",
    "compare": "Say what has become slower, worse or broken between two folders of results.",
    "known": "List the best known values of public instances, and check results against them.",
    "records": "Inspect, merge, drop and export recorded forward passes.",
    "train": "Train a task under a budget by several rules and seeds, and compare them with "
    "uniform.",
    "train stream": "Train a task on recorded forward passes: on the chosen samples of each "
    "window, once.",
    "reproduce": "Run a table or figure of the papers again and compare it with the published "
    "numbers.",
    "warmup": "Compile all kernels once, so that no later call waits for the compiler.",
}
"""By their words, in the order of the help, which is shown without loading the commands."""

EPILOG = (
    "Exit codes: 0 an answer, 1 no answer within the limits, 2 bad input or usage, "
    "3 a missing dependency, 130 interrupted (143 by SIGTERM, 129 by SIGHUP). "
    "SUBSETOPT_DEBUG=1 shows tracebacks."
)


def application(words: Sequence[str] | None = None) -> typer.Typer:
    """Return the application for the words of a command line, or of all commands.

    Only modules of the command that is named are loaded; where none is, the help needs none.
    """
    parameter_types.use()
    made = typer.Typer(
        name="subsetopt",
        cls=ExitCodes,
        help="Exact and certified subset selection: choose k of n.",
        epilog=EPILOG,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    made.callback()(_options)
    first = next((word for word in words or () if word != "--"), "")
    for name, text in COMMANDS.items():
        if words is None or first == name.partition(" ")[0]:
            import_module(f"{__package__}.{name.replace(' ', '_')}").register(made)
        elif first not in COMMANDS:
            made.command(name, help=text)(_unloaded)
    return made


def _unloaded() -> None:
    raise AssertionError("a command that is named is loaded")


def _version(wanted: bool) -> None:
    if wanted:
        say(f"subsetopt {subsetopt.__version__}")
        raise typer.Exit()


def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    pass  # --version acts in its callback
