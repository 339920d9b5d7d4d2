"""Matching the mean of vectors by compiled loops, on the CPU.

Rows are held as columns, less their mean and in single precision, the chosen ones first: see
`subsetopt._kernels.row_swaps`.
"""

import math
import threading
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from subsetopt import _kernels

from ._class_counts import ClassCounts
from ._vector_swaps import TILT

_FOREVER = 2**40
_WIDTH = 256  # free vectors that a chosen one looks at in its turn
_STRATA = 128  # up to so many distinct vectors are looked for
_WORK, _LOOKS, _ENOUGH = 2**22, 2**16, 1e-3  # see `Search.thorough`
_KEPT = 2**18  # entries: what this many are worked on in is kept for the next call of a thread


@dataclass(frozen=True)
class Search:
    """How the compiled search goes about it, and when it stops.

    Parameters
    ----------
    start : {"uniform", "greedy", "relaxed"}
    rounds : int, optional
        How many sweeps at most; None: as many as that takes.
    thorough : bool
        Until no exchange helps. False: stop as well within a thousandth of the distance that k at
        random have, and after about ``2**22 / d`` exchanges looked at, 2**16 at least.
    standardise : bool
        Divide each feature by its standard deviation.
    steps : int
        Of Frank-Wolfe, for start "relaxed".
    """

    start: Literal["uniform", "greedy", "relaxed"] = "uniform"
    rounds: int | None = None
    thorough: bool = False
    standardise: bool = False
    steps: int = 16


def match_vectors_compiled(
    vectors: Tensor,
    k: int,
    seeds: list[int],
    search: Search,
    within: ClassCounts | None = None,
) -> Tensor:
    """Return k of n in each batch (B, k), near the mean of all, by compiled loops on the CPU.

    Parameters
    ----------
    vectors : Tensor, (B, n, d)
        float32 or float64, all finite.
    k : int
        How many, 1 <= k <= n.
    seeds : list of int
        For each batch one.
    search : Search
    within : ClassCounts, optional
        How many of each class, k in all. A start chooses without them: the first ones that it has
        chosen of a class stay, and where these are too few, random others are added.
    """
    _, n, d = vectors.shape
    if k == n:
        return torch.arange(k).repeat(len(vectors), 1)
    rounding = torch.finfo(vectors.dtype).eps
    found = np.empty((len(vectors), k), np.int64)
    batches = vectors.contiguous().numpy()
    room = _room(n, d, batches.dtype)
    for row, rows in enumerate(batches):
        found[row] = _chosen(rows, k, seeds[row], search, rounding, room, within)
    found.sort(1)
    return torch.from_numpy(found)


class _Room:
    """Buffers of the kernels, which clear them where needed. O(n d)."""

    def __init__(self, n: int, d: int, dtype: Any) -> None:
        self.shape = n, d, dtype
        self.places, self.laid = np.empty(n, np.int64), np.empty((d, n), np.float32)
        self.layout = np.empty((d, n), dtype), np.empty(d), np.empty(d)
        # Shared by what works one after another.
        self.total, self.vector = np.empty(d), np.empty(d, np.float32)
        self.squares = np.empty(n, np.float32)
        most = max(1, min(_STRATA, n // 2))
        self.stratum, self.first = np.empty(n, np.int64), np.empty(min(_STRATA, n // 2), np.int64)
        mixed = np.array([math.sin(1.0 + 12.9898 * q) for q in range(d)])
        held = np.empty(1 << (4 * most - 1).bit_length(), np.int64)
        self.strata = mixed, held, np.empty(most), np.empty(_kernels.strata.BLOCK)
        self.wanted, self.free = np.empty(most, np.int64), np.empty(most, np.int64)
        self.relaxing = (
            *(np.empty(n, np.float32) for _ in range(4)),
            *(np.empty(d, np.float32) for _ in range(2)),
        )


_ROOMS = threading.local()


def _room(n: int, d: int, dtype: Any) -> _Room:
    """Return room for one batch at a time, the last one of this thread where it fits."""
    room: _Room | None = getattr(_ROOMS, "last", None)
    if room is None or room.shape != (n, d, dtype):
        room = _Room(n, d, dtype)
        if n * d <= _KEPT:
            _ROOMS.last = room
    return room


def _chosen(
    rows: NDArray[Any],
    k: int,
    seed: int,
    search: Search,
    rounding: float,
    room: _Room,
    within: ClassCounts | None,
) -> NDArray[np.int64]:
    """Return the k places, in no order."""
    (n, d), row_swaps = rows.shape, _kernels.row_swaps
    state, places, laid = _kernels.rng.seeded(seed), room.places, room.laid
    work = room.total, room.vector, room.squares
    row_swaps.shuffle(places, state)
    square = row_swaps.lay_out(rows, places, search.standardise, rounding, laid, *room.layout)
    if search.start == "greedy":
        row_swaps.take_greedily(laid, places, k, *work)
    elif search.start == "relaxed":
        tilt = np.float32(TILT * math.sqrt(k) * square)
        _kernels.tilted.start(laid, places, k, tilt, search.steps, state, *room.relaxing)
    rounds = _FOREVER if search.rounds is None else search.rounds
    if rounds and within is None:
        by_strata = _of_strata(k, min(rounds * k, _FOREVER), room)
        if by_strata is not None:
            return by_strata
    groups, taken = _grouped(k, within, room)
    if not rounds:
        return np.compress(taken, places)
    if search.thorough:
        looks, enough = _FOREVER, 0.0
    else:
        looks = max(_WORK // d, _LOOKS)
        enough = _ENOUGH**2 * square * k * (n - k) / (n - 1)
    row_swaps.exchange(laid, places, groups, _WIDTH, rounds, looks, enough, *work)
    return np.compress(taken, places)


def _grouped(k: int, within: ClassCounts | None, room: _Room) -> tuple[Any, Any]:
    """Return the groups of columns, as `row_swaps.exchange` takes them, and where chosen ones are.

    With classes the columns are put in their order, the chosen ones of each first.
    """
    n = len(room.places)
    if within is None:
        return tuple(np.array([[0], [k], [n]])), np.arange(n) < k
    placed = within._replace(codes=within.codes[room.places])
    order = placed.order
    room.places[:], room.laid[:] = room.places[order], room.laid[:, order]
    return placed.ranges, placed.first


def _of_strata(k: int, turns: int, room: _Room) -> NDArray[np.int64] | None:
    """Return k places where there are few distinct columns, None where there are many."""
    laid, stratum, first = room.laid, room.stratum, room.first
    count = _kernels.strata.strata_of(laid, stratum, first, *room.strata)
    if count <= 0:
        return None
    kinds = np.empty((len(laid), count), np.float32)
    wanted, free = room.wanted[:count], room.free[:count]
    work = room.total, room.vector, room.squares
    _kernels.strata.apportion(laid, k, stratum, first[:count], turns, kinds, wanted, free, *work)
    taken = np.empty(k, np.int64)
    _kernels.strata.fill(room.places, stratum, wanted, taken)
    return taken
