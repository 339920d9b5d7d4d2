"""Choosing from a pool of candidates, whose mean kernels with all rows are known."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidProblem, TooLarge, UnsupportedProblem
from subsetopt.problems import Constraints, Kernel, MeanEmbedding, MMDSelection
from subsetopt.problems._kernel_choice import Custom
from subsetopt.problems._memory import in_units
from subsetopt.problems._parallel import no_callback
from subsetopt.problems.scaling import Scaling
from subsetopt.solution import Solution, Termination
from subsetopt.solving import solve, solver

from ._kernel_means import kernel_means
from ._row_sources import ArrayRows

FEWEST_OF_K = 2
"""Candidates for each of the chosen, at least."""

WITNESSES = 4096
"""Rows that tell how far the chosen are from all, at most."""

_COPIES, _COPIES_OF_TARGET = 14, 4  # of the sample, as it is drawn, joined, scaled and divided
_BLOCKS = 2**25  # bytes of blocks of rows, unless the limit is small

_MOST = 16_000  # in one matrix, unless more are asked for
_OF_K = 32
_LEAST = 4096
_LEAST_PART = 256  # candidates that a matrix should hold
_MOVES = 10_000  # of the search
_MOVES_OF_SETS = 2000  # where each has to look at costs or pairs


@dataclass(frozen=True)
class PoolSize:
    """How many candidates there are, and of how many of them a kernel matrix is held."""

    total: int
    part: int
    limit: int
    witnesses: int

    def within(self, k: int, row_bytes: int, targeted: bool) -> "PoolSize":
        """Return it for rows of so many bytes, with fewer candidates and witnesses where need be.

        Raises
        ------
        TooLarge
            Where less than what k asks for can be held.
        """
        copies = _COPIES + (_COPIES_OF_TARGET if targeted else 0)
        free = self.limit - min(_BLOCKS, self.limit // 4)
        rows = free // (copies * row_bytes)
        witnesses = min(self.witnesses, rows // 4)
        total = min(self.total, rows - witnesses)
        least = max(FEWEST_OF_K * k, min(self.total, _LEAST_PART))
        if total < least:
            needed = 4 * copies * row_bytes * least // 3 + _BLOCKS
            raise TooLarge(
                f"{least} candidates of {row_bytes} bytes each take {in_units(needed)} with all "
                f"that is held of them, above the limit of {in_units(self.limit)}; allow more "
                "memory, or choose fewer rows or columns",
                seconds=0.0,
                bytes=float(needed),
            )
        return replace(self, total=total, part=min(self.part, total), witnesses=witnesses)

    @classmethod
    def of(cls, k: int, pool: int | None, limit: int) -> "PoolSize":
        """Return it for k to choose, within so many bytes.

        Raises
        ------
        TooLarge
            Where the memory is less than a matrix of 256 candidates takes.
        """
        most = int((limit / 2 / 4) ** 0.5)  # half for the matrix, half for all else
        if pool is None:
            total = max(min(_MOST, most, max(_LEAST, _OF_K * k)), FEWEST_OF_K * k)
            part = min(total, most, _MOST)
        else:
            total, part = int(pool), min(int(pool), most)
        if part < min(total, _LEAST_PART):
            raise TooLarge(
                f"a kernel matrix of {_LEAST_PART} candidates takes "
                f"{in_units(4 * _LEAST_PART**2)}, above half of the limit of {in_units(limit)}; "
                "allow more memory",
                seconds=0.0,
                bytes=8.0 * _LEAST_PART**2,
            )
        return cls(total, part, limit, WITNESSES)

    def of_one_matrix(self, k: int, pool: int | None) -> "PoolSize":
        """Return it with no more candidates than one matrix of any numbers holds.

        Raises
        ------
        InvalidProblem
            Where that are not as many as k or the caller's pool asks for.
        """
        most = self.part_of(8)
        if most < (FEWEST_OF_K * k if pool is None else self.total):
            raise InvalidProblem(
                f"with constraints one kernel matrix must hold the pool of {self.total}, and it "
                f"holds {most}; ask for a smaller k or pool, or allow more memory"
            )
        total = min(self.total, most)
        return replace(self, total=total, part=min(self.part, total))

    def part_of(self, itemsize: int) -> int:
        """Return of how many a matrix is held whose numbers have so many bytes; `part` is of 4."""
        most = int((self.limit / 2 / itemsize) ** 0.5)
        return min(self.part, max(most, _LEAST_PART))


@dataclass(frozen=True, eq=False)
class Pool:
    """Candidates.

    Parameters
    ----------
    X : ndarray (m, d)
    means : ndarray of float64 (m,)
        The mean kernel of each with all rows.
    kernel : Kernel
    part : int
        Candidates of one kernel matrix.
    seed : int
    threads : int or None
    rules : Constraints or None
        On the candidates, of which then a matrix of all is held.
    time_limit : float or None
        Seconds for all exchanges, after which the best so far are taken.
    keeps_best : bool
        Whether the best so far are taken at Ctrl-C too, where they are k.
    """

    X: NDArray[Any]
    means: NDArray[np.float64]
    kernel: Kernel
    part: int
    seed: int
    threads: int | None
    rules: Constraints | None = None
    time_limit: float | None = None
    keeps_best: bool = False

    def choose(
        self, k: int, told: Callable[[int, int], None]
    ) -> tuple[NDArray[np.int64], Termination]:
        """Return the k candidates, ascending, and why the last search among them has ended.

        `told` hears of parts done, and all parts.

        A pool of several parts is dealt out at random. From each as many are chosen, in proportion,
        such that they and all before them are near the mean: what those before are off by is made
        up for. O(m k d) more than for one part.
        """
        parts = -(-len(self.X) // self.part)
        order = np.random.default_rng([self.seed, 2]).permutation(len(self.X))
        chosen = np.empty(0, np.int64)
        seen, ended = 0, Termination.FINISHED
        for number, group in enumerate(np.array_split(order, parts)):
            told(number, parts)
            rows, seen = np.sort(group), seen + len(group)
            end = k * seen // len(order)  # as many as are to be chosen by then
            count = end - len(chosen)
            if not count:
                continue
            aim = self.means[rows]
            if len(chosen):
                aim = (end * aim - self._sums(rows, chosen)) / count
            is_last = end == k
            at, ended = self._best(self.X[rows], aim, count, parts, is_last and self.keeps_best)
            chosen = np.concatenate([chosen, rows[at]])
        told(parts, parts)
        return np.sort(chosen), ended

    def _sums(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the sum of the kernel of some candidates with others."""
        source, count = ArrayRows(self.X[others]), len(others)
        scaling = Scaling.of(self.X[:1], "none")
        return count * kernel_means(
            self.kernel, self.X[rows], source, scaling, self.threads, no_callback, count
        )

    def _best(
        self, X: NDArray[Any], means: NDArray[np.float64], k: int, parts: int, keeps: bool
    ) -> tuple[NDArray[np.int64], Termination]:
        """Return the k rows of X that are herded towards the means, and then exchanged."""
        if k == len(X):
            return np.arange(k), Termination.FINISHED
        function: Any = self.kernel.function if isinstance(self.kernel, Custom) else self.kernel
        problem = MMDSelection(
            X, k, kernel=function, target=MeanEmbedding(means), scale_columns="none"
        )
        if self.rules is not None:
            return self._constrained(problem, self.rules, keeps)
        herded = _whole(solve(problem, "herding", seed=self.seed))
        if (X[0] == X).all():
            return herded, Termination.FINISHED
        return self._exchanged(problem, -(-_MOVES // parts), herded, keeps, parts)

    def _exchanged(
        self, problem: Any, moves: int, start: NDArray[np.int64], keeps: bool, parts: int = 1
    ) -> tuple[NDArray[np.int64], Termination]:
        limit = None if self.time_limit is None else self.time_limit / parts
        search = solver("tabu", iterations=moves)
        best = solve(problem, search, seed=self.seed, start=start, time_limit=limit)
        return _whole(best, keeps), best.termination

    def _constrained(
        self, free: MMDSelection, rules: Constraints, keeps: bool
    ) -> tuple[NDArray[np.int64], Termination]:
        """Return the best candidates that keep the rules."""
        try:
            problem = free.constrained(rules)
        except InvalidProblem as error:
            raise InvalidProblem(
                f"{error}; candidates are the {free.n} rows of the pool, which may be larger"
            ) from None
        try:
            start = solve(problem, "herding", seed=self.seed)
        except UnsupportedProblem:  # what is herded without the rules is repaired
            start = solve(free, "herding", seed=self.seed)
        dear = rules.costs is not None or len(rules.conflicts)
        moves = _MOVES_OF_SETS if dear else _MOVES
        return self._exchanged(problem, moves, _whole(start), keeps)


def _whole(solution: Solution, keeps: bool = False) -> NDArray[np.int64]:
    """Return the chosen; raise KeyboardInterrupt where that left none, or not all are chosen."""
    is_kept = keeps and solution.indices is not None
    if solution.termination is Termination.INTERRUPTED and not is_kept:
        raise KeyboardInterrupt
    if solution.indices is None and solution.termination is Termination.TIME_LIMIT:
        raise InvalidProblem(
            "within the time limit no choice from the candidates was reached that keeps all "
            "constraints; allow more time, or ask for less"
        )
    if solution.indices is None:
        raise InvalidProblem(
            "no choice from the candidates keeps all constraints; ask for less, or give a larger "
            "pool"
        )
    return solution.indices
