"""Engines that hold features and recompute rows of the kernel matrix, exactly or approximately."""

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidOption
from subsetopt.problems import Gaussian, Kernel, Laplace, Linear, Polynomial
from subsetopt.problems._kernel_matrices import own_sums
from subsetopt.problems._memory import in_units, require_memory
from subsetopt.problems._parallel import one_blas_thread, processors

_PIECE = 2**20  # features that one piece of a row is computed from
_FEWEST = 512


class RowsEngine:
    """Rows from the features, O(n d) each; the number of threads leaves them as they are.

    Row sums are computed by products of blocks and rows by products of vectors, so that in
    float32 both round differently: by 1e-7 of an entry.
    """

    def __init__(
        self, name: str, X: NDArray[Any], kernel: Kernel, threads: int | None, note: str = ""
    ) -> None:
        self.name = name
        self.kernel = kernel
        self.n = len(X)
        self.dtype = kernel.dtype(X, X)
        self.bytes = 3 * X.nbytes
        self.semidefinite = kernel.semidefinite
        self.matrix: NDArray[Any] | None = None
        self.data = X
        self._features, self._evaluated = X, kernel
        self._note = note
        self._threads = threads or processors()
        self._fill: Any = kernel.filler(X, X)  # takes indices of rows as it takes slices
        size = max(_FEWEST, _PIECE // X.shape[1])
        self._pieces = [slice(i, min(i + size, self.n)) for i in range(0, self.n, size)]
        self._pool = ThreadPoolExecutor(self._threads)

    def diagonal(self) -> NDArray[np.float64]:
        """Return the diagonal of K (n,)."""
        return self._diagonal

    @cached_property
    def _diagonal(self) -> NDArray[np.float64]:
        if self._evaluated.normalised:
            return np.ones(self.n)
        size = 64
        block = np.empty((size, size), self.dtype)
        diagonal = np.empty(self.n)
        for start in range(0, self.n, size):
            part = slice(start, min(start + size, self.n))
            count = part.stop - start
            with np.errstate(all="ignore"):
                self._fill(part, part, block[:count, :count])
            diagonal[part] = block.diagonal()[:count]
        return diagonal

    def row_sums(self) -> NDArray[np.float64]:
        """Return the row sums of K (n,); O(n^2 d) once."""
        return self._sums

    @cached_property
    def _sums(self) -> NDArray[np.float64]:
        return own_sums(self._evaluated, self._features, self._threads)

    def rows(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return rows of K (len(indices), n), computed now."""
        out = np.empty((len(indices), self.n), self.dtype)
        chosen = np.asarray(indices)

        def fill(piece: slice) -> None:
            with np.errstate(all="ignore"):
                self._fill(chosen, piece, out[:, piece])

        if len(self._pieces) > 1 and self._threads > 1:
            list(self._pool.map(fill, self._pieces))
        else:
            for piece in self._pieces:
                fill(piece)
        out[np.arange(len(chosen)), chosen] = self.diagonal()[chosen]
        return out

    def describe(self) -> str:
        """Return one line: what it is, and its memory."""
        shape = " x ".join(map(str, self._features.shape))
        text = f"{self.name}: rows recomputed from {shape} features, {in_units(self.bytes)}"
        return f"{text}; {self._note}" if self._note else text


def recomputed_rows(
    X: NDArray[Any], kernel: Kernel, *, memory: int | None, threads: int | None, seed: int
) -> RowsEngine:
    """Hold the features; TooLarge if not even they fit."""
    require_memory("the features and copies of them", 3 * X.nbytes, "raise memory", memory)
    return RowsEngine("rows", X, kernel, threads)


RANK = 512
_SAMPLE = 500  # points on whose pairs the error is measured


class LowRankEngine(RowsEngine):
    """Rows of ``Z Z'``, Z (n, rank); `kernel` and `data` are what it approximates."""

    def __init__(
        self,
        name: str,
        Z: NDArray[Any],
        X: NDArray[Any],
        kernel: Kernel,
        threads: int | None,
        note: str,
    ) -> None:
        super().__init__(name, Z, Linear(), threads, note)
        self.kernel = kernel
        self.data = X
        self._Z = Z

    def row_sums(self) -> NDArray[np.float64]:
        """Return the row sums of ``Z Z'`` (n,); O(n rank)."""
        with one_blas_thread():
            return np.asarray(self._Z @ self._Z.sum(axis=0, dtype=np.float64))


def fourier(
    X: NDArray[Any], kernel: Kernel, *, memory: int | None, threads: int | None, seed: int
) -> LowRankEngine:
    """Draw random Fourier features of a Gaussian kernel (Rahimi & Recht 2007)."""
    if not isinstance(kernel, Gaussian):
        raise InvalidOption(f"engine 'fourier' is for Gaussian kernels, not {kernel!r}")
    rank = 2 * RANK  # their error falls as 1/sqrt(rank) only
    _require(X, kernel, rank, memory)
    assert kernel.scale != "median"
    gamma = 0.5 / kernel.scale**2
    sampler = _approximations().RBFSampler(gamma=gamma, n_components=rank, random_state=seed)
    return _engine("fourier", sampler, X, kernel, threads, seed)


def nystroem(
    X: NDArray[Any], kernel: Kernel, *, memory: int | None, threads: int | None, seed: int
) -> LowRankEngine:
    """Interpolate the kernel from points that are drawn (Williams & Seeger 2001)."""
    rank = min(RANK, len(X))
    _require(X, kernel, rank, memory)
    sampler = _approximations().Nystroem(
        n_components=rank, random_state=seed, **_in_their_words(kernel)
    )
    return _engine("nystroem", sampler, X, kernel, threads, seed)


def _in_their_words(kernel: Kernel) -> dict[str, Any]:
    match kernel:
        case Gaussian():
            return {"kernel": "rbf", "gamma": 0.5 / float(kernel.scale) ** 2}
        case Laplace():
            return {"kernel": "laplacian", "gamma": 1 / float(kernel.scale)}
        case Polynomial() if kernel.semidefinite:
            own = {"gamma": kernel.gamma, "coef0": kernel.coef0, "degree": kernel.degree}
            return {"kernel": "poly", **own}
        case Linear():
            return {"kernel": "linear"}
    raise InvalidOption(
        f"engine 'nystroem' is for Gaussian, Laplace, Linear and semidefinite Polynomial kernels, "
        f"not {kernel!r}"
    )


def _require(X: NDArray[Any], kernel: Kernel, rank: int, memory: int | None) -> None:
    needed = X.nbytes + 5 * len(X) * rank * kernel.dtype(X, X).itemsize
    require_memory(f"{rank} features of {len(X)} points", needed, "raise memory", memory)


def _approximations() -> Any:
    return OptionalDependency("scikit-learn", "sklearn", extra="bench").load("kernel_approximation")


def _engine(
    name: str, sampler: Any, X: NDArray[Any], kernel: Kernel, threads: int | None, seed: int
) -> LowRankEngine:
    with one_blas_thread():
        Z = np.ascontiguousarray(sampler.fit_transform(X), dtype=X.dtype)
        chosen = np.random.default_rng(seed).permutation(len(X))[:_SAMPLE]
        error = Z[chosen] @ Z[chosen].T - kernel(X[chosen], X[chosen])
    worst, typical = float(np.abs(error).max()), sqrt(float(np.square(error).mean()))
    note = (
        f"rank {Z.shape[1]} for {kernel!r}, off by {typical:.2g} in the quadratic mean and by "
        f"{worst:.2g} at most over the pairs of {len(chosen)} points"
    )
    return LowRankEngine(name, Z, X, kernel, threads, note)
