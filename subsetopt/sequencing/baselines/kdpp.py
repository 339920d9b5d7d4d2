r"""Determinantal batches: k points with a probability proportional to ``det(L_S)``.

Kulesza & Taskar, k-DPPs: fixed-size determinantal point processes, ICML 2011; for mini-batches
Zhang, Kjellstrom & Mandt, Determinantal point processes for mini-batch diversification, UAI 2017.
Sampling is exact, in two phases. First k eigenvectors are drawn, with a probability proportional to
the product of their eigenvalues; the elementary symmetric polynomials that this needs are kept as
logarithms, so that none overflows or vanishes. Then one point after another is drawn, with a
probability proportional to what is left of its row once the rows of those drawn are projected out.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._checks import require_number
from subsetopt.errors import InvalidProblem
from subsetopt.problems import _validation
from subsetopt.problems._kernel_choice import KernelFunction, kernel_of
from subsetopt.problems._kernel_matrices import kernel_matrix, symmetric_kernel
from subsetopt.problems._memory import require_memory
from subsetopt.problems._parallel import one_blas_thread
from subsetopt.problems._points import points
from subsetopt.problems.kernels import Kernel, Linear

from .base import (
    Baseline,
    Indices,
    Picker,
    available_mask,
    drawn,
    require_pool,
    require_room,
)

__all__ = ["KDPP", "sample", "sample_dual"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class KDPP(Baseline):
    """Draw each batch from the k-DPP of what is left, or of a pool of it.

    Parameters
    ----------
    kernel : str, Kernel or callable
        L, positive semidefinite.
    ridge : float
        This times the mean of the diagonal is added to it. A kernel of low rank gives no batch of
        more points than its rank; with a ridge there is always one.
    pool : int or None
        Each batch is drawn from so many of the points left, themselves drawn uniformly: from m
        points it takes O(m^3). None is all that is left, exact and slow.

    Notes
    -----
    With ``Linear()``, no ridge and fewer features than points the d x d dual is decomposed
    instead, O(m d^2), so that ``pool=None`` is quick as well.
    """

    kernel: str | Kernel | KernelFunction = "gaussian"
    ridge: float = 1e-6
    pool: int | None = 1000

    name: ClassVar[str] = "k-dpp"

    def __post_init__(self) -> None:
        kernel_of(self.kernel)
        require_number("ridge", self.ridge, "[0, inf)")
        require_pool(self.pool)

    def picker(
        self, X: NDArray[Any], k: int, scores: NDArray[np.float64] | None, rng: np.random.Generator
    ) -> Picker:
        """Return what draws from a pool; O(pool^3) a batch, or O(pool d^2) by the dual."""
        require_room(self.pool, k)
        kernel = kernel_of(self.kernel).fitted(X)
        most = len(X) if self.pool is None else min(self.pool, len(X))
        by_dual = isinstance(kernel, Linear) and not self.ridge and X.shape[1] < most
        if not by_dual:
            _require_room_for(most)

        def pick(left: Indices, size: int) -> Indices:
            pool = drawn(left, self.pool, rng)
            if by_dual:
                return pool[sample_dual(X[pool], size, rng)]
            L = kernel_matrix(kernel, X[pool].astype(np.float64)).copy()
            L.flat[:: len(L) + 1] += self.ridge * L.diagonal().mean()
            return pool[draw(*spectrum(L), size, rng)]

        return pick


def sample(
    L: ArrayLike, k: int, rng: np.random.Generator, *, available: ArrayLike | None = None
) -> Indices:
    """Draw k of the available points with a probability proportional to ``det(L_S)``.

    O(n^3) for the eigenvectors, then O(n k^2); memory: about four times that of L.

    Parameters
    ----------
    L : array_like (n, n)
        Symmetric, positive semidefinite.
    k : int
    rng : numpy.random.Generator
    available : array_like of int, optional

    Returns
    -------
    ndarray of int64 (k,)
        In the order drawn.

    Raises
    ------
    InvalidProblem
        If k is above the numerical rank, as then every determinant vanishes; for a matrix that is
        not finite, symmetric and semidefinite.
    """
    matrix = symmetric_kernel("L", _validation.square_matrix("L", L, copy=False))
    mask, size = available_mask(available, len(matrix), k)
    candidates = np.flatnonzero(mask)
    _require_room_for(len(candidates))
    part = matrix if mask.all() else matrix[np.ix_(candidates, candidates)]
    return candidates[draw(*spectrum(part), size, rng)]


def sample_dual(
    B: ArrayLike, k: int, rng: np.random.Generator, *, available: ArrayLike | None = None
) -> Indices:
    """As `sample` for ``L = B B'``, from the eigenvectors of ``B'B``; B is (n, d).

    O(n d^2 + d^3 + n k^2), so for d well below n; L is never formed.
    """
    rows = points("B", B).astype(np.float64)
    mask, size = available_mask(available, len(rows), k)
    candidates = np.flatnonzero(mask)
    rows = rows[candidates] / (float(np.abs(rows).max()) or 1.0)  # no probability changes
    values, vectors = spectrum(rows.T @ rows)
    chosen = eigenvectors(values, size, rng)
    # Divided by the roots they are orthonormal but for rounding, which the factorisation corrects.
    orthonormal = np.linalg.qr(rows @ (vectors[:, chosen] / np.sqrt(values[chosen])))[0]
    return candidates[project(orthonormal, rng)]


def spectrum(L: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return the positive eigenvalues, ascending, and their eigenvectors as columns.

    Left out are those that rounding explains: of the decomposition, up to ``n eps`` times the
    largest, and of the entries in their own dtype, up to ``sqrt(n) eps`` times the largest entry.
    """
    with one_blas_thread():  # two are hardly faster, and much slower where others compute as well
        values, vectors = np.linalg.eigh(L.astype(np.float64))
    n, largest = len(L), max(float(values[-1]), 0.0)
    entries = np.sqrt(n) * float(np.finfo(L.dtype).eps * L.diagonal().max())
    rounding = max(n * float(np.finfo(np.float64).eps) * largest, entries)
    if values[0] < -max(1e-5 * largest, rounding):
        raise InvalidProblem(
            f"L is not positive semidefinite: its smallest eigenvalue is {values[0]:.4g}; take "
            f"another kernel, or a ridge above {-values[0]:.4g}"
        )
    first = int(np.searchsorted(values, rounding, side="right"))
    return values[first:], vectors[:, first:]


