"""Passes over the rows by the workers of a Dask cluster."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidOption

from ._reading_engines import Done, Pass, Result
from ._row_parts import Located, RowPart, located, partitions_of, rows_of
from ._row_sources import Source

DISTRIBUTED = OptionalDependency("distributed", "distributed", ">=2024.5", extra="distributed")


@contextmanager
def dask_engine(scheduler: Any) -> Iterator["DaskEngine"]:
    """Give the engine on a client, on one that is made for an address, or on the one there is."""
    distributed = DISTRIBUTED.load()
    if isinstance(scheduler, str):
        try:
            client = distributed.Client(scheduler)
        except (OSError, ValueError) as error:
            raise InvalidOption(f"scheduler {scheduler!r} is not reached: {error}") from None
        with client:
            yield DaskEngine(client)
        return
    if scheduler is None:
        try:
            scheduler = distributed.default_client()
        except ValueError:
            raise InvalidOption(
                "engine='dask' needs a cluster; give scheduler='tcp://ADDRESS', a Client, or make "
                "a Client before"
            ) from None
    if not isinstance(scheduler, distributed.Client):
        raise InvalidOption(f"scheduler must be an address or a Client; got {scheduler!r}")
    yield DaskEngine(scheduler)


class DaskEngine:
    """Parts of a source are read where the scheduler says; lost workers are its matter.

    Parameters
    ----------
    client : distributed.Client
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._known: WeakKeyDictionary[Source, list[Located]] = WeakKeyDictionary()

    def count(self, source: Source) -> int:
        """Return how many rows there are; reads the parts of which nothing else tells."""
        return sum(part.n for part in self._parts(source))

    def threads(self, wanted: int | None) -> int:
        """Return what is wanted, else one: workers have threads of their own."""
        return wanted or 1

    def over(self, source: Source, work: Pass[Result], done: Done) -> Iterator[Result]:
        """Yield the result of each part; what `work` holds goes to each worker once."""
        rows = 0
        parts = self._parts(source)
        for part, result in zip(parts, self._results(parts, work), strict=True):
            rows += part.n
            done(rows)
            yield result

    def _parts(self, source: Source) -> list[Located]:
        if source not in self._known:
            parts = partitions_of(source)
            unknown = [Located(part, 0, 0) for part in parts if part.n is None]
            counts = self._results(unknown, rows_of)
            self._known[source] = located(parts, counts)
        return self._known[source]

    def _results(self, parts: list[Located], work: Pass[Result]) -> Iterator[Result]:
        from dask.delayed import delayed

        with warnings.catch_warnings():
            # As data of the graph, not scattered: so they outlive the workers that hold them.
            warnings.filterwarnings("ignore", message="Sending large graph")
            held = self._client.submit(_itself, work, pure=False)
            task = delayed(worked, pure=False)
            tasks = [task(held, at.part.open, at.part.payload, at.first) for at in parts]
            futures = self._client.compute(tasks)
        for number, future in enumerate(futures):
            yield future.result()
            futures[number] = None  # the workers may forget it


def _itself(work: Any) -> Any:
    return work


def worked(work: Pass[Result], opening: Any, payload: Any, first: int) -> Result:
    """Return what `work` returns for one part; runs on a worker."""
    source = RowPart(opening, payload, None).opened(first)
    return work(source, _nobody)


def _nobody(rows: int) -> None:
    pass
