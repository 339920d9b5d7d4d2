"""SIGTERM and SIGHUP handled as Ctrl-C: partial results are kept."""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NoReturn

NAMES = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no SIGHUP

PATIENCE = 10.0
"""Seconds that native code may keep the process from hearing a signal."""


@contextmanager
def signals_as_ctrl_c() -> Iterator[list[int]]:
    """Hear these signals as Ctrl-C within; the second one ends the process at once.

    Those that are ignored stay so: it is how nohup works. Outside the main thread, where no
    handler can be set, nothing changes.

    Yields
    ------
    list of int
        The signals that have come.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = {name: signal.getsignal(name) for name in NAMES}
    own = [name for name, handler in before.items() if handler == signal.SIG_DFL]

    def hear(number: int, frame: object) -> None:
        came.append(number)
        for name in own:
            signal.signal(name, signal.SIG_DFL)
        if signal.getsignal(signal.SIGINT) in (None, signal.SIG_IGN):
            raise KeyboardInterrupt  # a job in the background; nothing else takes the signal
        signal.raise_signal(signal.SIGINT)

    for name in own:
        signal.signal(name, hear)
    try:
        with _ended_where_ignored(own, came):
            yield came
    finally:
        for name in own:
            signal.signal(name, before[name])


def leave(code: int) -> NoReturn:
    """End the process now, after what is registered for its end.

    Else the interpreter takes seconds to take apart what torch and others have loaded.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a reader that has gone away, a closed stream
            stream.flush()
    atexit._run_exitfuncs()
    os._exit(code)


@contextmanager
def _ended_where_ignored(names: Sequence[int], came: Sequence[int]) -> Iterator[None]:
    """End the process where native code has kept it from hearing a signal for `PATIENCE` seconds.

    A handler runs when the main thread is back in Python; the interpreter writes the number of
    the signal to a pipe before, which another thread reads.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    over = threading.Event()

    def wait() -> None:
        while told := os.read(reading, 1):
            if told[0] in names and not over.wait(PATIENCE) and not came:
                os._exit(128 + told[0])

    thread = threading.Thread(target=wait, name="signals", daemon=True)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    thread.start()
    try:
        yield
    finally:
        over.set()
        signal.set_wakeup_fd(before)
        os.close(writing)
        thread.join()
        os.close(reading)
