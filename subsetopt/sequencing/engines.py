"""Engines: rows of the kernel matrix from memory, or from the features."""

import operator
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._checks import require_integer
from subsetopt._registry import Registry
from subsetopt.errors import InvalidOption, InvalidProblem
from subsetopt.problems import Kernel, _validation
from subsetopt.problems._kernel_choice import Custom, KernelFunction, kernel_of
from subsetopt.problems._memory import memory_limit
from subsetopt.problems._points import points
from subsetopt.problems.scaling import warn_unscaled

__all__ = ["ENGINES", "Engine", "choose"]


@runtime_checkable
class Engine(Protocol):
    """Rows of a kernel matrix K (n, n); the same bits whatever the number of threads.

    One that lives on a device may have a method `own_selector` too, from one of `selectors` to
    what does the same there; one whose row sums take long may take a function in `row_sums`, and
    says so by `tells`, which then hears of pairs of points done and all pairs.

    Attributes
    ----------
    name : str
    kernel : Kernel or "precomputed"
        With its scale as a number.
    n : int
    dtype : dtype
        float32 or float64: that of the rows.
    bytes : int
        Estimate of the memory it holds.
    semidefinite : bool
        K is known to be positive semidefinite but for rounding.
    matrix : ndarray (n, n) or None
        K itself where it is held in `dtype`.
    data : ndarray
        The features, or the precomputed K.
    """

    name: str
    kernel: Any
    n: int
    dtype: np.dtype[Any]
    bytes: int
    semidefinite: bool
    matrix: NDArray[Any] | None
    data: NDArray[Any]

    def diagonal(self) -> NDArray[np.float64]:
        """Return the diagonal of K (n,)."""

    def row_sums(self) -> NDArray[np.float64]:
        """Return the row sums of K (n,)."""

    def rows(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return rows of K (len(indices), n), a view where possible; never to be written to."""

    def describe(self) -> str:
        """Return one line: what it is, and its memory."""


ENGINES = Registry(
    "engine",
    __package__,
    {
        "matrix": "_matrix:whole_matrix",
        "matrix16": "_matrix:half_matrix",
        "rows": "_rows_engine:recomputed_rows",
        "dask": "_cluster_rows:dask_rows",
        "ray": "_cluster_rows:ray_rows",
        "torch": "subsetopt.torch.sequencing._engine:torch_engine",
    },
)
"""Each takes ``(X, kernel, memory=, threads=, seed=)``, those of a cluster also ``scheduler=``."""

_CLUSTERS = ("dask", "ray")


def choose(
    X: ArrayLike,
    kernel: Kernel | KernelFunction | str = "gaussian",
    memory: int | None = None,
    *,
    engine: str = "auto",
    threads: int | None = None,
    seed: int = 0,
    scheduler: Any = None,
) -> Engine:
    """Return an engine for the data; what was chosen and why is its `describe`.

    Parameters
    ----------
    X : array_like (n, d) or (n,)
        Features, or with ``kernel="precomputed"`` the kernel matrix (n, n).
    kernel : str, Kernel or callable
        As `MMDSelection` takes it.
    memory : int, optional
        Bytes that it may take; None is three quarters of the machine's memory.
    engine : str
        ``"auto"`` holds the whole matrix where that fits, else recomputes rows. Those that change
        the sequence, as ``"matrix16"`` does, are only taken by name, and so are ``"dask"`` and
        ``"ray"``: recomputed rows whose sums the workers of a cluster add up.
    threads : int, optional
        None is the number of processors.
    seed : int
        For engines that draw.
    scheduler : object, optional
        Of ``engine="dask"`` or ``"ray"``, as `subsetopt.coreset` takes it; None is the one there
        is.

    Raises
    ------
    InvalidOption
        For an engine that there is not, or that cannot take this kernel.
    InvalidProblem
        For data that state no problem, as `MMDSelection` says.
    TooLarge
        If the engine asked for does not fit.
    """
    if engine != "auto" and engine not in ENGINES:
        known = ", ".join(ENGINES)
        raise InvalidOption(f"engine must be auto, {known} or an Engine; got {engine!r}")
    if scheduler is not None and engine not in _CLUSTERS:
        raise InvalidOption(f"scheduler is of engine='dask' or 'ray'; got {engine!r}")
    require_integer("memory in bytes", memory, "[1, inf)", none=True, error=InvalidProblem)
    if isinstance(kernel, str) and kernel == "precomputed":
        if engine not in ("auto", "matrix"):
            raise InvalidOption(
                f"engine is {engine!r}, but a precomputed matrix is there already: leave it out"
            )
        from ._matrix import given_matrix

        return given_matrix(_validation.square_matrix("K", X, copy=False), threads)
    given: dict[str, Any] = {"memory": memory, "threads": threads, "seed": seed}
    if engine in _CLUSTERS:
        given["scheduler"] = scheduler
    return _of_features(points("X", X), kernel_of(kernel), memory, engine, given)


def _of_features(
    X: NDArray[Any], kernel: Kernel, memory: int | None, engine: str, given: dict[str, Any]
) -> Engine:
    if not isinstance(kernel, Custom):
        warn_unscaled(X, "Scale them first: subsetopt.scale_columns(X).", stacklevel=5)
    fitted = kernel.fitted(X)
    if engine == "auto":
        from ._matrix import matrix_bytes

        needed = matrix_bytes(X, fitted.dtype(X, X))
        engine = "matrix" if needed <= (memory or memory_limit()) else "rows"
    made: Engine = ENGINES.load(engine)(X, fitted, **given)
    return made


def batch_size_of(size: object, n: int) -> int:
    """Return the size of batches of n points; InvalidProblem if it is none."""
    try:
        return _validation.subset_size(size, n)
    except InvalidProblem:
        raise InvalidProblem(f"batch_size must be an integer in [1, {n}]; got {size!r}") from None


def batch_count_of(batches: object, n: int, size: int, drop_last: bool) -> int:
    """Return how many batches there are to be, None is all; InvalidOption for more than all."""
    every = n // size if drop_last else -(-n // size)
    require_integer("batches", batches, f"[1, {every}]", none=True)
    return every if batches is None else operator.index(batches)  # type: ignore[arg-type]
