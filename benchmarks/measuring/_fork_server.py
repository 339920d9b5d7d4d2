"""The process that the processes of runs are forked from, and that watches them.

It has imported and compiled what solvers need, but has solved nothing big and has one thread
only, so that each run begins alike, within milliseconds. It is started as a program of its own:
nothing of the process that asks for runs is inherited. Where processes cannot safely be forked
(macOS) each run is a fresh interpreter.
"""

import os
import pickle
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection, Pipe, wait
from time import monotonic
from typing import IO, Any

from subsetopt._processes import end_with, ending_with, processors
from subsetopt.benchmarks.results._rows import KILLED
from subsetopt.solvers import _tiny, catalogue
from subsetopt.solvers.base import Kind

START = 300.0
"""Seconds within which a run has to begin: imports, data."""
POLL = 0.02
"""Seconds between two looks at the memory."""
_ENDING = 5.0  # seconds in which a thread that is no longer needed ends
LISTING = 0.5
"""Seconds between two looks for processes that a run has started."""
FORKS = sys.platform == "linux"
_OF_RUNS = (f"{__package__}._work", "psutil", "threadpoolctl")
"""What each run would import for itself, which takes twice as long as a short one."""


@dataclass(frozen=True)
class RunEnd:
    """How the process of a run has ended."""

    found: Any
    """What it has returned."""
    failure: str
    """Else, why not."""
    peak_bytes: int
    """The most memory that it was seen to hold beyond what it began with."""


def serve(asked: Connection, answers: Connection, parent: int) -> None:
    """Answer requests for runs until there is nobody to ask."""
    path, families = asked.recv()
    sys.path[:] = path
    with ending_with(parent):  # later the pipe tells; a fork server that forks has one thread
        prepare(families)
    for thread in threading.enumerate():  # those that say that something is compiled, if it was
        if thread is not threading.main_thread():
            thread.join(_ENDING)
    answers.send("ready")
    while True:
        try:
            payload, threads, memory_limit = asked.recv()
        except EOFError:
            return
        answers.send(_Run(payload, threads, memory_limit, asked).watched())


def prepare(families: tuple[str, ...]) -> None:
    """Import what runs need, and let the compiled solvers of these families solve tiny problems."""
    if not FORKS:
        return
    for module in _OF_RUNS:
        import_module(module)
    catalogue.names()  # looked up in all that is installed
    for name in catalogue.BUILT_IN:  # what others wrote may do anything
        solver = catalogue.solver_class(name)
        for requirement in solver.requires:
            if requirement.availability():
                _quietly(requirement.load)
        if solver.kind is not Kind.BACKEND:
            _quietly(_tiny.solved, name, families)


def _quietly(call: Callable[..., object], *arguments: object) -> None:
    """Whatever is wrong here will be told by the run that meets it."""
    try:
        call(*arguments)
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)


