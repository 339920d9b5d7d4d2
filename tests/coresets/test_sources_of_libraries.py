"""Rows of collections of other libraries, and of files at addresses."""

from collections.abc import Callable, Iterator
from functools import partial
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
from subsetopt.coresets import _addresses
from subsetopt.coresets._source_kinds import source_of
from subsetopt.errors import InvalidFile, InvalidOption, MissingDependency


def _points(n: int = 500) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)


def _frame(X: NDArray[Any]) -> Any:
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(
        {"id": [f"row {i}" for i in range(len(X))], "a": X[:, 0], "b": X[:, 1], "c": X[:, 2]}
    )


def _read(data: Any, columns: Any = None, ids: Any = None) -> tuple[NDArray[Any], list[Any]]:
    """Return all rows and ids, after a pass that must be like the next."""
    source = source_of(data, columns, ids)
    first = np.concatenate([block.X for block in source.blocks()])
    blocks = list(source.blocks())
    again = np.concatenate([block.X for block in blocks])
    np.testing.assert_array_equal(first, again)
    assert source.n in (None, len(again))
    return again, [name for block in blocks if block.ids is not None for name in block.ids]


def _dask_frame(X: NDArray[Any]) -> Any:
    dataframe = pytest.importorskip("dask.dataframe")
    frame = dataframe.from_pandas(_frame(X), npartitions=4, sort=False)
    return frame[frame.b < 10.0]  # how many rows, nobody knows


def _hugging_face(X: NDArray[Any]) -> Any:
    datasets = pytest.importorskip("datasets")
    return datasets.Dataset(pa.Table.from_pandas(_frame(X), preserve_index=False))


def _streamed(X: NDArray[Any]) -> Any:
    return _hugging_face(X).to_iterable_dataset()


def _filtered(X: NDArray[Any]) -> Any:
    doubled = _hugging_face(np.repeat(X, 2, axis=0))
    return doubled.select(range(1, 2 * len(X), 2))


def _lazy(X: NDArray[Any]) -> Any:
    return pytest.importorskip("polars").from_pandas(_frame(X)).lazy()


_TABLES: list[Callable[[NDArray[Any]], Any]] = [
    _dask_frame,
    _hugging_face,
    _streamed,
    _filtered,
    _lazy,
]


@pytest.mark.parametrize("table", _TABLES, ids=lambda made: made.__name__.strip("_"))
def test_tables_of_libraries_give_their_rows_in_order(table: Any) -> None:
    X = _points()
    rows, ids = _read(table(X), ids="id")
    np.testing.assert_array_equal(rows, X)
    assert len(ids) == len(X)
    if table is not _filtered:
        assert ids == [f"row {i}" for i in range(len(X))]
    few, _ = _read(table(X), columns=["c", "a"])
    np.testing.assert_array_equal(few, X[:, [2, 0]])
    with pytest.raises(
        InvalidOption, match="no column 'z'; there are the names 'id', 'a', 'b', 'c'"
    ):
        source_of(table(X), columns=["z"])
    with pytest.raises(so.InvalidProblem, match="column 'id' of data is"):
        source_of(table(X), columns=["id"])


def test_columns_of_lists_in_partitions_of_dask() -> None:
    dataframe = pytest.importorskip("dask.dataframe")
    X = _points(40)
    frame = _frame(X)
    frame["at"] = list(X)
    import dask

    with dask.config.set({"dataframe.convert-string": False}):
        rows, _ = _read(dataframe.from_pandas(frame, npartitions=3, sort=False), columns="at")
    np.testing.assert_array_equal(rows, X)


@pytest.mark.parametrize("chunks", [(100, 3), (70, 2), 1000])
def test_arrays_of_dask_are_read_chunk_by_chunk(chunks: Any) -> None:
    array = pytest.importorskip("dask.array")
    X = _points()
    lazy = array.from_array(X, chunks=chunks)
    rows, _ = _read(lazy)
    np.testing.assert_array_equal(rows, X)
    positive, _ = _read(lazy[lazy[:, 0] > 0.0])
    np.testing.assert_array_equal(positive, X[X[:, 0] > 0.0])
    column, _ = _read(lazy[:, 1])
    np.testing.assert_array_equal(column, X[:, [1]])
    with pytest.raises(InvalidOption, match="an array of Dask, has no names"):
        source_of(lazy, ids=np.arange(500))
    with pytest.raises(so.InvalidProblem, match="got shape"):
        source_of(lazy.reshape(5, 100, 3))


