"""Parts of a source that workers can read each for itself."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from subsetopt.errors import InvalidProblem

from ._row_blocks import Source


@dataclass(frozen=True, eq=False)
class RowPart:
    """Some rows of a source.

    Parameters
    ----------
    open : callable
        Makes a source of the payload; can be sent to a worker.
    payload : object
        What the rows are read from. It may be lazy: a Delayed of Dask, of which the worker gets the
        result.
    n : int or None
        Rows; None where only reading tells.
    """

    open: Callable[[Any], Source]
    payload: Any
    n: int | None

    def opened(self, first: int) -> Source:
        """Return the source, whose first row has this number."""
        source = self.open(self.payload)
        source.first = first
        return source


@dataclass(frozen=True, eq=False)
class Located:
    """A part, the number of its first row, and how many it has."""

    part: RowPart
    first: int
    n: int


def partitions_of(source: Source, engine: str) -> list[RowPart]:
    """Return the parts that the workers of an engine can read, in the order of their rows.

    Raises
    ------
    InvalidProblem
        Where they cannot read the rows.
    """
    divided: Callable[[str], list[RowPart] | None] | None = getattr(source, "partitions", None)
    parts = None if divided is None else divided(engine)
    if parts is None:
        raise InvalidProblem(
            f"{source.name} cannot be divided among workers of {engine}; give an array, .npy or "
            "Parquet files that all workers see, a Dataset of Hugging Face or a collection of "
            f"{engine}, or engine='local'"
        )
    return parts


def located(parts: list[RowPart], counts: Iterator[int]) -> list[Located]:
    """Return where each part stands; `counts` are those of the parts that do not know."""
    first, known = 0, []
    for part in parts:
        n = next(counts) if part.n is None else part.n
        known.append(Located(part, first, n))
        first += n
    return known


def rows_of(source: Source, done: Callable[[int], None]) -> int:
    """Return how many rows a part has; looks at them only where nothing else tells."""
    return sum(len(block.X) for block in source.blocks()) if source.n is None else source.n


def cuts(n: int, size: int) -> Iterator[slice]:
    """Yield slices of at most `size` rows, all of them together n rows."""
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))
