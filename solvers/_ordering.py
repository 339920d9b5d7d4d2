"""Sorting many numbers, with the places they had, on all cores."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels
from subsetopt._processes import processors

MANY = 2**18
"""From so many numbers on they are sorted by their bytes."""
_MOST = 2**32  # places have 32 bits
_BLOCK = 2**16  # numbers that are converted at once: in the cache
_MOVES = 8  # for each number, until NumPy sorts instead
_SIGN, _ONES = np.uint32(2**31), np.uint64(2**32 - 1)

_OnParts = Callable[[Callable[[slice], object]], None]


def ascending(
    values: NDArray[Any], threads: int | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return values (n,) in ascending order, as float64, and the places they had.

    Equal ones keep their order where there are at least `MANY`.

    Parameters
    ----------
    values : ndarray of float32 or float64 (n,)
        What is not a number is first or last.
    threads : int, optional
        None is the number of processors.

    Notes
    -----
    O(n): four turns over 64-bit words, of which there are two arrays: as many bytes as what is
    returned. float64 numbers are sorted by their distance from a middle one, rounded to float32,
    and then by insertion; where that takes long, as for clusters that are narrow and far apart,
    NumPy sorts them.
    """
    n = len(values)
    if not MANY <= n < _MOST:
        order = values.argsort()
        return values.take(order).astype(np.float64, copy=False), order
    workers = threads or processors()
    with ThreadPoolExecutor(workers) as pool:
        parts = [slice(n * i // workers, n * (i + 1) // workers) for i in range(workers)]

        def on_parts(work: Callable[[slice], object]) -> None:
            list(pool.map(work, parts))

        found, order = _sorted(values, parts, on_parts)
    return _finished(values, found, order)


def _sorted(
    values: NDArray[Any], parts: list[slice], on_parts: _OnParts
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return values and places, sorted by keys of 32 bits."""
    words, spare = np.empty((2, len(values)), np.uint64)
    double = values.dtype == np.float64
    middle = float(np.median(values[:: len(values) // 1024])) if double else None
    on_parts(lambda part: _pack(values, middle, part, words))
    counts = np.empty((len(parts), 256), np.int64)
    of_part = {part.start: row for part, row in zip(parts, counts, strict=True)}
    for shift in range(32, 64, 8):
        read, written = words, spare

        def count(part: slice, shift: int = shift, read: Any = read) -> None:
            _kernels.radix_order.count(read[part], shift, of_part[part.start])

        def scatter(
            part: slice, shift: int = shift, read: Any = read, written: Any = written
        ) -> None:
            _kernels.radix_order.scatter(read[part], shift, of_part[part.start], written)

        on_parts(count)
        if counts.sum(axis=0).max() == len(values):
            continue  # this byte is the same in all
        ends = counts.T.ravel().cumsum().reshape(256, -1).T
        counts[:] = ends - counts  # where the words of each part go: byte by byte, part after part
        on_parts(scatter)
        words, spare = spare, words
    found, order = words.view(np.float64), spare.view(np.int64)
    on_parts(lambda part: _unpack(values, words, part, found, order))
    return found, order


def _pack(
    values: NDArray[Any], middle: float | None, part: slice, words: NDArray[np.uint64]
) -> None:
    for block in _blocks(part):
        with np.errstate(all="ignore"):  # beyond the range of float32 they are infinite
            numbers = values[block] if middle is None else values[block] - middle
            bits = np.array(numbers, np.float32).view(np.uint32)
        _kernels.radix_order.pack(bits, block.start, words[block])


def _unpack(
    values: NDArray[Any],
    words: NDArray[np.uint64],
    part: slice,
    found: NDArray[np.float64],
    order: NDArray[np.int64],
) -> None:
    """Fill values and places from words, which lie where the values come to lie."""
    for block in _blocks(part):
        order[block] = words[block] & _ONES
        if values.dtype == np.float64:
            found[block] = values[order[block]]
            continue
        bits = (words[block] >> np.uint64(32)).astype(np.uint32)
        found[block] = np.where(bits & _SIGN, bits ^ _SIGN, ~bits).view(np.float32)


def _finished(
    values: NDArray[Any], found: NDArray[np.float64], order: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sort what the keys could not tell apart."""
    if values.dtype == np.float64 and not _kernels.radix_order.insert(
        found, order, _MOVES * len(values)
    ):
        order = values.argsort(kind="stable")
        found = values[order]
    return found, order


def _blocks(part: slice) -> Iterator[slice]:
    for start in range(part.start, part.stop, _BLOCK):
        yield slice(start, min(start + _BLOCK, part.stop))
