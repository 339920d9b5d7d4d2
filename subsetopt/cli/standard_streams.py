"""Standard input, output and error of the commands."""

import ctypes
import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any

import typer

from subsetopt import report
from subsetopt.report._markup import visible


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print text, with what a terminal would obey in it shown as escapes."""
    typer.echo(visible(text), err=err, nl=nl)


def say_json(document: Any, *, indent: int | None = None) -> None:
    """Print a document as JSON; dataclasses become objects."""
    say(json.dumps(document, indent=indent, allow_nan=False, default=report.plain))


def make_ready() -> bool:
    """Make the streams of this process safe to print to; False if standard output is closed.

    A closed one is opened on nothing: else the next file that is opened would take its number,
    and what is printed would land in there. Warnings and log lines become lines like others.
    """
    closed = sys.stdout is None
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the end
    warnings.showwarning = _show_warning
    handler = logging.StreamHandler()
    handler.setFormatter(_Visible("%(message)s"))
    logging.getLogger("subsetopt").addHandler(handler)
    return not closed


class _Visible(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return visible(" ".join(super().format(record).split()))


def _show_warning(message: Any, *_: object, **__: object) -> None:
    with suppress(OSError):
        say(f"warning: {' '.join(str(message).split())}", err=True)


def drop_output() -> None:
    """Send what is still buffered for standard output nowhere, where it cannot be written.

    The interpreter would complain about it at its own exit.
    """
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):  # a stream of a test has no number
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def output_to_error() -> Iterator[None]:
    """Send what is printed within, by Python or by a native library, to standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _flush_native()
        os.dup2(kept, 1)
        os.close(kept)


def _flush_native() -> None:
    # The C library buffers on its own; without this its lines would come out after the switch.
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)
