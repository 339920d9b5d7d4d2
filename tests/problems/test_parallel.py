"""Work on several threads."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from subsetopt import _processes
from subsetopt._processes import processors
from subsetopt.problems._parallel import each, one_blas_thread, threads_of_each


@pytest.mark.parametrize("threads", [None, 1, 2, 7])
def test_results_are_in_order(threads: int | None) -> None:
    assert each(lambda i: i * i, range(20), threads) == [i * i for i in range(20)]
    assert each(lambda i: i, [], threads) == []


def test_several_threads_are_used() -> None:
    meeting = threading.Barrier(2, timeout=20)  # broken unless two wait at once
    assert sorted(each(lambda i: meeting.wait(), range(2), 2)) == [0, 1]


@pytest.mark.parametrize("threads", [1, 3])
def test_the_first_failure_is_raised(threads: int) -> None:
    def fail(i: int) -> int:
        if i >= 3:
            raise ValueError(f"number {i}")
        return i

    with pytest.raises(ValueError, match="number 3"):
        each(fail, range(9), threads)


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_blas_is_put_back() -> None:
    np.ones((2, 2)) @ np.ones((2, 2))
    with threadpool_limits(2, "blas"):
        assert 2 in blas_threads()
        with one_blas_thread():
            assert 1 in blas_threads()  # others than NumPy's may be loaded as well
        assert 2 in blas_threads()


@pytest.mark.parametrize(
    ("quota", "count"),
    [
        ("max 100000\n", 6),
        ("250000 100000\n", 3),
        ("50000 100000\n", 1),
        ("900000 100000\n", 6),
        ("?", 6),
    ],
)
def test_processors_are_those_of_the_affinity_and_of_the_quota(
    quota: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cpu.max"
    monkeypatch.setattr("subsetopt._processes.QUOTA", file)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(6)), raising=False)
    assert processors() == 6  # no file
    _processes._quota.cache_clear()
    file.write_text(quota)
    assert processors() == count
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors() <= count


@pytest.mark.parametrize(("value", "threads"), [("3", 3), ("2,1", 2), ("", 4), ("many", 4)])
def test_processes_share_the_processors_or_have_the_threads_of_the_environment(
    value: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subsetopt.problems._parallel.processors", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert threads_of_each(2) == threads
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert threads_of_each(99) == 1
