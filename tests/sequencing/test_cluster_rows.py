"""Row sums by the workers of a cluster: those of one process, and the order with them."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.coresets._reading_engines import DividedEngine, worked
from subsetopt.errors import InvalidOption
from subsetopt.sequencing import _cluster_rows, choose


def cloud(n: int = 1100, dtype: Any = np.float64) -> NDArray[Any]:
    return np.random.default_rng(0).normal(size=(n, 3)).astype(dtype)


class Here(DividedEngine):
    """A cluster whose workers are this process."""

    name = "dask"

    def results(self, parts: Any, work: Any) -> Iterator[Any]:
        return (worked(work, at.part.open, at.part.payload, at.first) for at in parts)


@contextmanager
def here(name: str, scheduler: Any) -> Iterator[Here]:
    assert (name, scheduler) == ("dask", "somewhere")
    yield Here()


@pytest.mark.parametrize("kernel", ["gaussian", "laplace", "polynomial"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_and_order(kernel: str, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cluster_rows, "engine_of", here)
    monkeypatch.setattr(_cluster_rows, "_FEWEST", 100)
    monkeypatch.setattr(_cluster_rows, "_BAND", 64)
    X, told = cloud(dtype=dtype), []
    engine: Any = choose(X, kernel, engine="dask", scheduler="somewhere")
    sums = engine.row_sums(lambda done, total: told.append((done, total)))
    alone = choose(X, kernel, engine="rows")
    rounding = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(sums, alone.row_sums(), rtol=rounding, atol=rounding)
    assert told == [(min(100 * part, 1100), 1100) for part in range(1, 12)]
    if dtype == np.float64:
        found = so.sequence(X, 50, kernel=kernel, engine=engine, batches=5)
        wanted = so.sequence(X, 50, kernel=kernel, engine="rows", batches=5)
        np.testing.assert_array_equal(found.order, wanted.order)
    assert "sums by dask" in engine.describe()


def test_by_the_workers_of_dask() -> None:
    distributed = pytest.importorskip("distributed")
    X = cloud()
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with (
        distributed.LocalCluster(processes=False, **options) as cluster,
        distributed.Client(cluster),
    ):
        found = so.sequence(X, 50, engine="dask", batches=3)
    wanted = so.sequence(X, 50, engine="rows", batches=3)
    np.testing.assert_array_equal(found.order, wanted.order)


@pytest.mark.filterwarnings("ignore")  # of Ray
@pytest.mark.slow
def test_by_the_workers_of_ray_of_which_one_is_killed(ray_cluster: Any, tmp_path: Path) -> None:
    same_order_where_a_worker_is_killed("ray", tmp_path)


@pytest.mark.slow
def test_by_the_workers_of_dask_of_which_one_is_killed(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster):
        same_order_where_a_worker_is_killed("dask", tmp_path)


def same_order_where_a_worker_is_killed(engine: str, tmp_path: Path) -> None:
    here, killed = os.getpid(), tmp_path / "killed"

    def kernel(A: NDArray[Any], B: NDArray[Any]) -> NDArray[Any]:
        if os.getpid() != here and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        apart = ((A[:, None] - B[None]) ** 2).sum(axis=-1)
        return np.asarray(np.exp(-apart / 2.0))

    X = cloud()
    for given in ("gaussian", kernel):
        found = so.sequence(X, 50, kernel=given, engine=engine, batches=3)
        wanted = so.sequence(X, 50, kernel=given, engine="rows", batches=3)
        np.testing.assert_array_equal(found.order, wanted.order)
    assert killed.exists()


def test_a_scheduler_is_of_a_cluster() -> None:
    with pytest.raises(InvalidOption, match="scheduler is of engine='dask' or 'ray'; got 'rows'"):
        choose(cloud(20), engine="rows", scheduler="tcp://10.0.0.1:8786")
