"""Engines that carry out a pass over the rows: this process, or a cluster."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

from subsetopt._checks import require_one_of
from subsetopt.errors import InvalidOption
from subsetopt.problems._parallel import no_callback

from ._row_blocks import Source
from ._row_parts import Located, RowPart, located, partitions_of, rows_of

Result = TypeVar("Result")
Done = Callable[[int], None]
"""Is told how many rows are done."""

Pass = Callable[[Source, Done], Result]
"""Reads some rows, and returns what they add up to; the source knows the number of its first."""

CLUSTERS = ("dask", "ray", "spark")
ENGINES = (*CLUSTERS, "local")


class ReadingEngine(Protocol):
    """Carries passes over the rows of a source out."""

    def count(self, source: Source) -> int | None:
        """Return how many rows there are; None where this engine need not know before a pass."""

    def threads(self, wanted: int | None) -> int | None:
        """Return how many threads a pass may have; None is the number of processors."""

    def over(
        self, source: Source, work: Pass[Result], done: Done, after: int = 0
    ) -> Iterator[Result]:
        """Yield what `work` returns for each part of the source, in their order.

        Parts of the first `after` rows are left out; these are whole parts.
        """


class LocalEngine:
    """Reading of all rows by this process, as one part."""

    def count(self, source: Source) -> int | None:
        """Return None: rows are counted on the way."""
        return None

    def threads(self, wanted: int | None) -> int | None:
        """Return what is wanted."""
        return wanted

    def over(
        self, source: Source, work: Pass[Result], done: Done, after: int = 0
    ) -> Iterator[Result]:
        """Yield the one result."""
        yield work(source, done)


LOCAL = LocalEngine()


class DividedEngine(ABC):
    """Parts of a source are read by workers; lost workers are the matter of their scheduler.

    Attributes
    ----------
    name : str
    """

    name: str

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Source, list[Located]] = WeakKeyDictionary()

    @abstractmethod
    def results(self, parts: list[Located], work: Pass[Result]) -> Iterator[Result]:
        """Yield what `work` returns for each part, in their order."""

    def count(self, source: Source) -> int:
        """Return how many rows there are; reads the parts of which nothing else tells."""
        return sum(part.n for part in self._parts(source))

    def threads(self, wanted: int | None) -> int:
        """Return what is wanted, else one: there are as many tasks as the workers take."""
        return wanted or 1

    def over(
        self, source: Source, work: Pass[Result], done: Done, after: int = 0
    ) -> Iterator[Result]:
        """Yield the result of each part."""
        rows = after
        parts = [part for part in self._parts(source) if part.first + part.n > after]
        for part, result in zip(parts, self.results(parts, work), strict=True):
            rows += part.n
            done(rows)
            yield result

    def _parts(self, source: Source) -> list[Located]:
        if source not in self._known:
            self._known[source] = self.divided(source)
        return self._known[source]

    def divided(self, source: Source) -> list[Located]:
        """Return the parts of a source, and where they stand."""
        parts = partitions_of(source, self.name)
        unknown = [Located(part, 0, 0) for part in parts if part.n is None]
        return located(parts, self.results(unknown, rows_of) if unknown else iter(()))


def worked(work: Pass[Result], opening: Any, payload: Any, first: int) -> Result:
    """Return what `work` returns for one part; runs on a worker."""
    source = RowPart(opening, payload, None).opened(first)
    return work(source, no_callback)


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
    if name in CLUSTERS:
        module = import_module(f"._{name}_engine", __package__)
        opened: AbstractContextManager[ReadingEngine] = module.opened_engine(scheduler)
        with opened as engine:
            yield engine
        return
    if scheduler is not None:
        raise InvalidOption(
            f"scheduler is of engine='dask' or 'ray'; got {scheduler!r} with {name!r}"
        )
    yield LOCAL
