"""Other libraries read the folder as what it is: Parquet, partitioned by writers."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow")

from subsetopt.records import Layout, RecordStore

from .folders import record, rows  # type: ignore[import-not-found]

COLUMNS = ["writer", "sequence", "id", "time", "loss", "model"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of two writers, compacted and written on, and dropped from."""
    layout = Layout(outputs=2)
    record(tmp_path, "a", 4, layout=layout)
    record(tmp_path, "b-2", 2, first=100)
    RecordStore(tmp_path).compact()
    record(tmp_path, "a", 1, first=50, start=1.8e9)
    RecordStore(tmp_path).retain(max_records=20)
    return tmp_path


def same(table: Any, root: Path) -> None:
    found = table.sort_values(["writer", "sequence"])
    times = found["time"].astype("datetime64[us, UTC]").astype("int64")
    names = (found["writer"].astype(str), found["model"].astype(str))
    columns = (names[0], found["sequence"], found["id"], times, found["loss"], names[1])
    wanted = rows(RecordStore(root))
    assert wanted
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == wanted


def test_duckdb(folder: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pandas")
    with duckdb.connect() as base:
        source = f"read_parquet('{folder}/records/*/*.parquet', hive_partitioning = true)"
        same(base.sql(f"select {', '.join(COLUMNS)} from {source}").df(), folder)
        ((count, loss),) = base.sql(f"select count(*), avg(loss) from {source}").fetchall()
    held = rows(RecordStore(folder))
    assert count == len(held)
    assert loss == pytest.approx(sum(row[4] for row in held) / len(held))


def test_datasets_of_pyarrow(folder: Path) -> None:
    dataset = pytest.importorskip("pyarrow.dataset")
    pytest.importorskip("pandas")
    table = dataset.dataset(folder / "records", format="parquet", partitioning="hive").to_table()
    same(table.select(COLUMNS).to_pandas(), folder)


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # by Dask, of pandas
def test_dask(folder: Path) -> None:
    dataframe = pytest.importorskip("dask.dataframe")
    dask = pytest.importorskip("dask")
    with dask.config.set(scheduler="synchronous"):
        table = dataframe.read_parquet(str(folder / "records"), columns=COLUMNS).compute()
    same(table, folder)
