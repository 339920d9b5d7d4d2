"""The application: its commands, loaded when used, and the process that runs one."""

import gc
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
import typer.core

import subsetopt

from .exits import BAD_INPUT, BY_SIGNAL, ExitCodes, complain, end_output, flush
from .signals import leave
from .standard_streams import make_ready, say

COMMANDS = {
    "select": "Choose rows of a table that represent all of them.",
    "split": "Divide the rows of a table into parts that resemble each other and the whole.",
    "solvers": "List all solvers; those that cannot run here with the reason and the fix.",
    "solve": "Solve a problem and certify the result.",
    "verify": "Check an answer or a proof, independently of what has found it.",
    "sequence": "Put all points into mini-batches such that what was seen so far resembles what is "
    "left.",
    "coreset": "Choose a few rows that resemble all of very many, which are read in blocks.",
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
"""By their words, in the order of the help, which is shown without loading the commands.

Each has a module, with a function of its name or the functions of its ``SUBCOMMANDS``.
"""

EPILOG = (
    "Exit codes: 0 an answer, 1 no answer within the limits, 2 bad input or usage, "
    "3 a missing dependency, 130 interrupted (143 by SIGTERM, 129 by SIGHUP). "
    "SUBSETOPT_DEBUG=1 shows tracebacks."
)
_GARBAGE = 100_000
"""New objects between two garbage collections; loading a command makes many, and no garbage."""


def run() -> None:
    """Run the command that ``sys.argv`` names, and end the process."""
    gc.set_threshold(_GARBAGE)
    if not make_ready():
        complain("standard output is closed; send it to a file, or to /dev/null")
        sys.exit(BAD_INPUT)
    if sys.argv[1:] == ["--version"]:
        try:
            _say_version()
            flush()
        except OSError as error:
            end_output(error)
        return
    try:
        application(sys.argv[1:])(prog_name="subsetopt")
    except SystemExit as ended:
        code = 0 if ended.code is None else ended.code
        if isinstance(code, int) and (code > BY_SIGNAL or not _is_watched()):
            leave(code)
        raise


def _is_watched() -> bool:
    """Whether threads are to be waited for, or a profiler or a debugger reports at the end."""
    threads = sum(not thread.daemon for thread in threading.enumerate())  # with the main thread
    return threads > 1 or sys.getprofile() is not None or sys.gettrace() is not None


def application(words: Sequence[str] | None = None) -> typer.Typer:
    """Return the application for the words of a command line, or of all commands.

    Only modules of the command that is named are loaded; where none is, the help needs none.
    """
    convert_without_pydantic()
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
            add(made, name)
        elif first not in COMMANDS:
            made.command(name, help=text)(_unloaded)
    return made


def add(app: typer.Typer, name: str) -> None:
    """Load a command and add it to an application."""
    from .derived_options import ExclusiveFlags, command

    stem = name.replace(" ", "_")
    module = import_module(f"{__package__}.{stem}")
    if (functions := getattr(module, "SUBCOMMANDS", None)) is None:
        app.command(name, cls=ExclusiveFlags)(command(getattr(module, stem)))
        return
    group = typer.Typer()
    group.callback(help=COMMANDS[name])(lambda: None)
    for word, function in functions.items():
        group.command(word, cls=ExclusiveFlags)(command(function))
    app.add_typer(group, name=name)


def _unloaded() -> None:
    raise AssertionError("a command that is named is loaded")


def _say_version() -> None:
    say(f"subsetopt {subsetopt.__version__}")


def _version(wanted: bool) -> None:
    if wanted:
        _say_version()
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


# -- Typer without pydantic, which takes as long to load as NumPy ----------------------------------

_core: Any = typer.core
_build: Any = getattr(_core, "build_runtime_param", None)


def convert_without_pydantic() -> None:
    """Let Typer take texts and flags as they are; nothing changes where it knows no pydantic.

    It would load pydantic even for options that are left out. All else is left to Typer.
    """
    if _build is not None:
        _core.build_runtime_param = _Plain


class _Plain:
    """What Typer asks for the value of a parameter."""

    def __init__(self, descriptor: Any) -> None:
        self._descriptor = descriptor

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value as Typer does; raises what Typer raises."""
        kind, info = self._descriptor.annotation, self._descriptor.parameter_info
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if info.parser is None and info.min is None and info.max is None:
            if type(value) is kind and kind in (str, bool):
                return value
            if kind == list[str] and type(value) in (list, tuple):
                return list(value)
        return _build(self._descriptor).coerce(value, param=param, ctx=ctx)
