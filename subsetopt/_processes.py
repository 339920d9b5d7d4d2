"""Processes that end with the one that has started them, however that ends."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

POLL = 0.25
"""Seconds between two looks at the parent where the kernel does not tell of its end."""


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