class _Run:
    """One run in a process of its own, seen from outside."""

    def __init__(
        self, payload: bytes, threads: int | None, memory_limit: int, asked: Connection
    ) -> None:
        self.asked = asked
        self.memory_limit = memory_limit
        self.found: Any = None
        self.failure = ""
        self.over = False
        self.phase, self.begun, self.allowed = "start", monotonic(), START
        self.base = self.peak = 0
        self._family: list[Any] = []
        self._listed = -LISTING
        self.log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it has ended
        self.told, telling = Pipe(duplex=False)
        self.pid = _begin(payload, threads, telling, self.log)
        telling.close()

    def watched(self) -> RunEnd:
        """Return how it ended, ending it where it exceeds its limits."""
        try:
            while not self.over:
                ready = wait([self.told, self.asked], timeout=POLL)
                if self.asked in ready:
                    raise SystemExit  # nobody waits for the answer any more
                if self.told in ready:
                    self.listen()
                self.look()
        finally:
            status = self.end()
        if self.found is None and not self.failure:
            self.failure = f"{_manner(status)}{self.last_words()}"
        self.log.close()
        return RunEnd(self.found, self.failure, max(0, self.peak - self.base))

    def listen(self) -> None:
        """Take what it tells; it is over when it has told what it found, or tells no more."""
        try:
            what, told = self.told.recv()
        except (EOFError, OSError, pickle.UnpicklingError):
            self.over = True
            return
        if what == "found":
            self.found, self.over = told, True
        elif what == "failed":
            self.failure, self.over = told, True
        else:
            self.begins(what, told, self.held())

    def held(self) -> int:
        """Return the bytes that it and what it has started hold, 0 when it has ended."""
        import psutil

        held = 0
        for process in self._processes():
            with suppress(psutil.Error):
                held += int(process.memory_info().rss)
        return held

    def _processes(self) -> list[Any]:
        """Return its processes, looked for only now and then: that takes a look at all."""
        import psutil

        if monotonic() > self._listed + LISTING:
            self._family, self._listed = [], monotonic()
            with suppress(psutil.Error):
                run = psutil.Process(self.pid)
                self._family = [run, *run.children(recursive=True)]
        return self._family

    def begins(self, phase: str, allowed: float, held: int) -> None:
        """Note what the run is about to do."""
        self.phase, self.begun, self.allowed = phase, monotonic(), allowed
        self.base = self.base or held

    def look(self) -> None:
        """End it if it exceeds a limit."""
        held, gone = self.held(), monotonic() - self.begun
        self.peak = max(self.peak, held)
        if self.over:
            return
        if gone > self.allowed:
            self.kill(f"{self.phase} took more than {self.allowed:.3g} s")
        elif self.base and held - self.base > self.memory_limit:
            held, limit = held - self.base, self.memory_limit
            self.kill(f"it held {held / 2**30:.3g} GiB, the limit is {limit / 2**30:.3g} GiB")

    def kill(self, reason: str) -> None:
        """Have it ended, for a reason."""
        self.failure, self.over = f"{KILLED}{reason}", True

    def end(self) -> int:
        """End it, and all that it has started; return the status, which is its own if it has."""
        for kill in (os.killpg, os.kill):  # it may not lead its group yet
            with suppress(ProcessLookupError, PermissionError):
                kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        self.told.close()
        return status

    def last_words(self) -> str:
        """Return the end of what it has printed."""
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").strip().splitlines()
        return f": {lines[-1].strip()[:200]}" if lines else ""


def _manner(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"its process ended with code {code}"
    try:
        return f"its process was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"its process was ended by signal {-code}"


def _begin(payload: bytes, threads: int | None, telling: Connection, log: IO[bytes]) -> int:
    """Start the process of a run; return its number, which is also that of its group."""
    if not FORKS:
        import subprocess

        program = f"from {__name__} import main; main()"
        numbers = [str(telling.fileno()), str(os.getpid())]
        command = [sys.executable, "-c", program, "--once", *numbers]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[telling.fileno()],
        )
        assert process.stdin is not None
        with process.stdin as stdin:
            pickle.dump((sys.path, payload, threads), stdin)
        return process.pid
    server = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        end_with(server)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for theirs, ours in ((nothing, 0), (log.fileno(), 1), (log.fileno(), 2)):
            os.dup2(theirs, ours)
        _work(payload, threads, telling)
    finally:
        os._exit(0)


def _work(payload: bytes, threads: int | None, telling: Connection) -> None:
    """Do a run in this process and tell what comes of it."""
    try:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(threads or processors()):
            found = pickle.loads(payload).run(lambda phase, allowed: telling.send((phase, allowed)))
        telling.send(("found", found))
    except BaseException as error:
        words = f": {error}" if str(error) else ""
        telling.send(("failed", f"{type(error).__name__}{words}"))


def main() -> None:
    """Serve on the two pipes whose numbers are given, or do a single run; last is the parent."""
    parent = int(sys.argv[3])
    if sys.argv[1] == "--once":
        end_with(parent)
        sys.path[:], payload, threads = pickle.load(sys.stdin.buffer)
        _work(payload, threads, Connection(int(sys.argv[2])))
        return
    serve(Connection(int(sys.argv[1])), Connection(int(sys.argv[2])), parent)
