"""A sampler whose batches have the proportions of the data set; no row is loaded to choose."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._checks import require_flag, require_integer
from subsetopt._kernels import rng
from subsetopt._kernels.stratified_batches import deal

from ._epochs import BudgetSampler
from ._label_strata import Codes, strata
from .samplers import checksum, permutation

Integers = NDArray[np.int64]


class _Pass(NamedTuple):
    """All samples once."""

    rows: Integers
    """(N,), stratum after stratum, cells taking turns within each, in random order."""
    ranks: Integers
    """(N,), which of its stratum each of these is."""
    sequence: NDArray[np.uint16]
    """(N,), the stratum of each next sample, if samples were taken one at a time."""


@dataclass(eq=False)
class ByStrata(BudgetSampler):
    """Base of the samplers whose batches have each stratum's share.

    A subclass says what the strata are, and may say which samples an epoch has of each.
    """

    without_repeats: bool = True

    def __post_init__(self, batch_size: int) -> None:
        require_integer("size", self.size, "[1, inf)")
        require_integer("seed", self.seed, "[0, inf)")
        require_flag("without_repeats", self.without_repeats)
        self._strata, self._cells = self._numbered()
        both = np.concatenate([self._strata, self._cells])
        self._checksum = checksum(both.astype(np.int64))  # loaders ask at every batch
        self._totals = np.bincount(self._strata)
        self._pass = lru_cache(maxsize=2)(self._drawn)
        super().__post_init__(batch_size)

    @abstractmethod
    def _numbered(self) -> tuple[Codes, Codes]:
        """Return the stratum of each sample, and its cell within."""

    def _order(self, epoch: int) -> Integers:
        sizes = self._sizes(epoch)
        items = self._of_epoch(epoch, int(sizes.sum()))
        totals = np.bincount(self._strata[items], minlength=len(self._totals))
        # Which stratum comes first decides among equals, so that another one does in each epoch.
        turn = np.random.default_rng([self.seed, epoch]).permutation(len(totals))
        place = np.empty_like(turn)
        place[turn] = np.arange(len(turn))
        items = items[np.argsort(place[self._strata[items]], kind="stable")]
        state = rng.seeded(int(np.random.SeedSequence([self.seed, epoch, 1]).generate_state(1)[0]))
        order = np.empty(len(items), np.int64)
        integers = [np.empty(len(totals), np.int64) for _ in range(3)]
        floats = [np.empty(len(totals)) for _ in range(2)]
        deal(sizes, totals[turn], items, state, order, *integers[:2], *floats, integers[2])
        return order

    def _batches_of(self, epoch: int) -> list[Integers]:
        ends = np.cumsum(self._sizes(epoch))
        return np.split(self._order(epoch), ends[:-1])[self.rank :: self.world_size]

    def _sizes(self, epoch: int) -> Integers:
        """Return the sizes of all ranks' batches of an epoch, the ranks taking turns."""
        share = self._share(self.samples(epoch))
        sizes = np.full(self._length(epoch), self._batch_size)
        if not self.drop_last:
            sizes[-1] = share - self._batch_size * (len(sizes) - 1)
        return np.repeat(sizes, self.world_size)

    def _start(self, epoch: int) -> int:
        """Return how many samples have been used when an epoch begins."""
        if not self.without_repeats:
            return epoch * self.size
        if not callable(self.budget):
            return epoch * int(self._sizes(epoch).sum())
        return sum(int(self._sizes(before).sum()) for before in range(epoch))

    def _of_epoch(self, epoch: int, count: int) -> Integers:
        """Return the samples of an epoch, in random order within each stratum."""
        return self._items(self._start(epoch), count)

    def _items(self, start: int, count: int) -> Integers:
        """Return the next samples of the passes, those of an earlier pass first."""
        parts = []
        while count > 0:
            number, first = divmod(start, self.size)
            last = min(first + count, self.size)
            drawn = self._pass(number)
            low, high = (
                self._taken(drawn, place)[self._strata[drawn.rows]] for place in (first, last)
            )
            parts.append(drawn.rows[(drawn.ranks >= low) & (drawn.ranks < high)])
            start, count = start + last - first, count - (last - first)
        return np.concatenate(parts)

    def _taken(self, drawn: _Pass, place: int) -> Integers:
        """Return how many of each stratum are among the first samples of a pass."""
        if place == self.size:
            return self._totals
        return np.bincount(drawn.sequence[:place], minlength=len(self._totals))

    def _drawn(self, number: int) -> _Pass:
        generator = np.random.default_rng([self.seed, number, 2])
        rows = _spread(permutation(self.size, self.seed, number), self._cells, generator)
        sequence = self._strata[_spread(rows, self._strata, generator)]
        rows = rows[np.argsort(self._strata[rows], kind="stable")]
        firsts = np.cumsum(self._totals) - self._totals
        return _Pass(rows, np.arange(self.size) - np.repeat(firsts, self._totals), sequence)

    def _identity(self) -> dict[str, Any]:
        own = {"without_repeats": self.without_repeats, "strata": self._checksum}
        return {**super()._identity(), **own}


