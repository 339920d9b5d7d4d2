"""Passes over the rows by the workers of a local Ray cluster, and by what stands in for one."""

import os
import signal
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt._dependencies import OptionalDependency
from subsetopt.coresets import _pool, _ray_engine, _row_sources
from subsetopt.coresets._ray_engine import RayEngine
from subsetopt.coresets._row_parts import Located, RowPart
from subsetopt.coresets._row_sources import ArrayRows
from subsetopt.errors import InvalidOption, MissingDependency

GIVEN: dict[str, Any] = {"pool": 300, "scale_columns": "none", "engine": "ray"}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few rows be too many to be all in the sample, and several parts of them."""
    monkeypatch.setattr(_pool, "WITNESSES", 400)
    monkeypatch.setattr(_pool, "_MOVES", 500)
    monkeypatch.setattr(_row_sources, "_PART_BLOCKS", 1)
    monkeypatch.setattr(_row_sources, "_MOST", 700)
    monkeypatch.setattr(_row_sources, "_FEWEST", 1)


def _points(n: int = 3000) -> NDArray[np.float32]:
    generator = np.random.default_rng(n)
    centres = 2.0 * generator.normal(size=(5, 3))
    rows = centres[generator.integers(0, 5, n)] + generator.normal(size=(n, 3))
    return rows.astype(np.float32)


class _TaskError(Exception):
    def __init__(self, cause: Exception) -> None:
        self.cause = cause


class _StandIn:
    """What the engine uses of Ray, done at once in this process."""

    exceptions = SimpleNamespace(RayTaskError=_TaskError)

    def __init__(self) -> None:
        self.waiting = self.most = 0
        self.cancelled: list[Any] = []

    def is_initialized(self) -> bool:
        return True

    def get_runtime_context(self) -> Any:
        return SimpleNamespace(gcs_address="10.0.0.1:6379")

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 0.5}

    def put(self, value: Any) -> Any:
        return value

    def remote(self, function: Any) -> Any:
        def start(*given: Any) -> Any:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            return lambda: function(*given)

        return SimpleNamespace(remote=start)

    def get(self, task: Any) -> Any:
        self.waiting -= 1
        try:
            return task()
        except so.SubsetOptError as error:
            raise _TaskError(error) from None

    def cancel(self, task: Any) -> None:
        self.cancelled.append(task)


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> _StandIn:
    """Stand in for Ray."""
    ray = _StandIn()
    monkeypatch.setattr(_ray_engine, "RAY", SimpleNamespace(load=lambda: ray))
    return ray


def test_the_same_coreset_with_few_tasks_at_once(ray: _StandIn) -> None:
    X = _points()
    told: list[int] = []
    far = so.coreset(X, 15, progress=lambda phase, done, total: told.append(done), **GIVEN)
    local = so.coreset(X, 15, **GIVEN | {"engine": "local"})
    np.testing.assert_array_equal(far.indices, local.indices)
    assert far.mmd == pytest.approx(local.mmd, rel=1e-4)
    assert told[:6] == [0, 700, 1400, 2100, 2800, 3000]
    assert ray.most == 5
    fewer = so.coreset(X, 15, compared=1000, **GIVEN)
    same = so.coreset(X, 15, compared=1000, **GIVEN | {"engine": "local"})
    np.testing.assert_array_equal(fewer.indices, same.indices)
    assert fewer.message == same.message != ""
    assert not ray.cancelled


def test_parts_that_do_not_know_their_rows_are_counted(ray: _StandIn) -> None:
    X = _points(20)
    parts = [RowPart(partial(ArrayRows), X[:12], None), RowPart(partial(ArrayRows), X[12:], 8)]
    source: Any = _OfParts(parts)
    engine = RayEngine(ray)
    assert engine.count(source) == 20
    firsts = list(engine.over(source, lambda part, done: part.first, lambda rows: None))
    assert firsts == [0, 12]


class _OfParts:
    """A source of given parts."""

    name = "data"

    def __init__(self, parts: list[RowPart]) -> None:
        self._parts = parts

    def partitions(self, engine: str) -> list[RowPart]:
        """Return the parts."""
        assert engine == "ray"
        return self._parts


def test_what_workers_refuse_ends_the_other_tasks(ray: _StandIn) -> None:
    X = _points()
    X[800, 1] = np.nan
    with pytest.raises(so.InvalidProblem, match="nan in row 800, column 1"):
        so.coreset(X, 9, **GIVEN)
    assert len(ray.cancelled) == ray.waiting == 3


def test_tasks_end_where_nobody_wants_their_results(ray: _StandIn) -> None:
    parts = [Located(RowPart(partial(ArrayRows), _points(5), 5), 5 * i, 5) for i in range(9)]
    results = RayEngine(ray).results(parts, lambda part, done: part.first)
    assert isinstance(results, Iterator)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    assert len(ray.cancelled) == 4


@pytest.mark.parametrize("scheduler", [None, "auto", "10.0.0.1:6379"])
def test_the_cluster_there_is(ray: _StandIn, scheduler: str | None) -> None:
    with _ray_engine.opened_engine(scheduler) as engine:
        assert engine.name == "ray"


@pytest.mark.parametrize(
    ("scheduler", "says"),
    [
        ("10.0.0.2:6379", r"is in the Ray cluster at 10\.0\.0\.1:6379; got scheduler '10\.0\.0\.2"),
        (6379, "scheduler must be an address of Ray; got 6379"),
    ],
)
def test_other_clusters_are_refused(ray: _StandIn, scheduler: Any, says: str) -> None:
    with pytest.raises(InvalidOption, match=says):
        so.coreset(_points(), 9, scheduler=scheduler, **GIVEN)


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9"])
def test_an_address_where_nobody_listens(
    ray: _StandIn, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(at: tuple[str, int], patience: float) -> None:
        assert at == ("127.0.0.1", 9)
        raise ConnectionRefusedError("Connection refused")

    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(InvalidOption, match=f"'{address}' is not reached: Connection refused"):
        so.coreset(_points(), 9, scheduler=address, **GIVEN)


def test_the_library_is_named_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = OptionalDependency("no-ray", "no_ray", extra="ray")
    monkeypatch.setattr(_ray_engine, "RAY", absent)
    with pytest.raises(MissingDependency, match=r"pip install 'subsetopt\[ray\]'"):
        so.coreset(_points(), 9, engine="ray")


@pytest.mark.filterwarnings("ignore")  # of Ray
@pytest.mark.slow
def test_a_cluster_gives_what_this_process_gives(ray_cluster: Any, tmp_path: Path) -> None:
    X = _points()
    local = so.coreset(X, 15, **GIVEN | {"engine": "local"})
    table = pa.table({"id": np.arange(len(X)), **dict(zip("abc", X.T, strict=True))})
    pa.parquet.write_table(table, tmp_path / "points.parquet", row_group_size=600)
    np.save(tmp_path / "points.npy", X)
    blocks = ray_cluster.data.from_arrow([table.slice(0, 1400), table.slice(1400)])
    of_table: dict[str, Any] = {"columns": ["a", "b", "c"], "id": "id"}
    sources: list[tuple[Any, dict[str, Any]]] = [
        (X, {}),
        (tmp_path / "points.npy", {}),
        (tmp_path / "points.parquet", of_table),
        (blocks, of_table),
    ]
    for data, named in sources:
        far = so.coreset(data, 15, **GIVEN, **named)
        np.testing.assert_array_equal(far.indices, local.indices)
        assert far.mmd == pytest.approx(local.mmd, rel=1e-4)
        if named:
            np.testing.assert_array_equal(far.ids, local.indices)
    X[2500, 1] = np.nan
    with pytest.raises(so.InvalidProblem, match="nan in row 2500, column 1"):
        so.coreset(X, 9, **GIVEN)


@pytest.mark.filterwarnings("ignore")  # of Ray
@pytest.mark.slow
def test_a_worker_that_is_killed_changes_nothing(ray_cluster: Any, tmp_path: Path) -> None:
    here, killed = os.getpid(), tmp_path / "killed"

    def kernel(A: NDArray[Any], B: NDArray[Any]) -> NDArray[Any]:
        if os.getpid() != here and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        apart = ((A[:, None] - B[None]) ** 2).sum(axis=-1)
        return np.asarray(np.exp(-apart / 2.0))

    X = _points(2000)
    far = so.coreset(X, 15, kernel=kernel, **GIVEN)
    assert killed.exists()
    local = so.coreset(X, 15, kernel=kernel, **GIVEN | {"engine": "local"})
    np.testing.assert_array_equal(far.indices, local.indices)
    assert far.mmd == pytest.approx(local.mmd, rel=1e-4)
