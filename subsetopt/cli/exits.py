"""Exit codes of errors."""

import errno
import os
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from typer.core import TyperGroup

import subsetopt
from subsetopt.errors import InvalidResult, MissingDependency, SubsetOptError, TooLarge

from .signals import signals_as_ctrl_c
from .standard_streams import drop_output, say

if TYPE_CHECKING:
    from subsetopt.solution import Solution

ANSWER = 0
NO_ANSWER = 1
BAD_INPUT = 2
MISSING_BACKEND = 3
BY_SIGNAL = 128
"""What shells add to the number of the signal that has ended a process."""
INTERRUPTED = 130  # SIGINT, which is Ctrl-C
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
BROKEN_PIPE = 141  # what a shell reports for a process that SIGPIPE has ended


def of_solution(solution: "Solution") -> int:
    """Return the exit code of a command that ended with `solution`."""
    if solution.termination is subsetopt.Termination.INTERRUPTED:
        return INTERRUPTED
    return NO_ANSWER if solution.indices is None else ANSWER


def of_error(error: BaseException) -> int:
    """Return the exit code of a command that ended with `error`."""
    match error:
        case KeyboardInterrupt():
            return INTERRUPTED
        case BrokenPipeError():
            return BROKEN_PIPE
        case MissingDependency():
            return MISSING_BACKEND
        case TooLarge() | InvalidResult() | MemoryError():
            return NO_ANSWER
        case SubsetOptError() | OSError():
            return BAD_INPUT
        case _:
            return NO_ANSWER


class ExitCodes(TyperGroup):
    """The root command: runs the others and ends the process with the code that fits."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that the first words name; one of two words comes first."""
        pair = " ".join(args[:2])
        if pair in self.commands:
            return pair, self.commands[pair], args[2:]
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run; what ``--help`` and the like print before there is a command may fail as well."""
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            end_output(error)
        except SystemExit as ended:  # Typer's own code for it is that of "no answer"
            if isinstance(ended.__context__, BrokenPipeError):
                ended.code = BROKEN_PIPE
            raise

    def invoke(self, ctx: Any) -> object:
        """Run the command; it ends with the code of the signal that has ended it, if one has."""
        with signals_as_ctrl_c() as came:
            try:
                return self._invoked(ctx)
            except typer.Exit as ended:
                if came and ended.exit_code == INTERRUPTED:
                    raise typer.Exit(BY_SIGNAL + came[0]) from None
                raise

    def _invoked(self, ctx: Any) -> object:
        """Run the command; every error ends as one line on standard error."""
        try:
            result: object = super().invoke(ctx)
            flush()
        except (typer.Exit, typer.Abort):
            raise
        except (Exception, KeyboardInterrupt) as error:
            if os.environ.get("SUBSETOPT_DEBUG", "0") not in ("", "0"):
                traceback.print_exc()
            _end(error)
        return result


def _end(error: BaseException) -> NoReturn:
    if hasattr(error, "format_message"):  # a usage error; Typer does not export its class
        context = getattr(error, "ctx", None)
        hint = f" (see '{context.command_path} --help')" if context else ""
        complain(f"{error.format_message().rstrip('.')}{hint}")
        raise typer.Exit(BAD_INPUT)
    error = _of_output(error)
    if not isinstance(error, BrokenPipeError):
        complain(_message(error))
    raise typer.Exit(of_error(error))


def end_output(error: OSError) -> NoReturn:
    """End a process whose standard output cannot be written."""
    named = _of_output(error)
    if not isinstance(named, BrokenPipeError):
        complain(_message(named))
    sys.exit(of_error(named))


def flush() -> None:
    """Notice here, not at exit, that a reader has gone away or a disk is full."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from error


def _of_output(error: BaseException) -> BaseException:
    """Drop what standard output did not take, and name it where it is what has no room.

    The standard library names no file when a write fails; ours do, see `subsetopt._files`.
    """
    if isinstance(error, OSError) and error.errno in _NO_ROOM and error.filename is None:
        try:
            os.write(sys.stdout.fileno(), b"\n")  # an empty write does not fail
        except (OSError, ValueError):
            error.filename = "standard output"
    drop_output()
    return error


def complain(message: str) -> None:
    """Print an error as one line on standard error, if that can be written."""
    with suppress(OSError):
        say(f"error: {' '.join(message.split())}", err=True)


def _message(error: BaseException) -> str:
    match error:
        case KeyboardInterrupt():
            return "interrupted"
        case MemoryError():
            return f"out of memory: {error}" if str(error) else "out of memory"
        case SubsetOptError():
            return str(error)
        case OSError() if error.strerror and error.filename is not None:
            return f"{error.filename}: {error.strerror}"
        case OSError():
            return error.strerror or str(error)
        case _:
            return (
                f"unexpected {type(error).__name__}: {error}; this should not happen, "
                "SUBSETOPT_DEBUG=1 shows where it did"
            )
