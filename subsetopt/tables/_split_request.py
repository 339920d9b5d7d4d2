"""Request of a split: sizes of the parts, and what is balanced."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from subsetopt import sequencing
from subsetopt._checks import require_integer
from subsetopt._options import documented, option
from subsetopt.errors import InvalidOption

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WHAT = "shares that sum to 1, percentages that sum to 100, or counts that sum to the rows"
_EXACT = 1e-6  # by which shares and percentages may miss their sum
_USUAL = {2: ("train", "test"), 3: ("train", "validation", "test")}


@documented
@dataclass(frozen=True, kw_only=True)
class SplitRequest:
    """Parts of a table."""

    parts: tuple[float, ...] | None = option(
        f"Sizes of the parts: {_WHAT}, as in 70,15,15.",
        None,
        metavar="A,B",
        gt=0,
        equal=True,
    )
    folds: int | None = option("Number of parts of equal size, in place of --parts.", None, ge=2)
    names: tuple[str, ...] | None = option(
        "Names of the parts.",
        None,
        metavar="A,B",
        unset="train,test or train,validation,test, else numbers from 1",
    )
    by: tuple[str, ...] = option(
        "Columns whose categories are as frequent in each part as in the whole.",
        (),
        metavar="A,B",
    )
    keep_together: str | None = option(
        "Column of groups, such as patients, each of which goes into one part as a whole.",
        None,
        metavar="COLUMN",
    )
    part_column: str = option(
        "Name of the column with the part of each row.", "part", metavar="NAME"
    )
    time_limit: float | None = option(
        "Seconds for the search.", None, gt=0, unset="until no swap of two rows helps"
    )
    seed: int = option("Seed of the random start and the order of swaps.", 0, ge=0)

    def sizes(self, n: int, name: str) -> "NDArray[np.int64]":
        """Return how many of n rows each part has (p,).

        Raises
        ------
        InvalidOption, InvalidProblem
            For parts that do not sum, or that so many rows cannot have.
        """
        if (self.parts is None) == (self.folds is None):
            raise InvalidOption(
                f"give either parts (--parts), {_WHAT}, or folds (--folds), a number of equal parts"
            )
        if self.folds is not None:
            require_integer("folds", self.folds, f"[2, {n}]")
            return sequencing._part_labels.part_sizes(int(self.folds), n)
        return _counts(self.parts, n, name)

    def part_names(self, count: int) -> tuple[str, ...]:
        """Return the names of so many parts; InvalidOption unless each has one of its own."""
        if self.names is None:
            numbers = tuple(str(part) for part in range(1, count + 1))
            return numbers if self.folds is not None else _USUAL.get(count, numbers)
        names = tuple(map(str, self.names))
        if len(names) != count or len(set(names)) < count or not all(names):
            raise InvalidOption(
                f"names must be {count} different names, one for each part; got {', '.join(names)}"
            )
        return names


def _counts(parts: Sequence[float] | None, n: int, name: str) -> "NDArray[np.int64]":
    import numpy as np

    try:
        given = np.asarray(parts, np.float64)
    except (TypeError, ValueError):
        raise InvalidOption(f"parts must be {_WHAT}; got {parts!r}") from None
    if given.ndim != 1 or given.size < 2 or not (np.isfinite(given) & (given > 0)).all():
        raise InvalidOption(f"parts must be two or more numbers greater than 0; got {parts!r}")
    total = float(given.sum())
    if total == n and not (given % 1).any():
        return sequencing._part_labels.part_sizes(given.astype(np.int64), n)
    for whole in (1.0, 100.0):
        if abs(total - whole) <= _EXACT * whole:
            return sequencing._part_labels.part_sizes(given / total, n)
    listed = ", ".join(f"{part:g}" for part in given)
    raise InvalidOption(
        f"parts must be {_WHAT}; {listed} sum to {total:g}, and {name} has {n:,} rows"
    )
