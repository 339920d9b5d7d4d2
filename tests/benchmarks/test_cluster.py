"""The same comparison by other means: threads, processes, a Dask cluster."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import pytest

from subsetopt.benchmarks.cases import Case, MeanMatchingCase
from subsetopt.benchmarks.cases._value_batches import losses
from subsetopt.benchmarks.measuring._runner import MeasurementObserver, joblib_backend, measure
from subsetopt.benchmarks.results import CaseInfo, Contender, MeasurementOptions, Plan, Row
from subsetopt.errors import InvalidOption

CASES: list[Case] = [MeanMatchingCase.of(batch, 4) for batch in losses(n=24, count=2, seed=0)]
NAMES = ("random", "stride", "greedy", "exact")


def contenders(names: tuple[str, ...]) -> tuple[Contender, ...]:
    return tuple(Contender(label=name, name=name, families=("mean-matching",)) for name in names)


PLAN = Plan(
    suite="planted",
    settings=MeasurementOptions(time_limits=(5.0,), repeats=2),
    contenders=contenders(NAMES),
    cases=tuple(CaseInfo.of(case) for case in CASES),
)


def facts(rows: tuple[Row, ...]) -> Sequence[object]:
    return sorted(
        (r.key, r.seed, r.objective, r.bound, r.indices, str(r.termination), r.random_rank)
        for r in rows
    )


@pytest.fixture(scope="module")
def alone() -> Sequence[object]:
    found = facts(measure(PLAN, CASES).results.rows)
    assert len(found) == 16
    return found


@pytest.mark.slow  # other processes in which runs are measured: also those of Dask
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_joblib_backends_find_the_same(alone: Sequence[object], backend: str) -> None:
    with joblib_backend(backend):
        assert facts(measure(PLAN, CASES, jobs=2).results.rows) == alone


@pytest.mark.filterwarnings("default")  # of Dask's own
def test_a_dask_cluster_finds_the_same(alone: Sequence[object]) -> None:
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, joblib_backend("dask", cluster.scheduler_address):
        results = measure(PLAN, CASES, jobs=2).results
    assert facts(results.rows) == alone
    assert results.complete


@pytest.mark.slow
def test_backends_whose_results_come_in_lots(alone: Sequence[object]) -> None:
    kept: list[int] = []

    class Counting(MeasurementObserver):
        def row(self, row: Row) -> None:
            kept.append(row.repeat)

    with joblib_backend("multiprocessing"):
        results = measure(PLAN, CASES, jobs=2, watcher=Counting()).results
    assert facts(results.rows) == alone
    assert len(kept) == 16


def test_unknown_backends() -> None:
    with pytest.raises(InvalidOption, match="no backend 'abacus'"), joblib_backend("abacus"):
        pass


INTERRUPTED = """
import importlib.util as u, sys
s = u.spec_from_file_location("cluster_tests", sys.argv[1])
t = u.module_from_spec(s); sys.modules["cluster_tests"] = t; s.loader.exec_module(t)
from dataclasses import replace
plan = replace(t.PLAN, settings=t.MeasurementOptions(time_limits=(60.0,), repeats=9, grace=60.0))
class Telling(t.MeasurementObserver):
    def row(self, row):
        print(row.solver, flush=True)
cases = [t.MeanMatchingCase.of(batch, 400) for batch in t.losses(n=900, count=3, seed=0)]
names = ("stride", "cpsat")
infos = tuple(t.CaseInfo.of(case) for case in cases)
plan = replace(plan, contenders=t.contenders(names), cases=infos)
found = t.measure(plan, cases, jobs=int(sys.argv[2]), watcher=Telling())
print(found.interrupted, len(found.results.rows), found.results.complete, flush=True)
"""


@pytest.mark.parametrize(
    "jobs",
    [pytest.param(1, marks=pytest.mark.slow), 2],  # one at a time: also test_bench_command.py
)
def test_ctrl_c_ends_it_at_once_and_keeps_what_there_is(jobs: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, __file__, str(jobs)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "stride\n"
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)
        words = process.stdout.read().split()
    assert process.wait(50) == 0
    interrupted, count, complete = words[-3:]
    assert (interrupted, complete) == ("True", "False")
    assert 1 <= int(count) < 54
