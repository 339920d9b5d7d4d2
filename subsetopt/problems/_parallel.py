"""Parallel execution in threads, with results independent of their number."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

from subsetopt._processes import processors

Check = Callable[[], None]
"""Is called between two pieces of long work, and raises where it is to end there."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def no_callback(*told: object) -> None:
    """Take what nobody wants to hear, and let long work go on."""


def threads_of_each(jobs: int) -> int:
    """Return how many threads each of several processes may have: its share of the processors.

    OMP_NUM_THREADS says otherwise, as launchers of several processes set it.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if wanted.isdecimal() and int(wanted) >= 1:
        return int(wanted)
    return max(1, processors() // jobs)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep NumPy's linear algebra to one thread within.

    How it divides a product among threads changes the last bits, and its threads wait for each
    other by spinning, which costs most where others want the processors too.
    """
    with _controller().limit(limits=1, user_api="blas"):
        yield


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def each(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int | None = None
) -> list[Result]:
    """Return ``work(item)`` for each item, in order, several at once, with one BLAS thread each.

    Parameters
    ----------
    work : callable
    items : iterable
    threads : int, optional
        None is the number of processors.
    """
    waiting = list(items)
    count = min(len(waiting), threads or processors())
    with one_blas_thread():
        if count < 2:
            return [work(item) for item in waiting]
        pool = ThreadPoolExecutor(count)
        try:
            return list(pool.map(work, waiting))
        finally:
            pool.shutdown(cancel_futures=True)
