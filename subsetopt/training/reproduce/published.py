"""Published numbers as data, typed off as the papers print them."""

from collections.abc import Mapping
from typing import NamedTuple

NOT_PRINTED = "-"


class Number(NamedTuple):
    """A mean, and the standard deviation where it is given."""

    mean: float
    std: float | None = None

    def scaled(self, factor: float) -> "Number":
        """Return it in another unit."""
        return Number(self.mean * factor, None if self.std is None else self.std * factor)


Table = Mapping[tuple[str, str], Number]
"""By row and column."""


def table(columns: str, text: str, factor: float = 1.0) -> dict[tuple[str, str], Number]:
    """Read lines such as ``SB | 93.37 ± 0.11 | -``.

    Parameters
    ----------
    columns : str
        Their names, separated by ``|``.
    text : str
        A row in each line, its name first; ``-`` where nothing is printed.
    factor : float
        What all numbers are multiplied by: 0.01 for per cent.
    """
    names = [name.strip() for name in columns.split("|")]
    found = {}
    for line in text.strip().splitlines():
        row, *cells = (cell.strip() for cell in line.split("|"))
        for column, cell in zip(names, cells, strict=True):
            if cell != NOT_PRINTED:
                mean, _, std = cell.partition("±")
                number = Number(float(mean), float(std) if std else None)
                found[row, column] = number.scaled(factor)
    return found
