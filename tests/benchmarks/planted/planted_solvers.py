"""Solvers that do what solvers should not; another distribution, as far as processes can see."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import TooLarge
from subsetopt.limits import Limits
from subsetopt.solution import Termination
from subsetopt.solvers.base import Kind, RawResult, Solver


class Planted(Solver):
    kind: ClassVar[Kind] = Kind.HEURISTIC
    summary: ClassVar[str] = "planted"
    choose_when: ClassVar[str] = "never"
    handles: ClassVar[tuple[str, ...]] = ("mean-matching",)


def first(problem: Any, **more: Any) -> RawResult:
    return RawResult(indices=np.arange(problem.k), **{"termination": Termination.FINISHED, **more})


@dataclass(frozen=True, kw_only=True)
class Liar(Planted):
    """Claims that the k smallest are optimal."""

    name: ClassVar[str] = "liar"

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        chosen = np.argsort(problem.values)[: problem.k]
        return RawResult(indices=chosen, termination=Termination.OPTIMAL, eps=1e-9)


@dataclass(frozen=True, kw_only=True)
class Refuser(Planted):
    name: ClassVar[str] = "refuser"

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        raise TooLarge("it would take a year", seconds=3e7, bytes=1.0)


@dataclass(frozen=True, kw_only=True)
class Absent(Planted):
    name: ClassVar[str] = "absent"
    requires: ClassVar[tuple[OptionalDependency, ...]] = (
        OptionalDependency("no-such-thing", "no_such_thing"),
    )

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        raise AssertionError("never reached")


@dataclass(frozen=True, kw_only=True)
class Vectorial(Planted):
    name: ClassVar[str] = "vectorial"
    handles: ClassVar[tuple[str, ...]] = ("vector-mean-matching",)

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        raise AssertionError("never reached")


@dataclass(frozen=True, kw_only=True)
class Silent(Planted):
    """Finds nothing until its time is over."""

    name: ClassVar[str] = "silent"

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        return RawResult(indices=None, termination=Termination.TIME_LIMIT)


@dataclass(frozen=True, kw_only=True)
class Crasher(Planted):
    name: ClassVar[str] = "crasher"

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        os.write(2, b"first line\nfree(): invalid pointer\n")
        os.kill(os.getpid(), signal.SIGABRT)
        return first(problem)


@dataclass(frozen=True, kw_only=True)
class Raiser(Planted):
    name: ClassVar[str] = "raiser"

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        raise ZeroDivisionError("who would have thought")


@dataclass(frozen=True, kw_only=True)
class Sleeper(Planted):
    """Hangs where it is given more time than to warm up."""

    name: ClassVar[str] = "sleeper"
    kind: ClassVar[Kind] = Kind.BACKEND

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        if (limits.time_limit or 0.0) > 0.1:
            time.sleep(600)
        return first(problem)


@dataclass(frozen=True, kw_only=True)
class Hog(Planted):
    name: ClassVar[str] = "hog"

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        held = []
        for _ in range(400):
            held.append(np.ones(2**17))  # 1 MiB
            time.sleep(0.0005)
        return first(problem)


@dataclass(frozen=True, kw_only=True)
class Chatterer(Planted):
    """Prints what would spoil a protocol on standard output."""

    name: ClassVar[str] = "chatterer"

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        os.write(1, b"\x80\x04 Welcome to the solver!\n" * 10_000)
        return first(problem)


@dataclass(frozen=True, kw_only=True)
class Steady(Planted):
    """Takes 30 ms, says how they are spent, and comes to its end."""

    name: ClassVar[str] = "steady"

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        time.sleep(0.03)
        return first(problem, build_seconds=0.01, solve_seconds=0.015)


@dataclass(frozen=True, kw_only=True)
class Breeder(Planted):
    """Leaves a process behind, whose number it says."""

    name: ClassVar[str] = "breeder"

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        left = subprocess.Popen(["sleep", "600"])
        return first(problem, message=str(left.pid))


@dataclass(frozen=True, kw_only=True)
class Threaded(Planted):
    """Says how many threads its BLAS may use."""

    name: ClassVar[str] = "threaded"

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        from threadpoolctl import threadpool_info

        np.ones((4, 4)) @ np.ones((4, 4))
        pools = {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}
        return first(problem, message=",".join(map(str, sorted(pools))))


@dataclass(frozen=True, kw_only=True)
class Picky(Planted):
    """Refuses short limits, as those do that estimate what they need."""

    name: ClassVar[str] = "picky"

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        if (limits.time_limit or 0.0) < 0.2:
            raise TooLarge("0.2 s are needed", seconds=0.2, bytes=1.0)
        return first(problem)
