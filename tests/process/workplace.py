"""Folders that commands work in, and commands that a signal meets at a chosen moment."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from subsetopt.benchmarks.results import Results

SABOTAGED = """
import os, signal, sys

number, name, left = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
real = getattr(os, name)
here = os.getcwd() + os.sep

def sabotaged(*arguments, **options):
    global left
    place = arguments[-1] if name == "replace" else f"/proc/self/fd/{arguments[0]}"
    if os.path.realpath(place).startswith(here):
        left -= 1
        if left == -1:
            os.kill(os.getpid(), number)
    return real(*arguments, **options)

setattr(os, name, sabotaged)
del sys.argv[1:4]
from subsetopt.cli import main
main()
"""
"""A command that gets a signal just before it renames a file here, or has it put on disk."""

TOLD = """
import sys
from subsetopt.report import _progress as progress
progress.EVERY = 0.05
from subsetopt.cli import main
main()
"""
"""A command that says all the time how far it is."""


@dataclass(frozen=True)
class Command:
    """A command that writes.

    Parameters
    ----------
    arguments : tuple of str
        With files of the folder that `furnish` makes.
    targets : tuple of str
        The files that it writes, which are there before.
    going_on : tuple of str
        What is to be added when it is run again.
    sabotaged : str
        The function of `os` within which the signal comes.
    calls : int
        How many calls go well before.
    """

    arguments: tuple[str, ...]
    targets: tuple[str, ...] = ()
    going_on: tuple[str, ...] = ()
    sabotaged: str = "replace"
    calls: int = 0


def furnish(folder: Path, results: Callable[[Path], object]) -> None:
    """Make what commands read: losses.npy, points.npy, records/ and results/."""
    rng = np.random.default_rng(0)
    np.save(folder / "losses.npy", rng.random(40))
    np.save(folder / "points.npy", rng.normal(size=(60, 3)))
    results(folder / "results")


def record(folder: Path, segments: int = 6) -> None:
    """Make records/, of samples of `digits` with losses."""
    from subsetopt.records import RecordWriter

    with RecordWriter(folder / "records", "server", durable=False) as writer:
        for part in range(segments):
            ids = np.arange(100) + 100 * part
            writer.append(ids, ids * 0.01, model="m", time=1_700_000_000.0 + ids)
            writer.flush()


def run(
    folder: Path, arguments: Sequence[str], program: Sequence[str] = ("-m", "subsetopt")
) -> "subprocess.CompletedProcess[str]":
    """Run a command in a folder to its end."""
    return subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env=environment(),
    )


def started(folder: Path, arguments: Sequence[str]) -> "subprocess.Popen[str]":
    """Start a command that tells on standard error how far it is."""
    return subprocess.Popen(
        [sys.executable, "-c", TOLD, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def environment() -> dict[str, str]:
    """Return the variables of a command, which draws without a screen."""
    return {**os.environ, "MPLBACKEND": "agg"}


def unfinished(folder: Path) -> list[str]:
    """Return the files that were being written and are left."""
    found = [*folder.rglob("*.part"), *folder.rglob("*.merge")]
    return sorted(str(path.relative_to(folder)) for path in found)


def kept(results: Results, keep: Callable[..., Any]) -> Callable[[Path], object]:
    """Return what writes results to a folder."""
    return lambda path: keep(results, path)