def test_tensors_are_as_many_features() -> None:
    X = _points()
    tensors = pa.ExtensionArray.from_storage(
        pa.fixed_shape_tensor(pa.float32(), [3]), pa.FixedSizeListArray.from_arrays(X.ravel(), 3)
    )
    np.testing.assert_array_equal(_read(pa.table({"at": tensors}))[0], X)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_data_sets_of_ray() -> None:
    ray = pytest.importorskip("ray")
    X = _points()
    ray.init(num_cpus=1, include_dashboard=False, logging_level="error")
    try:
        rows, ids = _read(ray.data.from_pandas(_frame(X)), ids="id")
        np.testing.assert_array_equal(rows, X)
        assert ids[-1] == "row 499"
        np.testing.assert_array_equal(_read(ray.data.from_numpy(X))[0], X)
    finally:
        ray.shutdown()


def test_one_split_is_asked_for_where_there_are_several() -> None:
    datasets = pytest.importorskip("datasets")
    both = datasets.DatasetDict(
        {"train": _hugging_face(_points()), "test": _hugging_face(_points())}
    )
    with pytest.raises(so.InvalidProblem, match=r"of 'train', 'test'; give one of them, data\['tr"):
        source_of(both)


@pytest.fixture
def memory() -> Iterator[Any]:
    """Give fsspec's file system in memory, emptied afterwards."""
    fsspec = pytest.importorskip("fsspec")
    yield fsspec
    fsspec.filesystem("memory").store.clear()


def _write(fsspec: Any, path: str, write: Callable[[Any], Any]) -> str:
    with fsspec.open(path, "wb", compression="infer") as file:
        write(file)
    return path


def test_files_at_addresses(memory: Any) -> None:
    X = _points()
    table = pa.Table.from_pandas(_frame(X), preserve_index=False)
    npy = _write(memory, "memory://few/points.npy", lambda file: np.save(file, X))
    np.testing.assert_array_equal(_read(npy)[0], X)
    column = _write(memory, "memory://few/column.npy", lambda file: np.save(file, X[:, 0]))
    np.testing.assert_array_equal(_read(column)[0], X[:, :1])
    for name in ("points.csv", "points.csv.gz"):
        path = _write(memory, f"memory://few/{name}", lambda file: pa.csv.write_csv(table, file))
        rows, ids = _read(path, ids="id")
        np.testing.assert_allclose(rows, X, rtol=1e-6)
        assert ids[-1] == "row 499"
    for part in range(2):
        write = partial(pa.parquet.write_table, table.slice(250 * part, 250))
        _write(memory, f"memory://parts/part-{part}.parquet", write)
    for path in ("memory://parts", "memory://parts/part-0.parquet"):
        rows, ids = _read(path, ids="id")
        np.testing.assert_array_equal(rows, X[: len(rows)])
        assert ids[:2] == ["row 0", "row 1"]


def test_addresses_that_pyarrow_knows_need_no_fsspec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = _points()
    pa.parquet.write_table(pa.table({"a": X[:, 0]}), tmp_path / "points.parquet")
    monkeypatch.setattr(_addresses, "FSSPEC", OptionalDependency("no-fsspec", "no_fsspec"))
    address = (tmp_path / "points.parquet").as_uri()
    np.testing.assert_array_equal(_read(address)[0], X[:, :1])
    with pytest.raises(MissingDependency, match="pip install 'no-fsspec'"):
        source_of("memory://few/points.npy")


@pytest.mark.parametrize("name", ["nothing.npy", "nothing.csv", "nothing.parquet"])
def test_addresses_of_nothing(memory: Any, name: str) -> None:
    with pytest.raises(InvalidFile, match=f"memory://{name} does not exist"):
        source_of(f"memory://{name}")


def test_files_at_addresses_that_are_not_what_they_say(memory: Any) -> None:
    for suffix in ("npy", "parquet"):
        path = _write(memory, f"memory://bad/text.{suffix}", lambda file: file.write(b"hello " * 9))
        with pytest.raises(InvalidFile, match=f"{path} cannot be read as"):
            source_of(path)
    X = _points()
    path = _write(memory, "memory://bad/f.npy", lambda file: np.save(file, np.asfortranarray(X)))
    with pytest.raises(InvalidFile, match="stored column by column"):
        source_of(path)
    names = _write(memory, "memory://bad/n.npy", lambda file: np.save(file, np.array(["a"])))
    with pytest.raises(so.InvalidProblem, match=r"array \(n, d\) of numbers"):
        source_of(names)
    path = _write(memory, "memory://bad/short.npy", lambda file: np.save(file, X))
    content = memory.filesystem("memory").cat("/bad/short.npy")
    _write(memory, path, lambda file: file.write(content[:-5]))
    with pytest.raises(InvalidFile, match="ends before row 500"):
        _read(path)
