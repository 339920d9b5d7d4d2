"""One partition: what is asked for, its start, its baselines, the search, the result."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._announcing import LOGGER
from subsetopt.limits import Limits
from subsetopt.problems._parallel import no_callback
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import Deadline, stoppable

from . import _part_counts as part_counts
from ._part_kernels import KernelRows, UnitSums
from ._part_labels import labellings, labels_of, part_sizes
from ._part_search import ALONE, PartSearch, PartSums, Told, pair_sums
from ._part_start import dealt, neighbours, settle
from ._part_units import Units, require_room, units_of
from ._partition_result import Partition

_BASELINES = 1  # a stream of random numbers of their own
_SETTLING = 10  # per cent of the progress that a start counts for


_Several = list[NDArray[np.int64]]
_Square = NDArray[np.float64]


@dataclass(eq=False)
class PartitionTask:
    """What is asked for, checked.

    Parameters
    ----------
    rows : KernelRows
    asked : ndarray of int64 (p,)
        Rows of each part.
    units, plain : Units
        With their classes, and without, for the baseline that is not balanced.
    limits : Limits
    deadline : Deadline
    begun : float
    """

    rows: KernelRows
    asked: NDArray[np.int64]
    units: Units
    plain: Units
    limits: Limits
    deadline: Deadline
    begun: float

    @classmethod
    def of(
        cls, rows: KernelRows, sizes: Any, balance: Any, keep_together: Any, limits: Limits
    ) -> "PartitionTask":
        """Return the task; InvalidProblem as `partition` says."""
        begun, deadline, n = perf_counter(), Deadline.of(limits), rows.n
        asked, balanced, groups = part_sizes(sizes, n), labellings(balance, n), None
        if keep_together is not None:
            groups = labels_of("keep_together", keep_together, n)
        units = units_of(n, balanced, groups)
        if groups is not None:
            require_room(groups, units, asked)
        plain = units_of(n, [], groups) if balanced else units
        return cls(rows, asked, units, plain, limits, deadline, begun)

    def run(self, tolerance: float | None, draws: int, told: Told) -> Partition:
        """Return the partition, with so many random ones of each kind as baselines."""
        generator = np.random.default_rng(self.limits.seed)
        held = part_counts.counts_by_part(self.units, self.asked, generator)
        order = neighbours(self.rows, self.units, generator)
        parts = dealt(order, held, generator)
        sums, search = UnitSums(self.rows, self.units), None
        random, stratified = self._unknown, self._unknown
        with stoppable() as stopped:
            told(0, 100)
            if len(self.units) > ALONE and self.rows.definite:
                settle(parts, len(self.asked), order, sums, generator, self.deadline,
                       lambda done, total: told(_SETTLING * done // total, 100))  # fmt: skip
            # With a limit the search comes first; without, all are summed over the kernel at once.
            others = [] if self.deadline.limited else self._baselines(draws)
            begun = self.deadline.elapsed
            potentials = self._potentials(sums, [parts, *others], told)
            seconds = self.deadline.since(begun)
            random, stratified = self._medians(others, potentials[1:])
            standing = PartSums.of(parts, potentials[0], self.units)
            low, high = part_counts.limits_of(self.units, self.asked, held, self._slack(tolerance))
            search = PartSearch(sums, standing, low, high, generator, self.deadline)
            search.run(lambda done, total: told(50 + 50 * done // total, 100))
            if draws and not others and self.deadline.remaining > seconds:
                others = self._baselines(draws)
                random, stratified = self._medians(
                    others, self._potentials(sums, others, no_callback)
                )
        if search is None:
            LOGGER.warning(
                "subsetopt: stopped before the kernel was summed over all pairs of rows: the parts "
                "are closer than random ones, made from neighbouring rows alone, but how close is "
                "unknown; give a longer time limit, or none"
            )
            blind = np.full((len(self.asked), len(self.units)), np.nan)
            standing = PartSums.of(parts, blind, self.units)
        else:
            standing = search.standing
        return self._result(standing, random, stratified, stopped.reason)

    @property
    def _balanced(self) -> bool:
        return self.units is not self.plain

    @property
    def _unknown(self) -> _Square:
        return np.full((len(self.asked), len(self.asked)), np.nan)

    def _slack(self, tolerance: float | None) -> NDArray[np.float64]:
        """Return by how much each count may be off in any case (p, C)."""
        rows = 0.0 if self.units.single else 0.5 * self.rows.n / len(self.units)
        if tolerance is not None:
            rows = tolerance * self.rows.n
        slack = np.full((len(self.asked), self.units.demands.shape[1]), rows)
        slack[:, 1:] = np.maximum(slack[:, 1:], 1.0)
        return slack

    def _baselines(self, draws: int) -> _Several:
        """Return so many random partitions, and so many balanced ones where there are classes."""
        generator = np.random.default_rng([self.limits.seed, _BASELINES])
        kinds = (self.plain, self.units) if self._balanced else (self.plain,)
        found = []
        for units in kinds:
            for parts in part_counts.random_partitions(units, self.asked, draws, generator):
                self.deadline.check()
                found.append(parts)
        return found

    def _medians(
        self, others: _Several, potentials: NDArray[np.float64]
    ) -> tuple[_Square, _Square]:
        """Return the median MMD of random partitions, and of balanced ones (p, p)."""
        if not others:
            return self._unknown, self._unknown
        mmd = [self._mmd(*each) for each in zip(others, potentials, strict=True)]
        draws = len(mmd) // 2 if self._balanced else len(mmd)
        return np.median(mmd[:draws], axis=0), np.median(mmd[-draws:], axis=0)

    def _potentials(self, sums: UnitSums, several: _Several, told: Told) -> NDArray[np.float64]:
        """Return the sums of kernels with each part, of several partitions (m, p, U)."""

        def checked(done: int, total: int) -> None:
            self.deadline.check()
            told(_SETTLING + (50 - _SETTLING) * done // total, 100)

        p = len(self.asked)
        V = np.concatenate([np.eye(p)[one] for one in several], axis=1)
        products = sums.products(V, p, checked)
        return np.ascontiguousarray(products.T).reshape(len(several), p, len(self.units))

    def _means(self, parts: NDArray[np.int64], potentials: NDArray[np.float64]) -> _Square:
        """Return the mean kernels between all pairs of parts (p, p)."""
        sizes = np.bincount(parts, weights=self.units.mass, minlength=len(self.asked))
        return np.asarray(pair_sums(parts, potentials) / np.multiply.outer(sizes, sizes))

    def _mmd(self, parts: NDArray[np.int64], potentials: NDArray[np.float64]) -> _Square:
        """Return the MMD of all pairs of parts (p, p)."""
        means = self._means(parts, potentials)
        own = means.diagonal()
        return np.asarray(np.sqrt(np.maximum(own[:, None] + own - 2 * means, 0.0)))

    def _result(
        self, standing: PartSums, random: _Square, stratified: _Square, reason: Termination | None
    ) -> Partition:
        means = self._means(standing.parts, standing.potentials)
        shares = standing.sizes / self.rows.n
        to_whole = means.diagonal() - 2 * means @ shares + shares @ means @ shares
        to_whole = np.maximum(to_whole, 0.0)
        off = np.abs(standing.counts - part_counts.targets(self.units, self.asked))[:, 1:]
        return Partition(
            parts=self.units.of_rows(standing.parts),
            sizes=standing.sizes.astype(np.int64),
            asked=self.asked,
            mmd=self._mmd(standing.parts, standing.potentials),
            mmd_to_whole=np.sqrt(to_whole),
            objective=float(to_whole @ shares),
            random_mmd=random,
            stratified_mmd=stratified if self._balanced else None,
            off_balance=float(off.max()) if self._balanced else None,
            termination=reason or Termination.FINISHED,
            seconds=perf_counter() - self.begun,
        )
