"""Blocks of rows, which every source yields."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class RowBlock:
    """Some rows that stand together.

    Parameters
    ----------
    X : ndarray of float32 or float64 (b, d)
    ids : ndarray (b,) or None
        What the source calls its rows.
    tags : mapping of str to ndarray (b,)
        Labels and costs, by the names of their columns.
    """

    X: NDArray[Any]
    ids: NDArray[Any] | None = None
    tags: Mapping[str, NDArray[Any]] = field(default_factory=dict)


class Source(Protocol):
    """Rows in blocks; each call of `blocks` begins anew, and gives the same rows.

    Attributes
    ----------
    name : str
        For messages.
    columns : tuple of str or None
        The features as another source has to have them; None where they go by their place.
    names : tuple of str or None
        Of the features, for people.
    n : int or None
        Rows; None where only a pass tells.
    first : int
        The number of the first row; not 0 for a part of a source.
    """

    name: str
    columns: tuple[str, ...] | None
    names: tuple[str, ...] | None
    n: int | None
    first: int

    def blocks(self) -> Iterator[RowBlock]:
        """Yield all rows."""
