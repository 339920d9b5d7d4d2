"""Ctrl-C while native code runs."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_POLL = 0.05  # seconds between two looks for Ctrl-C


def interruptible(run: Callable[[], object], stop: Callable[[], object] | None) -> bool:
    """Call `run` in a thread of its own and return whether Ctrl-C came meanwhile.

    The native code must release the interpreter lock. Ctrl-C calls `stop` until `run` returns;
    where `stop` is None, `run` is left to itself and this returns at once. The handler of SIGINT
    is put back; outside the main thread, where none can be set, it is left alone.
    """
    failures: list[BaseException] = []

    def work() -> None:
        try:
            run()
        except BaseException as failure:  # handed over to the caller's thread
            failures.append(failure)

    thread = threading.Thread(target=work, daemon=True)
    came = threading.Event()
    with _sigint_sets(came):
        thread.start()
        while thread.is_alive():
            thread.join(_POLL)
            if came.is_set():
                if stop is None:
                    break
                stop()  # again and again: the first may come before the solver is ready for it
    if failures:
        raise failures[0]
    return came.is_set()


@contextmanager
def _sigint_sets(event: threading.Event) -> Iterator[None]:
    previous = signal.getsignal(signal.SIGINT)
    ignored = previous is None or previous == signal.SIG_IGN
    if ignored or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: event.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
