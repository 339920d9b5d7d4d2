"""What carries a pass over the rows out: this process, or the workers of a cluster."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from subsetopt._checks import require_one_of
from subsetopt.errors import InvalidOption

from ._row_sources import Source

Result = TypeVar("Result")
Done = Callable[[int], None]
"""Is told how many rows are done."""

Pass = Callable[[Source, Done], Result]
"""Reads some rows, and returns what they add up to; the source knows the number of its first."""

ENGINES = ("dask", "local")


class ReadingEngine(Protocol):
    """Carries passes over the rows of a source out."""

    def count(self, source: Source) -> int | None:
        """Return how many rows there are; None where this engine need not know before a pass."""

    def threads(self, wanted: int | None) -> int | None:
        """Return how many threads a pass may have; None is the number of processors."""

    def over(self, source: Source, work: Pass[Result], done: Done) -> Iterator[Result]:
        """Yield what `work` returns for each part of the source, in their order."""


class LocalEngine:
    """Reading of all rows by this process, as one part."""

    def count(self, source: Source) -> int | None:
        """Return None: rows are counted on the way."""
        return None

    def threads(self, wanted: int | None) -> int | None:
        """Return what is wanted."""
        return wanted

    def over(self, source: Source, work: Pass[Result], done: Done) -> Iterator[Result]:
        """Yield the one result."""
        yield work(source, done)


LOCAL = LocalEngine()


@contextmanager
def engine_of(name: str, scheduler: Any) -> Iterator[ReadingEngine]:
    """Give the engine of a name, and close afterwards what it has opened.

    Raises
    ------
    InvalidOption
        For a name that is none, or a scheduler where there is none.
    MissingDependency
        Where the library is not installed.
    """
    require_one_of("engine", name, ENGINES, error=InvalidOption)
    if name == "dask":
        from ._dask_engine import dask_engine

        with dask_engine(scheduler) as engine:
            yield engine
        return
    if scheduler is not None:
        raise InvalidOption(f"scheduler is of engine='dask'; got {scheduler!r} with {name!r}")
    yield LOCAL
