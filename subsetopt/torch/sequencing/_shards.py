"""Points that are divided among processes, and what the kernel rows of each of them take."""

from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import ArrayLike, NDArray

from subsetopt.errors import InvalidProblem, SubsetOptError
from subsetopt.problems import Gaussian, Kernel
from subsetopt.problems._kernel_choice import KernelFunction, kernel_of
from subsetopt.problems._kernel_matrices import own_sums, pair_sums
from subsetopt.problems._memory import in_units
from subsetopt.problems._points import points, standardised
from subsetopt.torch._ranks import served, world_of

_SAMPLE = 2000  # points of which the median distance is taken, as `median_distance` draws them
_BLOCK = 8192  # points that are sent at once
_PRODUCTS_ENOUGH = 1e8  # half squared norms up to which products of float64 tell distances


class Shards:
    """The points of all ranks as an engine of sequences, of which each rank holds its own.

    Arrays are those of the rank's own points, and `n` counts all. All ranks have to make one, and
    call each of its methods, at the same time.

    Parameters
    ----------
    X : array_like (m, d)
        Of this rank; the points of all ranks are numbered one rank after another.
    kernel : str, Kernel or callable
    group : ProcessGroup, optional
    threads : int
    """

    name = "shards"
    matrix: NDArray[Any] | None = None

    def __init__(
        self, X: ArrayLike, kernel: Kernel | KernelFunction | str, group: Any, threads: int
    ) -> None:
        self.group, self.threads = group, threads
        self.rank, self.world = world_of(group)
        self.X = self._alike(X)
        counts = self.of_all(len(self.X))
        self.ends = np.cumsum(counts)
        self.first, self.n = int(self.ends[self.rank]) - counts[self.rank], int(self.ends[-1])
        self.own = slice(self.first, self.first + len(self.X))
        self.dtype = self.X.dtype
        self.kernel = kernel_of(kernel).fitted(self._sample())
        self.semidefinite = self.kernel.semidefinite
        self.data = self.X
        self._sums: NDArray[np.float64] | None = None
        most, width = max(counts), self.X.shape[1] * self.dtype.itemsize
        self.bytes = most * (3 * width + 6 * 8) + 2 * 8 * self.n + _BLOCK * width
        self._prepare()

    def of_all(self, value: Any) -> list[Any]:
        """Return what each rank gives, in their order."""
        values: list[Any] = [value]
        if self.world > 1:
            values = [None] * self.world
            dist.all_gather_object(values, value, group=self.group)
        return values

    def numbers_of_all(self, *own: float) -> NDArray[np.float64]:
        """Return the numbers of each rank (world, q)."""
        if self.world == 1:
            return np.array([own], np.float64)
        sent = served(torch.tensor(own, dtype=torch.float64), self.group)
        received = [torch.empty_like(sent) for _ in range(self.world)]
        dist.all_gather(received, sent, group=self.group)
        return np.asarray(torch.stack(received).cpu().numpy())

    def points_of(self, rank: int, some: slice) -> NDArray[Any]:
        """Return some points of a rank, by their number there, on all ranks."""
        if self.world == 1:
            return self.X[some]
        if rank == self.rank:
            sent = torch.from_numpy(np.array(self.X[some]))
        else:
            sent = torch.empty((some.stop - some.start, self.X.shape[1]), dtype=torch.float64)
        sent = served(sent, self.group)
        source = rank if self.group is None else dist.get_global_rank(self.group, rank)
        dist.broadcast(sent, source, group=self.group)
        return np.asarray(sent.cpu().numpy())

    def _alike(self, X: ArrayLike) -> NDArray[Any]:
        """Return the points in float64; an error of one rank ends all.

        In float32 the last bits of the kernel would depend on where a point stands in a product,
        and with them, where two candidates are nearly equal, the order.
        """
        own, fault = None, ""
        try:
            own = points("X", X)
        except SubsetOptError as error:
            fault = str(error)
        seen = self.of_all((fault, None if own is None else own.shape[1]))
        for rank, (text, _) in enumerate(seen):
            if text:
                raise InvalidProblem(f"on rank {rank}: {text}")
        assert own is not None
        widths = [width for _, width in seen]
        if len(set(widths)) > 1:
            raise InvalidProblem(f"all ranks must have the same features; got {widths} of them")
        return own.astype(np.float64, copy=False)

    def _sample(self) -> NDArray[Any]:
        """Return the points of all ranks that the scale of a kernel depends on."""
        rows = np.arange(self.n)
        if self.n > _SAMPLE:
            rows = np.sort(np.random.default_rng(0).choice(self.n, _SAMPLE, replace=False))
        own = rows[(rows >= self.own.start) & (rows < self.own.stop)] - self.first
        return np.concatenate(self.of_all(self.X[own]))

    def _prepare(self) -> None:
        """Scale the points of a Gaussian once, not for each row."""
        self._scaled: NDArray[Any] | None = None
        if not isinstance(self.kernel, Gaussian):
            return
        sums = self.numbers_of_all(*self.X.sum(axis=0, dtype=np.float64)).sum(axis=0)
        self._centre, self._scale = sums / self.n, float(self.kernel.scale)
        scaled, halves = standardised(self.X, self._centre, self._scale, np.float64)
        if self.numbers_of_all(float(halves.max())).max() <= _PRODUCTS_ENOUGH:
            self._scaled, self._halves = scaled, halves

    def diagonal(self) -> NDArray[np.float64]:
        """Return the diagonal of K at the own points."""
        if self.kernel.normalised:
            return np.ones(len(self.X))
        out = np.empty((1, 1), self.dtype)
        fill = self.kernel.filler(self.X, self.X)
        parts = []
        for i in range(len(self.X)):
            fill(slice(i, i + 1), slice(i, i + 1), out)
            parts.append(float(out[0, 0]))
        return np.array(parts)

    def row_sums(self, told: Any = None) -> NDArray[np.float64]:
        """Return the row sums of K at the own points; O(n m d) once, all points are sent once.

        `told` hears of the points that have been sent, and all.
        """
        if self._sums is None:
            self._sums = self._added_up(told)
        return self._sums

    def _added_up(self, told: Any) -> NDArray[np.float64]:
        """Add up what each two ranks have in common once, by one of them, or half by each."""
        sums, start = own_sums(self.kernel, self.X, self.threads), 0
        for rank, end in enumerate(self.ends.tolist() if self.world > 1 else ()):
            own, half = self._share(rank), (end - start) // 2
            for first, stop in self._cuts(half, end - start):
                if told is not None:
                    told(start + first, self.n)
                part = slice(first, stop)
                others, columns = self.points_of(rank, part), np.zeros(stop - first)
                if own.stop and (first >= half or self.rank < rank or not self._opposite(rank)):
                    rows, columns = pair_sums(self.kernel, self.X[own], others, self.threads)
                    sums[own] += rows
                columns = self._total(columns)
                if rank == self.rank:
                    sums[part] += columns
            start = end
        return sums

    def _cuts(self, half: int, count: int) -> list[tuple[int, int]]:
        """Return the blocks of a rank's points, none of which reaches over its half."""
        firsts = sorted({*range(0, half, _BLOCK), *range(half, count, _BLOCK)})
        return list(zip(firsts, [*firsts[1:], count], strict=True))

    def _opposite(self, rank: int) -> bool:
        return 2 * ((rank - self.rank) % self.world) == self.world

    def _share(self, rank: int) -> slice:
        """Return which own points this rank evaluates with those of another.

        Of ranks in a circle each takes the half of them that follows. With the one opposite the
        lower takes the first half of its own points, the other all of them with the second half.
        """
        count = len(self.X)
        if self._opposite(rank):
            return slice(0, count // 2 if self.rank < rank else count)
        return slice(0, count if 0 < 2 * ((rank - self.rank) % self.world) < self.world else 0)

    def _total(self, own: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of an array over all ranks."""
        sent = served(torch.from_numpy(own), self.group)
        dist.all_reduce(sent, group=self.group)
        return np.asarray(sent.cpu().numpy())

    def row(self, j: int) -> NDArray[Any]:
        """Return the row of K of a point of any rank, at the own points; O(m d)."""
        rank = int(np.searchsorted(self.ends, j, side="right"))
        at = j - (0 if rank == 0 else int(self.ends[rank - 1]))
        x = self.points_of(rank, slice(at, at + 1))
        row = np.empty((1, len(self.X)), self.dtype)
        with np.errstate(all="ignore"):
            if self._scaled is None:
                self.kernel.filler(x, self.X)(slice(None), slice(None), row)
            else:
                y, half = standardised(x, self._centre, self._scale, np.float64)
                np.matmul(self._scaled, y[0], out=row[0])
                row -= self._halves
                row -= half
                np.exp(np.minimum(row, 0, out=row), out=row)
        if rank == self.rank and self.kernel.normalised:
            row[0, at] = 1
        return np.asarray(row[0])

    def rows(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return rows of K at the own points."""
        return np.array([self.row(int(j)) for j in indices])

    def describe(self) -> str:
        """Return one line: what it is, and its memory."""
        what = f"{self.n} x {self.X.shape[1]} features on {self.world} ranks"
        return f"{self.name}: {what}, at most {in_units(self.bytes)} on each"
