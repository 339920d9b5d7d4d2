"""Handle of a worker process: calls one after another, and termination.

It is a fresh interpreter that is kept between calls, so that its start, some 0.4 s, is paid once; a
call then costs about a millisecond. It is no fork, as the caller may have threads, and needs no
``__main__`` guard. It ends with the process that has started it.
"""

import math
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, Generic, Literal, TypeVar

from subsetopt.solution import Termination

from . import _interrupts
from ._problem_pickler import NoProcess, pickled

START = 60.0
"""Seconds within which a process has to be ready."""
STOPPING = 0.7
"""Seconds after Ctrl-C at which a process that goes on is ended."""
_KNOWN: set[str] = set()  # modules that some process has imported
_PROGRAM = f"import sys; sys.path[:] = sys.argv[1:]; from {__package__}._worker import main; main()"

Value = TypeVar("Value")


@dataclass(frozen=True)
class CallEnd(Generic[Value]):
    """How a call has ended.

    Parameters
    ----------
    how : str
        "returned", or why the process was ended: "time" or "interrupted"; "died" if it ended
        of itself.
    value
        What the call has returned; else the last it has reported, None without any.
    words : str
        How it died.
    """

    how: Literal["returned", "time", "interrupted", "died"]
    value: Value | None
    words: str = ""

    @property
    def termination(self) -> Termination:
        """Why the process was ended, for one that was."""
        return {"time": Termination.TIME_LIMIT, "interrupted": Termination.INTERRUPTED}.get(
            self.how, Termination.ERROR
        )

    def note(self, name: str) -> str:
        """Say of `name` how its process came to be ended."""
        return {
            "time": f"{name} went on past the time limit and was ended",
            "interrupted": f"{name} did not stop and was ended",
        }.get(self.how, f"the process of {name} {self.words}")


class Worker:
    """A process that does one call after another."""

    def __init__(self, log: bool = False) -> None:
        if not sys.executable:
            raise NoProcess("the interpreter does not know its own program")
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, *sys.path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=1 if log else subprocess.DEVNULL,  # its own standard output goes there too
            )
        except OSError as error:
            raise NoProcess(str(error)) from error
        self.log = log
        self._closed = False
        self._asked = 0  # what it has not said to be done with
        self.starting = True
        self._loaded: set[str] = set()
        self._told: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._listen, name="worker", daemon=True).start()

    @property
    def process_id(self) -> int:
        """The number of the process."""
        return self._process.pid

    def _listen(self) -> None:
        """Pass on what it tells, and see to it when it has ended."""
        assert self._process.stdout is not None
        with suppress(Exception), self._process.stdout as told:
            while True:
                self._told.put(pickle.load(told))
        self._told.put(("ended", None))
        self._process.wait()

    def load(self, modules: tuple[str, ...]) -> None:
        """Let it import modules, which is not waited for."""
        if not self._loaded.issuperset(modules):
            self._loaded.update(modules)
            self._send("load", modules)

    @property
    def known(self) -> bool:
        """Whether what it imports was imported before, so that its start is no first one."""
        return _KNOWN.issuperset(self._loaded)

    def wait(self, until: float = math.inf) -> bool:
        """Wait until it is ready; returns whether it is by `until`, of `time.monotonic`.

        An ImportError of what it was to import is raised here.
        """
        end = monotonic() + START
        while self._asked:
            now = monotonic()
            if now >= min(until, end):
                break
            what, value = self._next(min(_interrupts.POLL, until - now))
            if what == "raised":
                raise value
            if what == "ended":
                raise NoProcess(f"it does not start: {self._manner()}")
        if self._asked and until > end:
            raise NoProcess(f"it does not start within {START:g} s")
        if not self._asked:
            _KNOWN.update(self._loaded)
        return not self._asked

    def run(
        self, call: Callable[..., Value], *arguments: object, end: float = math.inf
    ) -> CallEnd[Value]:
        """Let it call ``call(report, *arguments)``, and end it when it goes on past `end`.

        Parameters
        ----------
        call : function
            One that a module defines. ``report(value)`` takes what counts if the process has to
            be ended, ``report(value, final=True)`` what the call is about to return.
        *arguments
        end : float
            By `time.monotonic`. After Ctrl-C the call is asked to stop, and ended `STOPPING`
            seconds later.
        """
        payload = pickled((call, arguments))
        last: Value | None = None
        asked = False
        # A wait that Ctrl-C interrupts goes on for what is left of it; what is told ends it.
        with _interrupts.interrupt_requested(lambda: self._told.put(("nothing", None))) as came:
            self._send("call", payload)
            while True:
                now = monotonic()
                if came.is_set() and not asked:
                    asked, end = True, min(end, now + STOPPING)
                    self._send("stop")
                if now >= end:
                    self.close()
                    return CallEnd("interrupted" if asked else "time", last)
                what, value = self._next(min(_interrupts.POLL, end - now))
                match what:
                    case "reported":
                        last = value
                    case "returned":
                        return CallEnd("returned", value)
                    case "raised":
                        raise value
                    case "unreadable":
                        raise NoProcess(f"the problem cannot be read there: {value}")
                    case "ended":
                        return CallEnd("died", last, self._manner())

    def is_alive(self) -> bool:
        """Whether it has not ended, nor been told to."""
        return not self._closed and self._process.poll() is None

    def is_ready(self, patience: float = 0.0) -> bool:
        """Whether it waits for work, or soon does."""
        until = monotonic() + patience
        while self._asked:
            if self._next(max(0.0, until - monotonic()))[0] in ("nothing", "ended"):
                return False
        return self.is_alive()

    def _next(self, seconds: float) -> tuple[str, Any]:
        """Return what it tells within so many seconds, ("nothing", None) if it does not."""
        try:
            what, value = self._told.get(timeout=seconds)
        except queue.Empty:
            return "nothing", None
        self._asked -= what == "ready"
        return what, value

    def _send(self, what: str, value: object = None) -> None:
        assert self._process.stdin is not None
        self._asked += what != "stop"
        self.starting = what == "load"
        with suppress(OSError):  # it has ended, as will be told
            pickle.dump((what, value), self._process.stdin, pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()

    def _manner(self) -> str:
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "it does not answer"
        return f"ended by signal {-code}" if code < 0 else f"ended with code {code}"

    def close(self) -> None:
        """End it; it is not waited for."""
        self._closed = True
        self._process.kill()
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