@dataclass(eq=False)
class Stratified(ByStrata):
    """Every batch has each stratum's share, and every sample is used once before any is used again.

    A batch of b holds ``b * N_s / N`` samples of stratum s, rounded down or up, up where the
    batches before it had too few: it never differs from its share by one sample or more, and
    neither do all batches of an epoch up to any of them. Which samples, chance decides. An epoch
    of a budget B goes on where the last one ended, so that 1 / B epochs use each sample once; where
    one pass over the data ends within an epoch, that holds for each stratum by itself.

    Ids are known before anything is loaded, and cost some 1 to 2 microseconds a batch of 128 of ten
    classes; a pass over N samples costs O(N) for their random order.

    Parameters
    ----------
    labels : array_like, (size,) or (size, c)
        What the strata are: classes as integers or texts. Of several columns, such as class and
        origin, every combination that occurs is a stratum.
    bins : int, optional
        For a measured target: `labels` are numbers, divided at their quantiles into so many strata.
    features : array_like, (size, d), optional
        Strata are cells of k-means, from scikit-learn. With `labels` the strata are those of the
        labels, of which batch after batch takes from one cell after another, as their shares are.
    cells : int
        How many cells.
    without_repeats : bool
        False draws every epoch anew from all samples: what the last one used can come again.

    References
    ----------
    Proportional allocation: Cochran, Sampling Techniques, 1977, section 5.5. Rounding by what is
    owed so far: the just-in-time sequences of Tijdeman, The chairman assignment problem, 1980, with
    batches in place of single places. Random order without repeats across epochs: data echoing
    aside, that of shuffling once a pass (random reshuffling) at any budget.
    """

    name: ClassVar[str] = "stratified"

    labels: ArrayLike | None = None
    bins: int | None = None
    features: ArrayLike | None = None
    cells: int = 32

    def _numbered(self) -> tuple[Codes, Codes]:
        given = (self.labels, self.bins, self.features, self.cells)
        return strata(self.size, *given, seed=self.seed)


def _spread(order: Integers, codes: NDArray[np.uint16], generator: np.random.Generator) -> Integers:
    """Return an order in which the samples of each code stand at equal distances.

    Each code begins at a random place; its samples keep their order. Any stretch has every code's
    share, and a longer one at least as many of each. O(n log n).
    """
    totals = np.bincount(codes)
    if len(totals) == 1:
        return order
    rows = order[np.argsort(codes[order], kind="stable")]
    ranks = np.arange(len(order)) - np.repeat(np.cumsum(totals) - totals, totals)
    keys = (ranks + np.repeat(generator.random(len(totals)), totals)) / np.repeat(totals, totals)
    return rows[np.argsort(keys, kind="stable")]
