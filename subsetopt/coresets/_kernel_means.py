"""The second pass: the mean kernel of some points with all rows of a source."""

from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidProblem
from subsetopt.problems import Kernel
from subsetopt.problems._parallel import each
from subsetopt.problems.scaling import Scaling

from ._reading_engines import LOCAL, Done, ReadingEngine
from ._row_sources import Source
from ._surveying import Told

_AT_ONCE = 4  # blocks that are in work together
_BAND, _WIDTH = 256, 512  # a tile of so many points and rows stays in the cache


def kernel_means(
    kernel: Kernel,
    points: NDArray[Any],
    source: Source,
    scaling: Scaling,
    threads: int | None,
    told: Told,
    n: int,
    engine: ReadingEngine = LOCAL,
) -> NDArray[np.float64]:
    """Return ``mean_j K(points[i], x_j)`` over all n rows x_j, (m,); O(n m d).

    The rows are read once, in blocks. The kernel is evaluated in tiles that stay in the cache, and
    summed in float64; the same bits whatever the number of threads.

    Raises
    ------
    InvalidProblem
        Where there are not n rows any more.
    """
    count = engine.threads(threads)
    work = partial(kernel_sums, kernel=kernel, points=points, scaling=scaling, threads=count)
    total, rows = np.zeros(len(points)), 0
    told("means", 0, n)
    for sums, read in engine.over(source, work, lambda done: told("means", done, n)):
        total += sums
        rows += read
    if rows != n:
        raise InvalidProblem(
            f"{source.name} gave {n} rows when it was read first and {rows} then; give rows that "
            "stay as they are"
        )
    return total / rows


def kernel_sums(
    source: Source,
    done: Done,
    *,
    kernel: Kernel,
    points: NDArray[Any],
    scaling: Scaling,
    threads: int | None,
) -> tuple[NDArray[np.float64], int]:
    """Return the sums of the kernel of each point with the rows of a part, and their number."""
    total, blocks, read = np.zeros(len(points)), source.blocks(), 0
    while group := [scaling.applied(block.X) for block in islice(blocks, _AT_ONCE)]:
        for part in _sums(kernel, points, group, threads):
            total += part
        read += sum(map(len, group))
        done(read)
    return total, read


def _sums(
    kernel: Kernel, points: NDArray[Any], group: list[NDArray[Any]], threads: int | None
) -> list[NDArray[np.float64]]:
    """Return for each block the sums of the kernel of each point with its rows."""
    fills = [kernel.adder(points, block) for block in group]
    bands = [slice(start, start + _BAND) for start in range(0, len(points), _BAND)]

    def summed(item: tuple[int, slice]) -> NDArray[np.float64]:
        number, band = item
        out = np.zeros(len(points[band]))
        with np.errstate(all="ignore"):
            for start in range(0, len(group[number]), _WIDTH):
                out += fills[number](band, slice(start, start + _WIDTH))
        return out

    items = [(number, band) for number in range(len(group)) for band in bands]
    parts = each(summed, items, threads)
    per_block = len(bands)
    return [
        np.concatenate(parts[number * per_block : (number + 1) * per_block])
        for number in range(len(group))
    ]
