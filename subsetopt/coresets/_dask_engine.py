"""Passes over the rows by the workers of a Dask cluster."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidOption

from ._reading_engines import DividedEngine, Pass, Result, worked
from ._row_parts import Located

DISTRIBUTED = OptionalDependency("distributed", "distributed", ">=2024.5", extra="distributed")


@contextmanager
def opened_engine(scheduler: Any) -> Iterator["DaskEngine"]:
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


class DaskEngine(DividedEngine):
    """Parts of a source are read where the scheduler of Dask says.

    Parameters
    ----------
    client : distributed.Client
    """

    name = "dask"

    def __init__(self, client: Any) -> None:
        super().__init__()
        self._client = client

    def results(self, parts: list[Located], work: Pass[Result]) -> Iterator[Result]:
        """Yield the result of each part; what `work` holds goes to each worker once."""
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
