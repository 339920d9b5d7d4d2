"""Compilation of kernels: outside of time limits, announced, and done once.

Of several processes that want the same kernel one compiles it; the others wait, and load it.
"""

import gc
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from types import FrameType
from typing import Any

from numba.core import event

from subsetopt._announcing import LOGGER, Announcement
from subsetopt._clock import CLOCK

SAID_AFTER = 2.0
"""Seconds of waiting for another process before it is said."""

PATIENCE = 120.0
"""Seconds before a process compiles what another one has not finished."""

_POLL = 0.01  # seconds: those who wait take the lock one after another, each to load in less

OWN = "subsetopt."
"""What the modules of kernels that are announced begin with."""

ONCE = "compiling search kernels, once per machine; `subsetopt warmup` compiles all at once"
EACH = "compiling search kernels in this process: there is no folder where they could be kept"


class NotCompiled(Exception):
    """A kernel is not in the cache, where nothing may be compiled."""


class _State(threading.local):
    depth = 0
    collecting = False

    def __init__(self) -> None:
        self.locks: list[tuple[str, Any]] = []


_STATE = _State()
_ANNOUNCEMENT = Announcement(ONCE)


class _CtrlC:
    """Ctrl-C is heard when the kernel at hand is compiled, the second one at once.

    Numba, interrupted, keeps kernels that are half done, and no later call could use them.
    """

    def __init__(self) -> None:
        self._before: Any = None
        self._came = False

    def hold(self) -> None:
        """Hear no Ctrl-C from here on; outside the main thread there is none to hear."""
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            if callable(before):
                self._before = before
                signal.signal(signal.SIGINT, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._came:
            self._before(number, frame)
        self._came = True

    def release_handler(self) -> None:
        """Hear it again, also the one that has come meanwhile."""
        if threading.current_thread() is not threading.main_thread() or self._before is None:
            return
        before, self._before = self._before, None
        came, self._came = self._came, False
        signal.signal(signal.SIGINT, before)
        if came:
            before(signal.SIGINT, None)


_CTRL_C = _CtrlC()


class _Compiler(event.Listener):
    """Stops the clock of time limits while anything is compiled, or read from the cache.

    Nor are cycles looked for until the end: a tenth of the time would go into that.
    """

    def on_start(self, event: object) -> None:
        CLOCK.pause()
        if not _STATE.depth:
            _CTRL_C.hold()
            _STATE.collecting = gc.isenabled()
            gc.disable()
        _STATE.depth += 1

    def on_end(self, event: object) -> None:
        _STATE.depth -= 1
        if not _STATE.depth:
            while _STATE.locks:  # of compilations that have failed
                release()
            if _STATE.collecting:
                gc.enable()
                gc.collect(0)  # it would come next, where the clock runs
        CLOCK.go_on()
        if not _STATE.depth:
            _CTRL_C.release_handler()


class _Compilations(event.Listener):
    """Announces the compiling of kernels; Numba compiles one at a time in a process."""

    depth = count = 0

    def on_start(self, event: Any) -> None:
        dispatcher = event.data["dispatcher"]
        if self.depth or str(dispatcher.py_func.__module__).startswith(OWN):
            self.depth += 1
            self.count += self.depth == 1
            if self.depth == 1:
                kept = getattr(dispatcher._cache, "writable", False)
                _ANNOUNCEMENT.message = ONCE if kept else EACH
                _ANNOUNCEMENT.__enter__()

    def on_end(self, event: Any) -> None:
        if self.depth:
            self.depth -= 1
            if not self.depth:
                _ANNOUNCEMENT.__exit__(None, None, None)


_COMPILATIONS = _Compilations()
event.register("numba:compiler_lock", _Compiler())
event.register("numba:compile", _COMPILATIONS)


_forbidden = False


@contextmanager
def by_hand(*, forbidden: bool = False) -> Iterator[None]:
    """Announce no compiling within the block: it is wanted; or forbid it."""
    global _forbidden
    _ANNOUNCEMENT.known()
    before, _forbidden = _forbidden, forbidden
    try:
        yield
    finally:
        _forbidden = before


def require(kernel: str) -> None:
    """Raise NotCompiled where a kernel that is in no cache may not be compiled."""
    if _forbidden:
        raise NotCompiled(kernel)


def count() -> int:
    """Return how many kernels this process has compiled, those within others left out."""
    return _COMPILATIONS.count


def acquire(path: str) -> bool:
    """Take the lock of a kernel that is to be compiled; returns whether it had to be waited for.

    Locks are released by `release`, at the latest when Numba's own lock is, and by the operating
    system where the process dies. Where none can be had, in a folder that cannot be written or
    because the other process takes too long, there is none: the work is then done twice.
    """
    import filelock

    lock, waited = None, False
    if path not in (held for held, _ in _STATE.locks):  # else for other types, which failed
        lock = filelock.FileLock(path, thread_local=False)
        try:
            try:
                lock.acquire(timeout=0)
            except filelock.Timeout:
                waited = True
                _CTRL_C.release_handler()
                try:
                    _wait(lock)
                finally:
                    _CTRL_C.hold()
        except (OSError, NotImplementedError, filelock.Timeout):
            lock = None
    _STATE.locks.append((path, lock))
    return waited


def _wait(lock: Any) -> None:
    import filelock

    try:
        lock.acquire(timeout=SAID_AFTER, poll_interval=_POLL)
    except filelock.Timeout:
        _announce_wait()
        lock.acquire(timeout=PATIENCE, poll_interval=_POLL)


@cache
def _announce_wait() -> None:
    LOGGER.warning("subsetopt: waiting for another process that compiles the same kernels")


def release() -> None:
    """Release the lock that was taken last, if it is held."""
    if not _STATE.locks:
        return
    _, lock = _STATE.locks.pop()
    if lock is not None:
        with suppress(OSError):
            lock.release()
