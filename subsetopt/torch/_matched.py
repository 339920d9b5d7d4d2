"""A sampler whose batches have the label shares and nearly the mean features of the data set."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._checks import require_integer
from subsetopt._kernels import rng
from subsetopt._kernels.matched_batches import even_out
from subsetopt.errors import InvalidOption

from ._label_strata import Codes, rows_of, strata
from ._stratified import ByStrata, Integers
from .samplers import checksum


@dataclass(eq=False)
class Matched(ByStrata):
    """Batches as `Stratified` deals them out, and in each of them nearly the mean features of all.

    Chance alone decides which samples an epoch has, each as often as any other, so that an epoch's
    gradient is as unbiased as that of uniform draws. What is searched is only how they share out:
    samples of one stratum change places between batches where that brings the means of both, in
    standard deviations of each feature, closer to that of the whole data set. With 16 features and
    batches of 12 their distance is a third of what it is at random, with batches of 128 a twelfth;
    more features leave more. It takes some 10 microseconds a batch of 12, once an epoch, before
    anything is loaded.

    Parameters
    ----------
    features : array_like, (size, d)
        Such as inputs or embeddings, best projected to a few: `subsetopt.torch.features.projected`.
    labels : array_like, (size,) or (size, c), optional
        Their shares in every batch are exact, as `Stratified` has them; None: one stratum.
    bins : int, optional
        `labels` are numbers, divided at their quantiles.
    looks : int
        How many places, in rounds of eight, each sample is tried in. Time is in proportion; 8 leave
        a third more of the distance than 32, 64 a tenth less.
    without_repeats : bool
        Each sample is used once before any is used again; False draws every epoch from all.

    References
    ----------
    One Backward from Ten Forward, Eq. 6, for vectors and the batches of an epoch at once.
    """

    name: ClassVar[str] = "matched"

    features: ArrayLike | None = None
    labels: ArrayLike | None = None
    bins: int | None = None
    looks: int = 32

    def __post_init__(self, batch_size: int) -> None:
        require_integer("size", self.size, "[1, inf)")
        require_integer("looks", self.looks, "[0, inf)")
        if self.features is None:
            raise InvalidOption(
                "matched needs features=, a row of numbers for each sample; for label shares alone "
                "'stratified' takes labels="
            )
        self._rows = _standardised(self.features, self.size)
        super().__post_init__(batch_size)
        self._features = checksum(self._rows.view(np.int32).reshape(-1).astype(np.int64))

    def _numbered(self) -> tuple[Codes, Codes]:
        labels = np.zeros(self.size, np.int64) if self.labels is None else self.labels
        if self.labels is None and self.bins is not None:
            raise InvalidOption("bins divide labels, but there are only features; leave out bins=")
        return strata(self.size, labels, self.bins)

    def _order(self, epoch: int) -> Integers:
        order, sizes = super()._order(epoch), self._sizes(epoch)
        batch, group = np.repeat(np.arange(len(sizes)), sizes), self._strata[order].astype(np.int64)
        begins = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=len(self._totals)))])
        rows, local = self._rows[order], np.arange(len(order))
        scale = (1.0 / np.square(sizes, dtype=np.float64)).astype(np.float32)
        sums = np.empty((len(sizes), rows.shape[1]), np.float32)
        members = group.argsort(kind="stable")
        state = rng.seeded(int(np.random.SeedSequence([self.seed, epoch, 4]).generate_state(1)[0]))
        even_out(rows, local, batch, group, begins, members, scale, self.looks, sums, state)
        return order[local]

    def _identity(self) -> dict[str, Any]:
        return {**super()._identity(), "looks": self.looks, "features": self._features}


def _standardised(features: ArrayLike, size: int) -> NDArray[np.float32]:
    """Return features (size, d) less their mean, in standard deviations; constant ones are zero."""
    given = rows_of("features", features, size)
    if given.dtype.kind not in "iufb":
        raise InvalidOption(f"features must be numbers; got dtype {given.dtype}")
    rows = given.reshape(size, -1).astype(np.float64)
    rows -= rows.mean(axis=0)
    spread = rows.std(axis=0)
    largest = np.abs(given.reshape(size, -1)).max(axis=0).astype(np.float64)
    rows /= np.where(spread > 1e-12 * largest, spread, np.inf)
    return np.ascontiguousarray(rows, dtype=np.float32)
