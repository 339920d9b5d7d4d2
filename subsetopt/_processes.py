"""Processes that end with the one that started them, and the processors that they may use."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Where Linux tells a container its share of the processors: microseconds of how many."""

POLL = 0.25
"""Seconds between two looks at the parent where the kernel does not tell of its end."""


def processors() -> int:
    """Return how many processors this process may use, as ``taskset`` and containers limit it."""
    # Only Linux knows of either.
    known = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(known or 1, _quota(QUOTA) or known or 1)


@cache
def _quota(file: Path) -> int | None:
    """Return the processors that a container's quota amounts to, rounded up; None without one."""
    try:
        used, period = file.read_text(encoding="ascii").split()
        return -(-int(used) // int(period))
    except (OSError, ValueError):  # no such file, or no limit: "max 100000"
        return None


def end_with(parent: int) -> None:
    """Let this process be killed when process `parent`, which has started it, has ended.

    To be called first thing in the process that was started. It ends without any cleaning up:
    what it writes must bear that, as `subsetopt._files.replacing` does.

    Parameters
    ----------
    parent : int
        The number of the process that has started this one, asked there by `os.getpid`: asked
        here it is another one's if the parent has ended already.

    Notes
    -----
    On Linux by ``PR_SET_PDEATHSIG``, which also works while native code holds the interpreter
    lock. There the kernel means the *thread* that has started this process: that thread must
    live as long as what it waits for. Elsewhere a thread looks at the parent every `POLL` seconds.
    """
    if sys.platform == "linux":
        import ctypes

        set_death_signal = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
        _require(parent)  # it may have ended before
    else:
        _watch(parent, threading.Event())


@contextmanager
def ending_with(parent: int) -> Iterator[None]:
    """Let this process be killed when `parent` ends within the block, by a thread that looks.

    For processes that were started by a thread which ends before them, and for those that must
    have a single thread later: no thread is left when the block ends.
    """
    over = threading.Event()
    watching = _watch(parent, over)
    try:
        yield
    finally:
        over.set()
        watching.join()


def _watch(parent: int, over: threading.Event) -> threading.Thread:
    def look() -> None:
        while not over.wait(POLL):
            _require(parent)

    _require(parent)
    watching = threading.Thread(target=look, name="parent", daemon=True)
    watching.start()
    return watching


def _require(parent: int) -> None:
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
