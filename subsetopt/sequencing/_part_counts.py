"""Sizes of parts by class, and random partitions with these sizes."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._kernels._tiers import Tiers

from ._part_units import Units

_TIERS = Tiers("even_parts", kernel="even_parts.even_out")
_MOST = 10**9  # operations of an attempt to even out: a second or two
_TRIES = 20
_EVENING = 10**8  # operations for all random partitions together
_FIRST = 1e6  # what sizes weigh where they come first


def targets(units: Units, sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the counts of parts in proportion (p, C)."""
    return np.asarray(np.outer(sizes, units.totals) / units.totals[0])


def counts_by_part(
    units: Units, sizes: NDArray[np.int64], generator: np.random.Generator, most: int = _MOST
) -> NDArray[np.int64]:
    """Return how many units of each kind each part holds (p, D).

    Of single rows of one labelling, every class count is within one of proportional. Else it is
    the best that a local search comes to, sizes before classes.
    """
    if units.single and (units.demands[:, 1:].sum(axis=1) <= 1).all():
        return within_one(sizes, np.bincount(units.kinds, minlength=len(units.demands)))
    return _evened(units, sizes, generator, most)


def within_one(sizes: NDArray[np.int64], classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return whole counts (p, D) with these sums, each less than one from proportional.

    Each is rounded down or up; which, is a flow from the parts to the classes, which exists for
    any sums (Bacharach, Management Science 12(9), 1966).
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    p, d = len(sizes), len(classes)
    whole, rest = np.divmod(np.multiply.outer(sizes, classes), int(sizes.sum()))
    parts, kinds = np.arange(1, 1 + p), np.arange(1 + p, 1 + p + d)
    a, k = np.nonzero(rest)
    tail = np.concatenate([np.zeros(p, np.int64), parts[a], kinds])
    head = np.concatenate([parts, kinds[k], np.full(d, 1 + p + d)])
    room = np.concatenate([sizes - whole.sum(axis=1), np.ones(len(a), np.int64),
                           classes - whole.sum(axis=0)])  # fmt: skip
    network = csr_array((room.astype(np.int32), (tail, head)), shape=(2 + p + d, 2 + p + d))
    flow = maximum_flow(network, 0, 1 + p + d).flow[1 : 1 + p, 1 + p : 1 + p + d]
    return np.asarray(whole + np.maximum(flow.toarray(), 0), np.int64)


def _evened(
    units: Units, sizes: NDArray[np.int64], generator: np.random.Generator, most: int
) -> NDArray[np.int64]:
    """Return the best of several attempts: the largest units first, then in other orders."""
    target, (d, columns) = targets(units, sizes), units.demands.shape
    steps = 10 * (len(sizes) * d) ** 2 * columns
    (kernels,) = _TIERS.choose(_TRIES * steps)
    weights = 1 / np.maximum(target, 1.0)
    best, least = None, np.inf
    for number in range(min(_TRIES, max(1, most // steps))):
        keys = units.mass * generator.uniform(0.4 if number else 0.999, 1.0, len(units))
        order = units.kinds[np.argsort(-keys)]
        held = _attempt(kernels, order, units.demands, target, weights, most, generator)
        value = float((weights * np.square(held @ units.demands - target)).sum())
        if value < least:
            best, least = held, value
        if least == 0.0:
            break
    assert best is not None
    return best


def _attempt(
    kernels: Any,
    order: NDArray[np.int64],
    demands: NDArray[np.int64],
    target: NDArray[np.float64],
    weights: NDArray[np.float64],
    most: int,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Deal units out, then even sizes and classes out together, and at last sizes before classes.

    `weights` are those of the last step afterwards.
    """
    (p, columns), d = target.shape, len(demands)
    held, counts = np.zeros((p, d), np.int64), np.zeros((p, columns), np.int64)
    many, change = np.zeros(p, np.int64), np.zeros((2, columns))
    looks = generator.permutation(p * d)
    weights[:, 0] = 1 / target[:, 0]
    kernels.deal_out(order, demands, target, weights, held, counts, many)
    for first in (1.0, _FIRST):
        weights[:, 0] = first / target[:, 0]
        kernels.even_out(looks, demands, target, weights, most, held, counts, many, change)
    return held


def limits_of(
    units: Units, sizes: NDArray[np.int64], held: NDArray[np.int64], slack: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return between which counts (p, C) the search may go: no further off than now, or slack."""
    target, counts = targets(units, sizes), held @ units.demands
    low = np.minimum(counts, np.ceil(target - slack - 1e-9).astype(np.int64))
    high = np.maximum(counts, np.floor(target + slack + 1e-9).astype(np.int64))
    return low, high


def drawn(
    units: Units, held: NDArray[np.int64], generator: np.random.Generator
) -> NDArray[np.int64]:
    """Return the part of each unit (U,): uniform among the partitions with these counts."""
    order = np.lexsort((generator.random(len(units)), units.kinds))
    p, d = held.shape
    parts: NDArray[Any] = np.empty(len(units), np.int64)
    parts[order] = np.repeat(np.tile(np.arange(p), d), held.T.ravel())
    return parts


def random_partitions(
    units: Units, sizes: NDArray[np.int64], draws: int, generator: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Yield the part of each unit (U,) in so many random partitions, as balanced as may be."""
    for _ in range(draws):
        yield drawn(units, counts_by_part(units, sizes, generator, _EVENING // draws), generator)
