"""Rows of data frames of Spark, and passes over them by its workers on this machine."""

import os
import signal
import sys
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt._dependencies import OptionalDependency
from subsetopt.coresets import _pool, _spark_engine
from subsetopt.coresets._source_kinds import source_of
from subsetopt.errors import InvalidOption, MissingDependency

GIVEN: dict[str, Any] = {
    "columns": ["a", "b", "c"],
    "id": "id",
    "pool": 300,
    "scale_columns": "none",
    "engine": "spark",
}


class DataFrame:
    """What is used of a data frame of Spark, with partitions of 700 rows in this process."""

    __module__ = "pyspark.sql.classic.dataframe"

    def __init__(self, table: Any, context: "_Context") -> None:
        self._table, self._context = table, context

    def limit(self, n: int) -> "DataFrame":
        return DataFrame(self._table.slice(0, n), self._context)

    def toArrow(self) -> Any:  # noqa: N802 - as Spark calls it
        return self._table

    def select(self, columns: list[str]) -> "DataFrame":
        return DataFrame(self._table.select(columns), self._context)

    def mapInArrow(self, function: Any, schema: str) -> "DataFrame":  # noqa: N802
        made, side = [], next(self._context.sides)
        for number, first in enumerate(
            range(0, len(self._table) + side, side)
        ):  # the last is empty
            self._context.number = number
            made += function(iter(self._table.slice(first, side).to_batches(max_chunksize=300)))
        return DataFrame(pa.Table.from_batches(made), self._context)

    def collect(self) -> list["_Row"]:
        return [_Row(row) for row in reversed(self._table.to_pylist())]

    def toLocalIterator(self, prefetchPartitions: bool) -> Iterator["_Row"]:  # noqa: N802
        yield from map(_Row, self._table.to_pylist())


class _Row:
    def __init__(self, row: dict[str, Any]) -> None:
        self.__dict__.update(row)


class _Context:
    """The context of a task."""

    number = 0

    def __init__(self) -> None:
        self.sides: Iterator[int] = repeat(700)

    def get(self) -> "_Context":
        return self

    def partitionId(self) -> int:  # noqa: N802
        return self.number


def _points(n: int = 3000) -> NDArray[np.float32]:
    generator = np.random.default_rng(n)
    centres = 2.0 * generator.normal(size=(5, 3))
    rows = centres[generator.integers(0, 5, n)] + generator.normal(size=(n, 3))
    return rows.astype(np.float32)


