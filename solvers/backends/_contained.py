"""Running native code that ignores interrupts in a process that can be killed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar

from subsetopt._clock import CLOCK
from subsetopt.limits import Limits

from ._problem_pickler import NoProcess
from ._worker_pool import POOL
from ._worker_process import CallEnd, Worker

PRODUCTS = 2_000
"""Products of two selectors from which on a model is solved in a process of its own. Measured:
at 1,800 (n = 60) SCIP, HiGHS and CP-SAT end within 0.7 s of Ctrl-C and 0.1 s of a limit, at 5,000
within 4.4 s, at 11,000 within 25 s."""
VALUES = 20_000
"""The same for the values in a model of mean matching, which has no products."""

Value = TypeVar("Value")


def overstay(seconds: float) -> float:
    """Return how long after a limit of so many seconds a process that goes on is ended."""
    return max(0.15, 0.05 * seconds)


@contextmanager
def worker(modules: tuple[str, ...], log: bool = False) -> Iterator[Worker]:
    """Have a process that imports `modules`; `Worker.wait` waits for that.

    One that had to be ended is replaced at once, so that the next call need not wait for its start.

    Raises
    ------
    NoProcess
        If none can be started here.
    """
    taken = POOL.take(log)
    try:
        taken.load(modules)
        yield taken
    except BaseException:
        taken.close()
        raise
    if not log and not taken.is_alive():
        taken.close()
        taken = Worker()
        taken.load(modules)
    POOL.give(taken)


def call(
    work: Callable[..., Value], *arguments: object, modules: tuple[str, ...], limits: Limits
) -> CallEnd[Value]:
    """Have ``work(report, *arguments)`` done in a process, within the time limit.

    In this process where there is none to be had.
    """
    try:
        with worker(modules, limits.log) as process:
            begun, first = monotonic(), not process.known
            if first:
                with CLOCK.standing():
                    process.wait()
                begun = monotonic()
            seconds = limits.time_limit
            if seconds is None:
                process.wait()
                return process.run(work, *arguments)
            if not process.wait(begun + seconds):
                return CallEnd("time", None)
            return process.run(work, *arguments, end=begun + seconds + overstay(seconds))
    except NoProcess:
        return CallEnd("returned", work(lambda *_, **__: None, *arguments))
