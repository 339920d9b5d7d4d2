"""Runs in processes of their own: what they measure, and what they survive."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import psutil
import pytest

from subsetopt.benchmarks.cases import Case, MeanMatchingCase, _quadratic_cases
from subsetopt.benchmarks.cases._value_batches import losses
from subsetopt.benchmarks.measuring import _fork_client, _fork_server, _runner, _work
from subsetopt.benchmarks.results import CaseInfo, Contender, MeasurementOptions, Plan, Results, Row
from subsetopt.errors import InvalidOption, UnsupportedProblem
from subsetopt.solution import CertificateKind, Termination
from subsetopt.solvers import catalogue

pytestmark = pytest.mark.usefixtures("planted_solvers")
FAMILY = "mean-matching"
QUICK = MeasurementOptions(time_limits=(0.05,), repeats=1, grace=20.0)


@pytest.fixture
def cases() -> list[Case]:
    return [MeanMatchingCase.of(batch, 4) for batch in losses(n=24, count=2, seed=0)]


def plan(cases: list[Case], *names: str, settings: MeasurementOptions = QUICK) -> Plan:
    families = tuple({case.family for case in cases})
    return Plan(
        suite="planted",
        settings=settings,
        contenders=tuple(Contender(label=name, name=name, families=families) for name in names),
        cases=tuple(CaseInfo.of(case) for case in cases),
    )


def measured(
    cases: list[Case], *names: str, settings: MeasurementOptions = QUICK, **more: Any
) -> list[Row]:
    return list(run(plan(cases, *names, settings=settings), cases, **more).rows)


def run(wanted: Plan, cases: list[Case], rows: Any = (), bounds: Any = (), **more: Any) -> Results:
    known = Results(plan=wanted, sessions=(), rows=rows, bounds=bounds, complete=False)
    return _runner.run(known, cases, **more).results


def test_a_row_says_all(cases: list[Case]) -> None:
    (row,) = measured(cases[:1], "steady", settings=replace(QUICK, seed=7))
    case = cases[0]
    assert (row.case, row.family, row.n, row.k) == (case.name, FAMILY, 24, 4)
    assert (row.seed, row.time_limit, row.threads, row.repeat) == (7, 0.05, 1, 0)
    assert row.indices == (0, 1, 2, 3)
    assert row.objective == case.problem().objective(np.arange(4))  # type: ignore[attr-defined]
    assert row.termination is Termination.FINISHED
    assert row.certificate is CertificateKind.BOUND
    assert len(row.seconds) == 1
    assert row.seconds[0] >= 0.03
    assert (row.build_seconds, row.solve_seconds) == (0.01, 0.015)
    assert row.overhead_seconds == pytest.approx(row.seconds[0] - 0.025)
    assert row.warm_up_seconds is not None
    assert row.warm_up_seconds >= 0.03
    assert row.cpu_seconds is not None
    assert row.cpu_seconds < row.seconds[0]
    assert row.peak_bytes is not None
    assert 0.0 <= (row.random_rank or 0.0) <= 1.0
    assert row.failure == ""


def test_short_calls_are_repeated_long_ones_are_not(cases: list[Case]) -> None:
    rows = {row.solver: row for row in measured(cases[:1], "stride", "steady")}
    assert 2 <= len(rows["stride"].seconds) <= 20
    assert len(rows["steady"].seconds) == 1


def test_failures_cost_their_own_rows_only(cases: list[Case]) -> None:
    names = ("crasher", "stride", "raiser", "refuser", "absent", "vectorial", "chatterer", "silent")
    rows = {row.solver: row for row in measured(cases[:1], *names)}
    assert rows["crasher"].failure == ("its process was ended by SIGABRT: free(): invalid pointer")
    assert (
        rows["raiser"].failure
        == "InvalidResult: solver 'raiser' failed with ZeroDivisionError: who would have thought"
    )
    assert rows["refuser"].failure == "TooLarge: it would take a year"
    assert rows["absent"].failure.startswith("MissingDependency: solver 'absent' cannot run")
    assert rows["vectorial"].failure.startswith("UnsupportedProblem: ")
    for name in ("crasher", "raiser", "refuser", "absent", "vectorial"):
        assert rows[name].objective is None
        assert rows[name].termination is None
        assert rows[name].seconds == ()
    for name in ("stride", "chatterer"):
        assert rows[name].failure == ""
        assert rows[name].objective is not None
    assert rows["silent"].objective is None
    assert rows["silent"].termination is Termination.TIME_LIMIT


def test_who_hangs_is_killed(cases: list[Case]) -> None:
    settings = replace(QUICK, time_limits=(0.2,), grace=0.3)
    start = time.monotonic()
    rows = {row.solver: row for row in measured(cases[:1], "sleeper", "stride", settings=settings)}
    assert time.monotonic() - start < 300
    assert rows["sleeper"].failure == "killed: solve took more than 0.5 s"
    assert rows["stride"].objective is not None


def test_who_takes_too_much_memory_is_killed(cases: list[Case]) -> None:
    settings = replace(QUICK, memory_limit=200 * 2**20)
    rows = {row.solver: row for row in measured(cases[:1], "hog", "stride", settings=settings)}
    assert rows["hog"].failure.startswith("killed: it held 0.")
    assert rows["hog"].failure.endswith(" GiB, the limit is 0.195 GiB")
    assert (rows["stride"].peak_bytes or 0) < 100 * 2**20


def test_memory_is_measured(cases: list[Case]) -> None:
    (row,) = measured(cases[:1], "hog", settings=replace(QUICK, memory_limit=8 * 2**30))
    assert 400 * 2**20 <= (row.peak_bytes or 0) < 900 * 2**20


def test_nothing_is_left_behind(cases: list[Case]) -> None:
    (row,) = measured(cases[:1], "breeder")
    assert row.failure == ""
    deadline = time.monotonic() + 30  # it has been killed, and ends when the system comes to it
    while _is_alive(int(row.message)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _is_alive(process_id: int) -> bool:
    try:
        status: str = psutil.Process(process_id).status()
    except psutil.NoSuchProcess:
        return False
    return status != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_pinned(cases: list[Case], threads: int) -> None:
    (row,) = measured(cases[:1], "threaded", settings=replace(QUICK, threads=threads))
    assert row.message == str(threads)


def test_the_fork_server_forks_with_one_thread() -> None:
    kept = _fork_client.ForkClient(("mean-matching", "mmd", "quadratic", "vector-mean-matching"))
    try:
        assert psutil.Process(kept.process_id).num_threads() == 1
    finally:
        kept.close()
    assert not psutil.pid_exists(kept.process_id)


def test_runs_find_what_they_import(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (_work.__name__, "threadpoolctl"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    catalogue.names.cache_clear()
    _fork_server.prepare(())
    assert {_work.__name__, "threadpoolctl"} <= set(sys.modules)
    assert catalogue.names.cache_info().currsize == 1


def test_the_fork_server_is_replaced_when_it_is_killed(cases: list[Case]) -> None:
    def kill(row: Any) -> None:
        for client in _fork_client.POOL._all:
            if not client.closed:
                psutil.Process(client.process_id).kill()

    rows = measured(cases[:1], "stride", "random", keep=kill)
    assert [row.failure for row in rows] == [""] * 2


def test_the_fork_server_ends_with_who_asks(cases: list[Case]) -> None:
    kept = _fork_client.ForkClient((FAMILY,))
    run = threading.Thread(target=_ask, args=(kept, cases[0]))
    run.start()
    child = _child(kept.process_id)
    kept._asking.close()
    assert not psutil.wait_procs([child], timeout=30)[1]
    run.join(30)
    assert not run.is_alive()
    kept.close()


def test_a_run_ends_with_its_fork_server(cases: list[Case]) -> None:
    kept = _fork_client.ForkClient((FAMILY,))
    run = threading.Thread(target=_ask, args=(kept, cases[0]))
    run.start()
    child = _child(kept.process_id)
    os.kill(kept.process_id, signal.SIGKILL)
    assert not psutil.wait_procs([child], timeout=30)[1]
    run.join(30)
    assert not run.is_alive()
    kept.close()


def _ask(kept: _fork_client.ForkClient, case: Case) -> None:
    settings = replace(QUICK, time_limits=(60.0,), grace=60.0)
    (job,) = _work.solving(
        plan([case], "sleeper", settings=settings), [case], [(case.name, "sleeper", 0, 60.0)]
    )
    with pytest.raises((EOFError, OSError, TypeError)):
        kept.run(job, 2**32)


def _child(process_id: int) -> psutil.Process:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        children = psutil.Process(process_id).children()
        if children:
            return children[0]
        time.sleep(0.01)
    raise AssertionError("no run has begun")


def test_fresh_interpreters_where_nothing_can_be_forked(cases: list[Case]) -> None:
    """Ask a fork server that does not fork, as on macOS."""
    module = "subsetopt.benchmarks.measuring._fork_server"
    code = f"import {module} as server; server.FORKS = False; server.main()"

    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, (theirs_in, theirs_out, os.getpid()))],
        pass_fds=[theirs_in, theirs_out],
    )
    os.close(theirs_in)
    os.close(theirs_out)
    asking, answers = Connection(ours_out), Connection(ours_in)
    asking.send((sys.path, (FAMILY,)))
    assert answers.recv() == "ready"
    for name, objective in (("stride", True), ("crasher", False)):
        (job,) = _work.solving(plan(cases[:1], name), cases[:1], [(cases[0].name, name, 0, 0.05)])
        asking.send((pickle.dumps(job), 1, 2**32))
        ended = answers.recv()
        assert isinstance(ended, _fork_server.RunEnd)
        assert (ended.found is not None) is objective, ended.failure
    assert "SIGABRT: free(): invalid pointer" in ended.failure
    asking.close()
    answers.close()
    assert process.wait(30) == 0


def test_repeats_have_consecutive_seeds_and_turns_go_to_and_fro(cases: list[Case]) -> None:
    rows = measured(cases, "stride", "random", settings=replace(QUICK, repeats=2, seed=5))
    assert [(row.case, row.solver, row.repeat, row.seed) for row in rows] == [
        (cases[0].name, "stride", 0, 5),
        (cases[0].name, "random", 0, 5),
        (cases[1].name, "stride", 0, 5),
        (cases[1].name, "random", 0, 5),
        (cases[0].name, "random", 1, 6),
        (cases[0].name, "stride", 1, 6),
        (cases[1].name, "random", 1, 6),
        (cases[1].name, "stride", 1, 6),
    ]
    randoms = {row.seed: row.objective for row in rows if row.solver == "random"}
    assert randoms[5] != randoms[6]


def test_longer_limits_are_for_those_whom_the_shorter_ones_stopped(cases: list[Case]) -> None:
    settings = replace(QUICK, time_limits=(0.02, 0.04))
    rows = measured(cases[:1], "stride", "silent", "refuser", settings=settings)
    assert [(row.solver, row.time_limit) for row in rows] == [
        ("stride", 0.02),
        ("silent", 0.02),
        ("refuser", 0.02),
        ("silent", 0.04),
        ("refuser", 0.04),
    ]


def test_who_refuses_to_warm_up_is_asked_again(cases: list[Case]) -> None:
    settings = replace(QUICK, time_limits=(0.05, 0.2))
    rows = measured(cases[:1], "picky", settings=settings)
    assert [(row.time_limit, row.failure) for row in rows] == [
        (0.05, "TooLarge: 0.2 s are needed"),
        (0.2, ""),
    ]
    assert rows[1].objective is not None
    assert rows[1].warm_up_seconds is None


def test_what_is_there_is_not_measured_again(cases: list[Case]) -> None:
    wanted = plan(cases, "stride", "random")
    whole = run(wanted, cases).rows
    kept: list[Any] = []
    again = run(wanted, cases, rows=whole[:3], keep=kept.append)
    assert [row.key for row in kept] == [whole[3].key]
    assert [row.key for row in again.rows] == [row.key for row in whole]
    assert again.rows[:3] == whole[:3]


def test_jobs_at_a_time_find_the_same(cases: list[Case]) -> None:
    one = measured(cases, "stride", "random")
    two = measured(cases, "stride", "random", jobs=2)
    assert sorted((row.key, row.objective, row.indices, row.random_rank) for row in two) == sorted(
        (row.key, row.objective, row.indices, row.random_rank) for row in one
    )


def test_a_bound_of_each_case() -> None:
    graphs: list[Case] = list(_quadratic_cases.instances(12, [4], 2, seed=0))
    settings = replace(QUICK, bound="fw")
    wanted = plan(graphs, "greedy", settings=settings)
    found = run(wanted, graphs)
    assert [bound.case for bound in found.bounds] == [case.name for case in graphs]
    for bound, row in zip(found.bounds, found.rows, strict=True):
        assert bound.value is not None
        assert bound.value <= (row.objective or 0.0)
        assert bound.failure == ""
    again: list[Any] = []
    run(wanted, graphs, rows=found.rows, bounds=found.bounds[:1], keep=again.append)
    assert [bound.case for bound in again] == [graphs[1].name]


def test_bad_options(cases: list[Case]) -> None:
    with pytest.raises(InvalidOption, match=r"jobs must .*got 0"):
        measured(cases, "random", jobs=0)
    with pytest.raises(UnsupportedProblem, match="mean-matching problems carry their own"):
        measured(cases, "random", settings=replace(QUICK, bound="fw"))
    for wrong, message in (
        ({"repeats": 0}, "repeats must be an integer >= 1; got 0"),
        ({"time_limits": (1.0, 0.5)}, "ascend"),
        ({"time_limits": ()}, "got none"),
        ({"time_limits": (-1.0,)}, "time_limit"),
        ({"memory_limit": 5}, "memory_limit must be an integer >= 1048576; got 5"),
        ({"grace": -1.0}, "grace"),
        ({"threads": -1}, "threads"),
        ({"seed": 2**31 - 1, "repeats": 2}, "seed"),
    ):
        with pytest.raises(InvalidOption, match=message):
            MeasurementOptions(**wrong)
