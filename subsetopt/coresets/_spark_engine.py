"""Data frames of Spark, and passes over their rows by its workers."""

import pickle
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidOption, InvalidProblem, SubsetOptError

from ._reading_engines import DividedEngine, Pass, Result, worked
from ._row_blocks import Source
from ._row_parts import Located, RowPart, partitions_of, rows_of

PYSPARK = OptionalDependency("pyspark", "pyspark", ">=4", extra="spark")

_RESULTS = "part long, result binary"

_Places = dict[int, tuple[int, int]]
"""The first row of each partition and how many it has; empty where they are to be counted."""


class SparkTable:
    """A data frame of Spark; what is read here comes one partition after another."""

    n: int | None = None

    def __init__(self, data: Any) -> None:
        self._data, self.schema = data, data.limit(0).toArrow().schema

    def batches(self, columns: list[str], size: int) -> Iterator[Any]:
        """Yield the rows; how many in a batch is for Spark to say."""
        from pyarrow import ipc

        frame = self._data.select(columns).mapInArrow(_packed, "batch binary")
        for row in frame.toLocalIterator(prefetchPartitions=True):
            yield from ipc.open_stream(row.batch)

    def parts(self, columns: list[str], engine: str) -> list[tuple[Any, int | None]] | None:
        """Return the data frame, which the engine of Spark divides."""
        return [(self._data.select(columns), None)] if engine == "spark" else None


def _packed(batches: Iterable[Any]) -> Iterator[Any]:
    """Yield each batch as bytes."""
    import pyarrow as pa

    for batch in batches:
        to = pa.BufferOutputStream()
        with pa.ipc.new_stream(to, batch.schema) as stream:
            stream.write(batch)
        yield pa.record_batch({"batch": [to.getvalue().to_pybytes()]})


@contextmanager
def opened_engine(scheduler: Any) -> Iterator["SparkEngine"]:
    """Give the engine, which works in the session of the data frame."""
    PYSPARK.load()
    if scheduler is not None:
        raise InvalidOption(
            f"a data frame of Spark knows its session; got scheduler {scheduler!r}: leave it out"
        )
    yield SparkEngine()


@dataclass(frozen=True)
class _Partition:
    """A partition of a data frame."""

    frame: Any
    number: int


class SparkEngine(DividedEngine):
    """Partitions of a data frame are read where they are, by `mapInArrow`.

    Spark repeats the tasks of workers that are lost. All results come here at once.
    """

    name = "spark"

    def divided(self, source: Source) -> list[Located]:
        """Return the partitions; counts their rows."""
        whole, *others = partitions_of(source, self.name)
        if others or not hasattr(whole.payload, "mapInArrow"):
            raise InvalidProblem(f"engine='spark' reads data frames of pyspark; got {source.name}")
        counts = _job(whole.payload, whole.open, rows_of, {})
        parts, first = [], 0
        for number, n in sorted(counts.items()):
            part = RowPart(whole.open, _Partition(whole.payload, number), n)
            parts.append(Located(part, first, n))
            first += n
        return parts

    def results(self, parts: list[Located], work: Pass[Result]) -> Iterator[Result]:
        """Yield the result of each partition."""
        if parts:
            known = {at.part.payload.number: at for at in parts}
            places = {number: (at.first, at.n) for number, at in known.items()}
            results = _job(parts[0].part.payload.frame, parts[0].part.open, work, places)
            yield from (results[number] for number in known)


def _job(frame: Any, opening: Any, work: Pass[Result], places: _Places) -> dict[int, Result]:
    """Return the result of each partition by its number."""
    of_partition = partial(_worked, opening, work, places)
    results = {}
    for row in frame.mapInArrow(of_partition, _RESULTS).collect():
        results[row.part] = pickle.loads(row.result)
        if isinstance(results[row.part], SubsetOptError):
            raise results[row.part]
    return results


def _worked(
    opening: Any, work: Pass[Result], places: _Places, batches: Iterable[Any]
) -> Iterator[Any]:
    """Yield the result of one partition; runs on a worker."""
    import pyarrow as pa
    from pyspark import TaskContext

    context: Any = TaskContext.get()
    number = context.partitionId()
    held = list(batches)
    payload = pa.Table.from_batches(held) if held else []
    first, n = places.get(number, (0, 0)) if places else (0, len(payload))
    try:
        if len(payload) != n:
            raise InvalidProblem(
                f"a partition of the data frame had {n} rows when it was counted and "
                f"{len(payload)} then; cache() the data frame, or write it to Parquet files"
            )
        result: Any = worked(work, opening, payload, first)
    except SubsetOptError as error:  # Spark would keep its text alone
        result = error
    yield pa.record_batch({"part": [number], "result": [pickle.dumps(result)]})
