"""Engines on low-rank features: K is approximated by ``Z Z'``, whose rows cost O(n rank)."""

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidOption
from subsetopt.problems import Gaussian, Kernel, Laplace, Linear, Polynomial
from subsetopt.problems._memory import require_memory
from subsetopt.problems._parallel import one_blas_thread

from ._rows_engine import RowsEngine

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
    from subsetopt._dependencies import OptionalDependency

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