def _table(X: NDArray[Any]) -> Any:
    return pa.table({"id": np.arange(len(X)), **dict(zip("abc", X.T, strict=True))})


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few rows be too many to be all in the sample."""
    monkeypatch.setattr(_pool, "WITNESSES", 400)
    monkeypatch.setattr(_pool, "_MOVES", 500)


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> _Context:
    """Stand in for Spark."""
    context = _Context()
    module = type(sys)("pyspark")
    vars(module).update(TaskContext=context, __spec__=sys.__spec__)
    monkeypatch.setitem(sys.modules, "pyspark", module)
    monkeypatch.setattr(_spark_engine, "PYSPARK", OptionalDependency("pyarrow", "pyarrow"))
    return context


def test_partitions_are_read_where_they_are(context: _Context) -> None:
    X = _points()
    told: list[tuple[str, int]] = []
    far = so.coreset(
        DataFrame(_table(X), context),
        15,
        progress=lambda phase, done, total: told.append((phase, done)),
        **GIVEN,
    )
    here = GIVEN | {"engine": "local"}
    local = so.coreset(_table(X), 15, **here)
    np.testing.assert_array_equal(far.indices, local.indices)
    np.testing.assert_array_equal(far.ids, local.indices)
    assert far.mmd == pytest.approx(local.mmd, rel=1e-4)
    assert [done for phase, done in told if phase == "means"][:4] == [0, 700, 1400, 2100]


def test_rows_come_here_in_their_order(context: _Context) -> None:
    X = _points()
    blocks = list(source_of(DataFrame(_table(X), context), ["a", "b", "c"], "id").blocks())
    np.testing.assert_array_equal(np.concatenate([block.X for block in blocks]), X)
    ids = np.concatenate([np.asarray(block.ids) for block in blocks])
    np.testing.assert_array_equal(ids, np.arange(len(X)))


def test_what_workers_refuse_is_said_with_the_number_of_the_row(context: _Context) -> None:
    X = _points()
    X[2500, 1] = np.nan
    with pytest.raises(so.InvalidProblem, match="nan in row 2500, column 1"):
        so.coreset(DataFrame(_table(X), context), 9, **GIVEN)


def test_partitions_that_change_are_refused(context: _Context) -> None:
    context.sides = iter([700, 800])
    says = "had [0-9]+ rows when it was counted and [0-9]+ then; cache"
    with pytest.raises(so.InvalidProblem, match=says):
        so.coreset(DataFrame(_table(_points()), context), 9, **GIVEN)


def test_only_data_frames_in_their_session(context: _Context) -> None:
    X = _points()
    with pytest.raises(so.InvalidProblem, match="reads data frames of pyspark; got data"):
        so.coreset(X, 9, engine="spark", scale_columns="none")
    with pytest.raises(InvalidOption, match="got scheduler 'spark://a:7077': leave it out"):
        so.coreset(DataFrame(_table(X), context), 9, scheduler="spark://a:7077", **GIVEN)


def test_the_library_is_named_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = OptionalDependency("no-spark", "no_spark", extra="spark")
    monkeypatch.setattr(_spark_engine, "PYSPARK", absent)
    with pytest.raises(MissingDependency, match=r"pip install 'subsetopt\[spark\]'"):
        so.coreset(_points(), 9, engine="spark")


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """Spark on this machine, which repeats tasks."""
    sql = pytest.importorskip("pyspark.sql", reason="PySpark is not installed")
    given = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    builder = sql.SparkSession.builder.master("local[2,3]").config("spark.ui.enabled", "false")
    try:
        made = builder.config("spark.driver.memory", "1g").getOrCreate()
    except Exception as error:
        pytest.skip(f"Spark does not start, for which Java is needed: {error}")
    made.sparkContext.setLogLevel("OFF")
    yield made
    made.stop()
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.mark.filterwarnings("ignore")  # of Spark
@pytest.mark.slow
def test_spark_gives_what_this_process_gives(session: Any) -> None:
    X = _points()
    frame = session.createDataFrame(_table(X))
    here = GIVEN | {"engine": "local"}
    local = so.coreset(_table(X), 15, **here)
    for given in (GIVEN, here):
        far = so.coreset(frame, 15, **given)
        np.testing.assert_array_equal(far.indices, local.indices)
        np.testing.assert_array_equal(far.ids, local.indices)
        assert far.mmd == pytest.approx(local.mmd, rel=1e-4)
    X[2500, 1] = np.nan
    with pytest.raises(so.InvalidProblem, match="nan in row 2500, column 1"):
        so.coreset(session.createDataFrame(_table(X)), 9, **GIVEN)


@pytest.mark.filterwarnings("ignore")  # of Spark
@pytest.mark.slow
def test_a_worker_that_is_killed_changes_nothing(session: Any, tmp_path: Path) -> None:
    here, killed = os.getpid(), tmp_path / "killed"

    def kernel(A: NDArray[Any], B: NDArray[Any]) -> NDArray[Any]:
        if os.getpid() != here and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        apart = ((A[:, None] - B[None]) ** 2).sum(axis=-1)
        return np.asarray(np.exp(-apart / 2.0))

    X = _points(2000)
    far = so.coreset(session.createDataFrame(_table(X)), 15, kernel=kernel, **GIVEN)
    assert killed.exists()
    local = so.coreset(_table(X), 15, kernel=kernel, **GIVEN | {"engine": "local"})
    np.testing.assert_array_equal(far.indices, local.indices)