def draw(values: Floats, vectors: Floats, k: int, rng: np.random.Generator) -> Indices:
    """Draw k points of the k-DPP with these eigenvalues, all positive, and eigenvectors (n, r)."""
    return project(vectors[:, eigenvectors(values, k, rng)], rng)


def eigenvectors(values: Floats, k: int, rng: np.random.Generator) -> Indices:
    """Draw k of the eigenvectors, with a probability proportional to the product of their values.

    O(r k) time and memory for r values.
    """
    if k > len(values):
        raise InvalidProblem(
            f"k is {k}, above the kernel's rank of {len(values)}: the determinant of every {k} "
            f"points is 0; choose at most {len(values)}, or add a ridge, L + 1e-6 * numpy.eye(n)"
        )
    logs = np.log(values)
    sums = log_polynomials(logs, k)
    uniform = rng.random(len(values))
    chosen = []
    left = k
    for i in range(len(values) - 1, -1, -1):
        if left == 0:
            break
        if uniform[i] < np.exp(logs[i] + sums[i, left - 1] - sums[i + 1, left]):
            chosen.append(i)
            left -= 1
    return np.array(chosen[::-1], dtype=np.int64)


def log_polynomials(logs: Floats, k: int) -> Floats:
    """Return the logarithms of ``e_j`` of the first i values, (r + 1, k + 1), from theirs."""
    sums = np.full((len(logs) + 1, k + 1), -np.inf)
    sums[:, 0] = 0.0
    for i, log in enumerate(logs):
        np.logaddexp(sums[i, 1:], sums[i, :-1] + log, out=sums[i + 1, 1:])
    return sums


def project(V: Floats, rng: np.random.Generator) -> Indices:
    """Draw one row for each of the orthonormal columns of V (n, k): a projection DPP; O(n k^2).

    Each row drawn is projected out twice, so that the directions stay orthogonal to rounding.
    """
    k = V.shape[1]
    left = np.einsum("ij,ij->i", V, V)
    directions = np.empty((k, k))
    drawn_rows = np.empty(k, dtype=np.int64)
    for t in range(k):
        heights = np.cumsum(left)
        row = int(np.searchsorted(heights, rng.random() * heights[-1], side="right"))
        row = min(row, int(np.flatnonzero(left)[-1]))  # a uniform next to 1 may round up
        drawn_rows[t] = row
        direction = V[row].copy()
        for _ in range(2):
            direction -= (directions[:t] @ direction) @ directions[:t]
        directions[t] = direction / np.linalg.norm(direction)
        left -= np.square(V @ directions[t])
        np.maximum(left, 0.0, out=left)
        left[drawn_rows[: t + 1]] = 0.0
    return drawn_rows


def _require_room_for(n: int) -> None:
    require_memory(
        f"the eigenvectors of {n} points",
        4 * 8 * n * n,
        "give a pool, such as pool=1000, or draw from fewer",
    )
