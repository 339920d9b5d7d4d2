"""Cells of the tables beside each other, which claims compare."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ._parts import TableCell

Names = str | tuple[str, ...]


class Term(NamedTuple):
    """A measured number of each seed."""

    part: str
    cell: TableCell
    quantity: str


class Pair(NamedTuple):
    """Two terms, of which the first is said to be better."""

    one: Term
    other: Term

    @property
    def name(self) -> str:
        """What is compared."""
        one, other = self.one.cell, self.other.cell
        differs = (
            other.row if other.row != one.row else "",
            other.column if other.column != one.column else "",
            self.other.part if self.other.part != self.one.part else "",
        )
        names = (one.row, one.column), differs
        return " less ".join(" ".join(filter(None, several)) for several in names)


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Cells beside others: all combinations of what is listed.

    Parameters
    ----------
    part, row, column, quantity : str or tuple of str
        Of the first cell of each pair.
    than : str or tuple of str
        The rows of the second; empty for the same row.
    than_part, than_column : str
        Where the second stands, if not where the first does.
    """

    part: Names
    row: Names
    column: Names = ""
    quantity: Names = "accuracy"
    than: Names = ""
    than_part: str = ""
    than_column: str = ""

    def each(self) -> Iterator[Pair]:
        """Yield the pairs, by part, column, row, other row, quantity; never a cell and itself."""
        for part in _listed(self.part):
            for column in _listed(self.column):
                for row in _listed(self.row):
                    for than in _listed(self.than):
                        one = TableCell(row, column)
                        other = TableCell(than or row, self.than_column or column)
                        if (part, one) != (self.than_part or part, other):
                            for name in _listed(self.quantity):
                                yield Pair(
                                    Term(part, one, name),
                                    Term(self.than_part or part, other, name),
                                )


def resolved(pairs: Pairs | tuple[Pairs, ...]) -> list[Pair]:
    """Return all pairs, one by one."""
    several = (pairs,) if isinstance(pairs, Pairs) else pairs
    return [pair for one in several for pair in one.each()]


def _listed(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names
