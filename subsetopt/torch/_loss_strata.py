"""A sampler that draws more often where recorded losses vary more, with weights that undo it."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from subsetopt._checks import require_integer, require_number, require_one_of
from subsetopt.errors import InvalidOption

from ._epochs import ids_of
from ._label_strata import Codes, rows_of, strata
from ._stratified import ByStrata, Integers
from .recorded import RecordedLosses
from .samplers import checksum

Floats = NDArray[np.float64]


@dataclass(eq=False)
class LossStrata(ByStrata):
    r"""Strata of recorded losses, drawn from at unequal rates; `weights` keep the mean unbiased.

    Of an epoch of n samples stratum h, N_h of N, has n_h: a `floor` of the budget in proportion to
    N_h, the rest by `allocation`, all rounded so that each has at least one and none more than N_h.
    Within a stratum chance decides. With the weight

    .. math::
        w_h = \frac{N_h}{N} \cdot \frac{n}{n_h}

    the mean over an epoch of weight times loss has the mean of all losses as its expected value,
    whatever the losses are by then. Where they are still as recorded, its variance is `variance`.

    Parameters
    ----------
    losses : array_like (size,) or RecordedLosses
        As known before the epoch; of `RecordedLosses(size=...)` those unknown are its mean. Losses
        grow old: make a sampler anew every few epochs.
    bins : int
        How many strata, divided at the quantiles of the losses; fewer where many are equal.
    allocation : {"neyman", "norm", "proportional"}
        What n_h is in proportion to: N_h times the standard deviation of its losses, which makes
        the variance of the mean loss least; N_h times their root mean square, for gradients whose
        norm grows as the loss does; or N_h, when all weights are about 1.
    floor : float
        Share of the budget that is laid out in proportion. Apart from rounding no weight is
        above ``1 / floor``.
    without_repeats : bool
        Of each stratum every sample is used once before any is used again.

    References
    ----------
    Neyman, On the two different aspects of the representative method, 1934; Cochran, Sampling
    Techniques, 1977, sections 5.3 and 5.5.
    """

    name: ClassVar[str] = "loss_strata"

    losses: ArrayLike | RecordedLosses | None = None
    bins: int = 8
    allocation: Literal["neyman", "norm", "proportional"] = "neyman"
    floor: float = 0.25

    def __post_init__(self, batch_size: int) -> None:
        require_integer("size", self.size, "[1, inf)")
        require_integer("bins", self.bins, "[1, inf)")
        require_number("floor", self.floor, "[0, 1]")
        require_one_of("allocation", self.allocation, ("neyman", "norm", "proportional"))
        self._losses = _known(self.losses, self.size)
        super().__post_init__(batch_size)
        if not callable(self.budget):
            self._counts(int(self._sizes(0).sum()))  # raises where the budget is too small

    def _numbered(self) -> tuple[Codes, Codes]:
        codes = strata(self.size, self._losses, self.bins)[0]
        return codes, codes

    def weights(self, ids: Tensor | ArrayLike) -> Tensor:
        """Return the weights of samples in the epoch under way, float32 on the device of `ids`."""
        places = ids_of(ids)
        count = int(self._sizes(self._reached[0]).sum())
        each = self._totals / self.size * (count / self._counts(count))
        of_all = torch.from_numpy(each[self._strata]).float()
        return of_all.to(places.device)[places]

    def variance(self, samples: int | None = None) -> tuple[float, float]:
        """Return the variance of an epoch's weighted mean loss, and of that of uniform draws.

        Both without replacement within the epoch, for losses as recorded: ``sum over h of
        (N_h / N)**2 (1 - n_h / N_h) S_h**2 / n_h``, and ``(1 - n / N) S**2 / n``.

        Parameters
        ----------
        samples : int, optional
            In place of those of the coming epoch.
        """
        count = min(self.size, int(self._sizes(self.epoch).sum())) if samples is None else samples
        require_integer("samples", count, f"[{len(self._totals)}, {self.size}]")
        counts = self._counts(count)
        shares = np.square(self._totals / self.size)
        inside = (1.0 - counts / self._totals) * np.square(self._spreads(1)) / counts
        ours = float(np.sum(shares * inside))
        whole = float(self._losses.var(ddof=1)) if self.size > 1 else 0.0
        return ours, (1.0 - count / self.size) * whole / count

    def _spreads(self, ddof: int) -> Floats:
        """Return the standard deviation of the losses of each stratum; of one loss it is 0."""
        means = np.bincount(self._strata, self._losses) / self._totals
        squares = np.bincount(self._strata, np.square(self._losses - means[self._strata]))
        return np.sqrt(squares / np.maximum(self._totals - ddof, 1))

    def _counts(self, count: int) -> Integers:
        """Return how many of each stratum an epoch of `count` has."""
        if count < len(self._totals):
            raise InvalidOption(
                f"an epoch has {count} samples for {len(self._totals)} strata, of which each needs "
                "one at least; raise the budget, or give a smaller bins="
            )
        if self.allocation == "proportional":
            rates = np.ones(len(self._totals))
        elif self.allocation == "neyman":
            rates = self._spreads(1)
        else:
            rates = np.sqrt(np.bincount(self._strata, np.square(self._losses)) / self._totals)
        wanted = self._totals * rates
        if not wanted.any():
            wanted = self._totals.astype(np.float64)
        shares = self.floor * self._totals / self.size + (1 - self.floor) * wanted / wanted.sum()
        # Ranks whose shares are rounded up may be handed more samples than there are.
        return _allotted(shares, self._totals * -(-count // self.size), count)

    def _of_epoch(self, epoch: int, count: int) -> Integers:
        counts = self._counts(count)
        if not self.without_repeats:
            starts = epoch * self._totals
        elif callable(self.budget):
            sizes = (int(self._sizes(before).sum()) for before in range(epoch))
            starts = sum((self._counts(size) for size in sizes), np.zeros_like(counts))
        else:
            starts = epoch * counts
        members = np.split(self._strata.argsort(kind="stable"), np.cumsum(self._totals)[:-1])
        parts = [
            self._next_of(own, stratum, int(start), int(start + size))
            for stratum, (own, start, size) in enumerate(zip(members, starts, counts, strict=True))
        ]
        return np.concatenate(parts)

    def _next_of(self, members: Integers, stratum: int, start: int, end: int) -> Integers:
        """Return samples start..end-1 of a stratum's passes, each in a random order of its own."""
        size = len(members)
        passes = [
            np.random.default_rng([self.seed, stratum, number, 3]).permutation(members)
            for number in range(start // size, -(-end // size))
        ]
        first = start % size
        found: Integers = np.concatenate(passes)[first : first + end - start]
        return found

    def _identity(self) -> dict[str, Any]:
        known = checksum(self._losses.view(np.int64))
        return {
            **super()._identity(),
            "losses": known,
            "allocation": self.allocation,
            "floor": self.floor,
        }


def _known(losses: Any, size: int) -> Floats:
    if losses is None:
        raise InvalidOption("loss_strata needs losses=, one for each sample, as recorded before")
    if isinstance(losses, RecordedLosses):
        if losses.size != size:
            raise InvalidOption(
                f"the records have size {losses.size!r}, but there are {size} samples; make them "
                f"with RecordedLosses(size={size})"
            )
        losses = losses.lookup(torch.arange(size))
    array = rows_of("losses", losses, size)
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        raise InvalidOption(
            f"losses must be numbers of shape ({size},); got {array.dtype} of shape {array.shape}"
        )
    return np.array(array, dtype=np.float64)


def _allotted(shares: Floats, most: Integers, count: int) -> Integers:
    """Return counts of sum `count`, each in 1..most, in proportion to shares where that allows it.

    Those outside are set to the limit, and what is left is laid out among the others anew; then
    remainders are rounded, the largest up. O(S**2) at most.
    """
    exact = np.zeros(len(shares))
    free = np.ones(len(shares), bool)
    while free.any():
        left = count - exact[~free].sum()
        mass = shares[free].sum()
        part = shares[free] / mass if mass > 0 else most[free] / most[free].sum()
        trial = left * part
        over, under = trial > most[free], trial < 1
        # Either side at a time, the one that is off by more: the other may come right by it.
        above = (trial - most[free])[over].sum()
        below = (1 - trial)[under].sum()
        places = free.nonzero()[0]
        if not over.any() and not under.any():
            exact[places] = trial
            break
        fixed = over if above >= below else under
        exact[places[fixed]] = most[places[fixed]] if above >= below else 1
        free[places[fixed]] = False
    counts = np.floor(exact + 1e-9).astype(np.int64)
    for place in np.argsort(counts - exact, kind="stable"):
        if counts.sum() >= count:
            break
        if counts[place] < most[place]:
            counts[place] += 1
    return counts
