"""The second pass: kernel means of candidates over all rows of a source, or a sample."""

from collections.abc import Iterator
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
from ._row_blocks import Source
from ._row_keys import ALL_ROWS, RowShare
from ._running_sums import RunningSums
from ._surveying import Told

_AT_ONCE = 4  # blocks that are in work together
_BAND, _WIDTH = 1024, 512  # a tile of so many points and rows stays in the cache


def kernel_means(
    kernel: Kernel,
    points: NDArray[Any],
    source: Source,
    scaling: Scaling,
    threads: int | None,
    told: Told,
    n: int,
    engine: ReadingEngine = LOCAL,
    sums: RunningSums | None = None,
    share: RowShare = ALL_ROWS,
) -> NDArray[np.float64]:
    """Return ``mean_j K(points[i], x_j)`` over all n rows x_j, or a share, (m,); O(n m d).

    The rows are read once, in blocks. The kernel is evaluated in tiles that stay in the cache, and
    summed in float64; the same bits whatever the number of threads. Rows that are in `sums` are not
    summed again.

    Raises
    ------
    InvalidProblem
        Where there are not n rows any more.
    """
    count = engine.threads(threads)
    work = partial(
        sums_of_part, kernel=kernel, points=points, scaling=scaling, threads=count, share=share
    )
    sums = RunningSums(np.zeros(len(points))) if sums is None else sums
    told("means", sums.rows, n)

    def done(rows: int) -> None:
        told("means", rows, n)

    if engine is LOCAL:
        work(source, done, into=sums)
    else:
        for part, read in engine.over(source, work, done, sums.rows):
            sums.add([part], read)
    if sums.rows != n:
        raise InvalidProblem(
            f"{source.name} gave {n} rows when it was read first and {sums.rows} then; give rows "
            "that stay as they are"
        )
    return sums.total / share.count(n)


def sums_of_part(
    source: Source,
    done: Done,
    *,
    kernel: Kernel,
    points: NDArray[Any],
    scaling: Scaling,
    threads: int | None,
    into: RunningSums | None = None,
    share: RowShare = ALL_ROWS,
) -> tuple[NDArray[np.float64], int]:
    """Return the sums of the kernel of each point with the rows of a part, and their number.

    With `into` they are added there, and begin with the rows that are not in it. Of a share only
    its rows are summed, and all are counted.
    """
    sums = RunningSums(np.zeros(len(points))) if into is None else into
    blocks = _from(source, sums.rows, share)
    while group := list(islice(blocks, _AT_ONCE)):
        scaled = [scaling.applied(X) for X, _ in group]
        sums.add(sums_with(kernel, points, scaled, threads), sum(rows for _, rows in group))
        done(sums.rows)
    return sums.total, sums.rows


def _from(source: Source, first: int, share: RowShare) -> Iterator[tuple[NDArray[Any], int]]:
    """Yield the features of those of a share from a row on, and how many rows they are of."""
    at = 0
    for block in source.blocks():
        skipped, end = max(0, first - at), at + len(block.X)
        if first < end:
            X = block.X[skipped:]
            yield share.of(X, source.first + at + skipped), len(X)
        at = end


def sums_with(
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
