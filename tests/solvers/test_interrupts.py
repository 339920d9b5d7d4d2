"""Ctrl-C while a backend solves: an answer, no exception, and the handler put back."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt.solvers import catalogue
from subsetopt.solvers.backends import _interrupts

CHILD = """
import signal, sys, threading, time, warnings
import numpy as np, subsetopt as so
name, n, k, d = sys.argv[1], *map(int, sys.argv[2:5])
rng = np.random.default_rng(0)
values = rng.exponential(size=(n, max(d, 1)))
problem = so.MeanMatching(values if d > 1 else values[:, 0], k=k)
if d == 0:
    problem = so.QuadraticSelection(rng.normal(size=(n, n)), k=k)
# Imports and the process for large problems are there; for mean matching, no start but CBC's, which
# tells of nothing better than that.
solver = so.solver(name, warm_start=d == 0 or name == "cbc")
so.solve(so.MeanMatching([1.0, 2.0, 3.0], k=1), solver)
so.solve(so.QuadraticSelection(rng.normal(size=(70, 70)), k=2), solver, time_limit=0.05)
before = signal.getsignal(signal.SIGINT)
print("solving", flush=True)
start = time.perf_counter()
solution = so.solve(problem, solver, time_limit=60, threads=1)
seconds = time.perf_counter() - start
same = signal.getsignal(signal.SIGINT) is before
found = -1 if solution.indices is None else len(solution.indices)
print(solution.termination, found, same, seconds < 20, flush=True)
"""

HARD = {
    "cbc": [(120, 40, 12), (150, 30, 0)],  # n, k and the dimension, 0 for a dense quadratic
    "scip": [(150, 30, 0), (120, 40, 12)],  # both solve scalars too soon to be interrupted
    "highs": [(200, 3, 1), (150, 30, 0)],
    "cpsat": [(150, 30, 0), (128, 12, 1)],
}
"""The first of each is tried always: two on the way of quadratics, two on that of the others."""


def _hard() -> Iterator[Any]:
    for name, sizes in HARD.items():
        available = catalogue.solver_class(name).availability()
        mark = pytest.mark.skipif(not available, reason=available.reason or "available")
        for size in sizes:
            yield pytest.param(name, size, marks=[mark] + [pytest.mark.slow] * (size != sizes[0]))


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize(("name", "size"), list(_hard()))
def test_interrupted(name: str, size: tuple[int, int, int]) -> None:
    command = [sys.executable, "-c", CHILD, name, *map(str, size)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "solving\n"
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=100)
    assert child.returncode == 0, err
    termination, found, same_handler, soon = out.split()
    assert (termination, int(found)) == ("interrupted", size[1]), out
    assert same_handler == "True"
    assert soon == "True"
    assert err == ""


@pytest.mark.parametrize("name", HARD)
def test_outside_the_main_thread(name: str) -> None:
    if not so.solver(name).availability():
        pytest.skip(f"{name} is missing")
    problem = so.MeanMatching(np.arange(9.0) ** 2, k=3)
    answers: list[so.Solution] = []
    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=lambda: answers.append(so.solve(problem, name)))
    thread.start()
    thread.join(60)
    assert answers[0].termination is so.Termination.OPTIMAL
    assert signal.getsignal(signal.SIGINT) is before


def test_failures_come_through_and_the_handler_is_restored() -> None:
    before = signal.getsignal(signal.SIGINT)

    def fails() -> None:
        raise ValueError("native trouble")

    with pytest.raises(ValueError, match="native trouble"):
        _interrupts.interruptible(fails, None)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_process_that_ignores_sigint_goes_on_ignoring_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert not _interrupts.interruptible(lambda: os.kill(os.getpid(), signal.SIGINT), None)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
