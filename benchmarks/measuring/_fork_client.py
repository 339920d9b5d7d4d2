"""Client of the fork server: asks for runs, and ends the server."""

import atexit
import os
import pickle
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection

from subsetopt.benchmarks.results import Bound, Row
from subsetopt.errors import InvalidOption

from . import _fork_server
from ._fork_server import RunEnd
from ._work import Job

_PROGRAM = (
    f"from {_fork_server.__name__} import main; main()"  # not -m: it would have other classes
)
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
"""A fork server must have no threads when it forks; runs set their own number."""


class ForkClient:
    """A fork server in a process of its own, which ends when this one does."""

    def __init__(self, families: tuple[str, ...]) -> None:
        if os.name != "posix":
            raise InvalidOption("runs are measured in processes that only POSIX systems can watch")
        self.families = families
        self.closed = False
        self._close = threading.Lock()
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        self._asking = Connection(ours_out, readable=False)
        self._answers = Connection(ours_in, writable=False)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the fork server
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *map(str, (theirs_in, theirs_out, os.getpid()))],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            pass_fds=[theirs_in, theirs_out],
            env={**os.environ, **_ONE_THREAD, "PYTHONPATH": os.pathsep.join(sys.path)},
            start_new_session=True,  # Ctrl-C is for the process that asks
        )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            self._asking.send((sys.path, families))
            self._answers.recv()
        except (EOFError, OSError):
            words = self._last_words()
            raise RuntimeError(f"no process for runs can be started: {words}") from None

    @property
    def process_id(self) -> int:
        """Of the fork server."""
        return self._process.pid

    def run(self, job: Job, memory_limit: int) -> RunEnd:
        """Have a job done; EOFError or OSError if the fork server itself is ended meanwhile."""
        self._asking.send((pickle.dumps(job), job.limits.threads, memory_limit))
        ended = self._answers.recv()
        assert isinstance(ended, RunEnd)
        return ended

    def _last_words(self) -> str:
        self._process.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"it ended with code {self._process.returncode}"

    def close(self) -> None:
        """End the fork server and the run that it watches; who waits for that gets an error."""
        with self._close:
            if self.closed:
                return
            self.closed = True
            self._asking.close()  # the fork server ends its run, and itself
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._log.close()


class _ClientPool:
    """The fork servers of this process: a worker takes one for a run and gives it back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[ForkClient] = []
        self._all: list[ForkClient] = []

    @contextmanager
    def taken(self, families: tuple[str, ...]) -> Iterator[ForkClient]:
        """Have one for these families; it is not kept where its fork server has ended."""
        with self._lock:
            fitting = [client for client in self._idle if client.families == families]
            client = fitting[0] if fitting else None
            if client is not None:
                self._idle.remove(client)
        if client is None:
            client = ForkClient(families)
            with self._lock:
                self._all.append(client)
        try:
            yield client
        except BaseException:
            client.close()
            raise
        if not client.closed:
            with self._lock:
                self._idle.append(client)

    def close(self) -> None:
        """End all."""
        with self._lock:
            clients, self._all, self._idle = self._all, [], []
        for client in clients:
            client.close()


POOL = _ClientPool()
atexit.register(POOL.close)


def measured(job: Job, memory_limit: int, families: tuple[str, ...]) -> Row | Bound:
    """Do a job in a process of its own, whatever becomes of that; return what it has brought."""
    ended = _ended(job, memory_limit, families) or _ended(job, memory_limit, families)
    if ended is None:
        return job.failed("the process that watches the run was ended from outside, twice")
    if ended.found is not None:
        found: Row | Bound = ended.found
        return found
    failed = job.failed(ended.failure)
    return replace(failed, peak_bytes=ended.peak_bytes) if isinstance(failed, Row) else failed


def _ended(job: Job, memory_limit: int, families: tuple[str, ...]) -> RunEnd | None:
    """Return how the process of a run has ended, None if its fork server has."""
    with POOL.taken(families) as client:
        try:
            return client.run(job, memory_limit)
        except (EOFError, OSError):
            if client.closed:
                return RunEnd(None, "interrupted", 0)  # nobody waits for it
            client.close()
    return None
