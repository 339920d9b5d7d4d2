"""Handling of Ctrl-C while native code runs."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

POLL = 0.05
"""Seconds between two looks for Ctrl-C."""

FROM_PARENT: threading.Event | None = None
"""In a process that works for another one: set when that one wants it to stop."""


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
    with interrupt_requested() as came:
        thread.start()
        while thread.is_alive():
            thread.join(POLL)
            if came.is_set():
                if stop is None:
                    break
                stop()  # again and again: the first may come before the solver is ready for it
    if failures:
        raise failures[0]
    return came.is_set()


@contextmanager
def interrupt_requested(then: Callable[[], object] | None = None) -> Iterator[threading.Event]:
    """Let Ctrl-C set an event instead of raising; in a worker, its parent sets it.

    `then` is called after that, within the signal handler: to wake what waits.
    """
    event = threading.Event() if FROM_PARENT is None else FROM_PARENT
    previous = signal.getsignal(signal.SIGINT)
    ignored = previous is None or previous == signal.SIG_IGN
    if ignored or threading.current_thread() is not threading.main_thread():
        yield event
        return

    def hear(*_: object) -> None:
        event.set()
        if then is not None:
            then()

    signal.signal(signal.SIGINT, hear)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, previous)
