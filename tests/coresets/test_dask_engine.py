"""Passes over the rows by the workers of a local Dask cluster."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt._dependencies import OptionalDependency
from subsetopt.coresets import _csv_rows, _dask_engine, _pool, _row_sources
from subsetopt.errors import InvalidOption, MissingDependency

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two workers that are threads of this process."""
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with (
        distributed.LocalCluster(processes=False, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


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


def _table(X: NDArray[Any]) -> Any:
    names = [f"row {i}" for i in range(len(X))]
    return pa.table({"id": names, **dict(zip("abc", X.T, strict=True))})


def _sources(folder: Path, X: NDArray[Any]) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    yield "array", X, {}
    yield "array with ids", X, {"id": np.arange(len(X))}
    np.save(folder / "points.npy", X)
    yield ".npy", str(folder / "points.npy"), {"columns": ["1", "2", "3"]}
    yield ".npy at an address", (folder / "points.npy").as_uri(), {}
    (folder / "parts").mkdir()
    for part in range(2):
        at = folder / "parts" / f"part-{part}.parquet"
        pa.parquet.write_table(_table(X).slice(part * 1500, 1500), at, row_group_size=600)
    yield "Parquet", folder / "parts", {"id": "id"}
    array = pytest.importorskip("dask.array")
    yield "chunks", array.from_array(X, chunks=(900, 2)), {}
    unknown = array.from_array(np.concatenate([X, X + 1000.0]), chunks=(900, 3))
    yield "unknown chunks", unknown[unknown[:, 0] < 500.0], {}
    frames = pytest.importorskip("dask.dataframe")
    frame = frames.from_pandas(_table(X).to_pandas(), npartitions=3, sort=False)
    yield "partitions", frame, {"id": "id"}
    datasets = pytest.importorskip("datasets")
    yield "Hugging Face", datasets.Dataset(_table(X)), {"id": "id"}


def test_the_same_coreset_as_of_this_process(client: Any, tmp_path: Path) -> None:
    X = _points()
    options: dict[str, Any] = {"pool": 300, "scale_columns": "std"}
    local = so.coreset(X, 15, **options)
    for name, data, named in _sources(tmp_path, X):
        told: list[tuple[str, int, int | None]] = []
        of = {**options, **named, "progress": lambda *step, told=told: told.append(step)}
        coreset = so.coreset(data, 15, engine="dask", scheduler=client, **of)
        np.testing.assert_array_equal(coreset.indices, local.indices, err_msg=name)
        assert coreset.mmd == pytest.approx(local.mmd, rel=1e-4), name
        assert coreset.n == local.n == 3000
        assert ("survey", 3000, 3000) in told
        done = [rows for phase, rows, _ in told if phase == "means"]
        assert len(done) > 1, name
        assert done[-1] == 3000
        if "id" in named:
            assert coreset.ids is not None
            assert str(coreset.ids[0]).removeprefix("row ") == str(coreset.indices[0])


def test_a_target_and_a_client_there_is(client: Any) -> None:
    X, T = _points(), _points(900)
    given: dict[str, Any] = {"target": T, "pool": 300, "scale_columns": "none", "kernel": "laplace"}
    local, far = so.coreset(X, 9, **given), so.coreset(X, 9, engine="dask", **given)
    np.testing.assert_array_equal(far.indices, local.indices)


def test_an_address(client: Any) -> None:
    X = _points()
    address = client.scheduler.address
    given: dict[str, Any] = {"pool": 100, "scale_columns": "none"}
    far = so.coreset(X, 9, engine="dask", scheduler=address, **given)
    np.testing.assert_array_equal(far.indices, so.coreset(X, 9, **given).indices)


def test_what_workers_find_is_said_with_the_number_of_the_row(client: Any) -> None:
    X = _points()
    X[2500, 1] = np.nan
    lazy = pytest.importorskip("dask.array").from_array(X, chunks=(900, 3))
    for data in (X, lazy[lazy[:, 0] < np.inf]):  # of which the rows are known, and are not
        with pytest.raises(so.InvalidProblem, match="nan in row 2500, column 1"):
            so.coreset(data, 9, engine="dask", scheduler=client, pool=100, scale_columns="none")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"engine": "flink"}, "engine must be"),
        ({"scheduler": "tcp://127.0.0.1:8786"}, "scheduler is of engine='dask' or 'ray'"),
        ({"engine": "dask", "scheduler": 8786}, "must be an address or a Client; got 8786"),
    ],
)
def test_engines_and_schedulers_that_are_none(options: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidOption, match=says):
        so.coreset(_points(), 9, **options)


def test_sources_that_one_process_reads_are_refused(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_csv_rows, "_HEAD", 1000)
    pa.csv.write_csv(_table(_points()).drop_columns(["id"]), tmp_path / "points.csv")
    for data in (tmp_path / "points.csv", [_points()], _table(_points())):
        with pytest.raises(
            so.InvalidProblem, match="cannot be divided among workers of dask; give"
        ):
            so.coreset(data, 9, engine="dask", scheduler=client)


def test_the_library_is_named_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = OptionalDependency("no-dask", "no_dask", extra="distributed")
    monkeypatch.setattr(_dask_engine, "DISTRIBUTED", absent)
    with pytest.raises(MissingDependency, match=r"pip install 'subsetopt\[distributed\]'"):
        so.coreset(_points(), 9, engine="dask")


@pytest.mark.slow
def test_a_worker_that_is_killed_changes_nothing(tmp_path: Path) -> None:
    array = pytest.importorskip("dask.array")
    X = _points()
    options: dict[str, Any] = {"pool": 300, "scale_columns": "none"}

    def slow(block: NDArray[Any], folder: str = str(tmp_path)) -> NDArray[Any]:
        (Path(folder) / str(os.getpid())).touch()
        time.sleep(0.2)
        return block

    lazy = array.from_array(X, chunks=(150, 3)).map_blocks(slow, dtype=X.dtype, meta=X[:0])
    killed: list[int] = []

    def kill(phase: str, done: int, total: int | None) -> None:
        if phase == "means" and not killed:
            working = [int(file.name) for file in tmp_path.iterdir()]
            killed.append(next(pid for pid in working if pid != os.getpid()))
            os.kill(killed[0], signal.SIGKILL)

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        far = so.coreset(lazy, 15, engine="dask", scheduler=client, progress=kill, **options)
    assert killed
    local = so.coreset(X, 15, **options)
    np.testing.assert_array_equal(far.indices, local.indices)
    assert far.mmd == pytest.approx(local.mmd, rel=1e-4)
