"""Processes that try instances, ended from outside when one hangs or crashes."""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

from .trials import Verdict

PATIENCE = 60.0
"""Seconds that one call may take; none of these problems needs more than a few."""
FIRST = 300.0
"""The same for the first instances of a process, whose kernels may have to be compiled."""
_WARM = 30  # instances after which everything is compiled


class Worker:
    """A process that tries instances one by one."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self.seed, self.stage, self._since, self._done = -1, "start", time.monotonic(), 0

    def ask(self, seed: int) -> None:
        """Have the instance of a seed tried."""
        self.seed, self.stage, self._since = seed, "statement", time.monotonic()
        self.connection.send(seed)

    def hear(self) -> Verdict | None:
        """Take what it tells: a verdict, or None for what begins; EOFError if it has crashed."""
        told = self.connection.recv()
        if isinstance(told, Verdict):
            self._done += 1
            return told
        self.stage, self._since = told, time.monotonic()
        return None

    @property
    def hangs(self) -> bool:
        """Whether its call takes too long."""
        patience = PATIENCE if self._done > _WARM else FIRST
        return time.monotonic() - self._since > patience

    @property
    def alive(self) -> bool:
        """Whether it can be asked again."""
        return self._process.is_alive()

    def failed(self, how: str) -> Verdict:
        """End it; return what is said of the instance."""
        self.end()
        return Verdict(self.seed, 0, "", (f"{self.stage}: {how}",))

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.join()


def _serve(connection: Connection) -> None:
    from .trials import verdict

    while True:
        try:
            seed = connection.recv()
        except EOFError:
            return
        connection.send(verdict(seed, connection.send))


def verdicts(seeds: Iterator[int], jobs: int, going: Callable[[], bool]) -> Iterator[Verdict]:
    """Yield what comes of the instances of these seeds, while `going`."""
    workers: list[Worker] = []
    try:
        for _, seed in zip(range(jobs), seeds, strict=False):
            workers.append(_asked(Worker(), seed))
        while workers:
            ready: list[Any] = wait([w.connection for w in workers], timeout=1.0)
            for worker in list(workers):
                found = _news(worker, worker.connection in ready)
                if found is None:
                    continue
                yield found
                workers.remove(worker)
                following = next(seeds, None) if going() else None
                if following is None:
                    worker.end()
                else:
                    workers.append(_asked(worker if worker.alive else Worker(), following))
    finally:
        for worker in workers:
            worker.end()


def _asked(worker: Worker, seed: int) -> Worker:
    worker.ask(seed)
    return worker


def _news(worker: Worker, ready: bool) -> Verdict | None:
    """Return a verdict if there is one, also on a process that has crashed or hangs."""
    try:
        if ready:
            return worker.hear()
    except (EOFError, OSError):
        return worker.failed("the process crashed")
    return worker.failed("it hangs") if worker.hangs else None
