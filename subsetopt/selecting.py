"""`select`: mean matching of losses in microseconds, without a certificate."""

import gc
import math
import os
import sys
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import subsetopt
from subsetopt._kernels._tiers import Tiers, seeded
from subsetopt._processes import processors
from subsetopt.errors import InvalidProblem, InvalidResult
from subsetopt.limits import Limits
from subsetopt.problems import _validation

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["select"]

_TOLERANCE = 2e-6
_ROUNDS = 4
_PAIRS = 768
_MEAN = math.nan  # what stands for no target
_ONE_CALL = 4096  # more values take so long that a few calls do not matter
_ROWS_AT_ONCE = 128  # fewer are done before a thread has woken up


def select(
    losses: Any,
    k: int,
    *,
    target: ArrayLike | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> Any:
    """Select k losses whose mean matches the mean of all, in microseconds.

    The same method as ``solve(MeanMatching(losses, k), "swap")``, without the certificate and with
    a looser tolerance: it stops at an error of 2e-6 interquartile ranges of the losses, or after
    four rounds of restarts.

    Parameters
    ----------
    losses : array_like, torch.Tensor or collection of Dask, (n,) or (B, n)
        Finite real numbers. Rows of a batch are independent, and solved in parallel. Of an array or
        column of Dask the partitions stay where they are: see `select_parts`.
    k : int
        How many to choose, 1 <= k <= n.
    target : float or array_like (B,), optional
        What the means are to match instead of the means of the losses.
    seed : int
        Seed of the restarts; the answer depends on nothing but the arguments.
    threads : int, optional
        For a batch: how many threads share the rows; None is the number of processors.

    Returns
    -------
    ndarray or torch.Tensor of int64, (k,) or (B, k)
        Sorted, unique indices; a tensor, on the same device, if `losses` is one.

    Raises
    ------
    InvalidProblem
        If the losses are not finite real numbers of such a shape, or k lies outside 1..n.
    InvalidOption
        For a seed or a number of threads outside their domain.

    Notes
    -----
    O(n log n): one sort, then O(n) a round. From 2^18 losses on they are sorted by their bytes, on
    all cores; 32 bytes of memory each, and half as many again for float64.

    Examples
    --------
    >>> import numpy as np
    >>> losses = np.random.default_rng(0).exponential(size=128).astype(np.float32)
    >>> chosen = select(losses, k=13)
    >>> bool(abs(losses[chosen].mean() - losses.mean()) < 1e-5)
    True
    """
    if type(losses) is np.ndarray:
        array = losses
    elif type(losses).__module__.partition(".")[0] == "torch":
        return _select_tensor(losses, k, target, seed, threads)
    elif type(losses).__module__.startswith("dask") and losses.ndim == 1:
        return subsetopt.select_parts(losses, k, target=target, seed=seed).indices
    else:
        array = _listed(losses)
    if array.dtype.char not in "fd":
        array = _plain(array)
    n, dimensions = array.size, array.ndim
    if dimensions == 2:
        return _select_batch(array, k, target, seed, threads)
    wanted = _MEAN if target is None else _number(target)
    if dimensions != 1 or type(k) is not int or not 0 < k <= n:
        k = _checked_size(array, k)
    if threads is not None or type(seed) is not int or not 0 <= seed < 2**31:
        Limits(threads=threads, seed=seed)  # raises the error that says what is wrong
    indices = np.empty(k, np.int64)
    if n > _ONE_CALL:
        finite = _by_rounds(array, wanted, seed, indices)
    else:
        order = array.argsort()
        values = array.take(order).astype(np.float64, copy=False)
        finite = (_compiled or _kernels(n)).select_sorted(
            values, order, wanted, _TOLERANCE, _ROUNDS, _PAIRS, _word(seed), indices
        )
    if not finite:
        _explain(array)
    return indices


def _by_rounds(losses: NDArray[Any], target: float, seed: int, indices: NDArray[np.int64]) -> bool:
    """Select as the kernel does, by calls of its parts: they are compiled in half the time."""
    from subsetopt._kernels._tiers import seeded
    from subsetopt.solvers._ordering import ascending
    from subsetopt.solvers.heuristics._scalar_search import Rounds, in_range, spread

    values, order = ascending(losses)
    if not math.isfinite(values[0] + values[-1]):
        return False
    values, exponent, k = *in_range(values), indices.size
    mean = values.cumsum()[-1] / values.size  # one by one, as the kernel adds
    wanted = k * (mean if math.isnan(target) else math.ldexp(target, -exponent))
    limit = _TOLERANCE * k * spread(values)
    rounds = Rounds(values, k, wanted, limit, _PAIRS, 0, seeded(seed))
    rounds.start()
    rounds.run(0, _ROUNDS)
    indices[:] = rounds.indices(order)
    return True


@cache
def _word(seed: int) -> np.uint64:
    """Return the state of the random generator as the kernels want it, whatever its size."""
    word: np.uint64 = seeded(seed)[0]
    return word


_tiers: Any = None
_compiled: ModuleType | None = None  # once it has been chosen


def _kernels(steps: int) -> ModuleType:
    """Return the module of `select_sorted`, compiled or not, for a job of so many values."""
    global _tiers, _compiled
    if _tiers is None:
        # Loading the compiler makes a million objects and no garbage: to look for some among
        # them, as the collector would, takes a tenth of a second.
        collecting = gc.isenabled()
        gc.disable()
        try:
            _tiers = Tiers("sum_matching", kernel="sum_matching.select_sorted")
            _tiers.choose(20 * steps + 2 * _ROUNDS * _PAIRS)
        finally:
            if collecting:
                gc.enable()
    module: ModuleType = _tiers.choose(20 * steps + 2 * _ROUNDS * _PAIRS)[0]
    _compiled = module if _tiers.compiled else None
    return module


@cache
def _pool(workers: int) -> "Executor":
    """Return threads that are kept from call to call: to start them takes as long as 20 rows."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(workers, thread_name_prefix="subsetopt")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork


def _listed(losses: Any) -> NDArray[Any]:
    try:
        return np.asarray(losses)
    except (ValueError, TypeError) as error:
        raise InvalidProblem(
            f"losses cannot be read as an array: {error}; rows of a batch have one length, and "
            "select_parts selects from parts of any lengths together"
        ) from error


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array as the kernels are compiled for: float32 or float64, contiguous."""
    if array.dtype.kind not in "iufb" or array.dtype.itemsize > 8:
        raise InvalidProblem(
            f"losses must be real numbers of at most 64 bits; got dtype {array.dtype}: "
            "convert with losses.astype(float)"
        )
    dtype = np.float32 if array.dtype.kind == "f" and array.dtype.itemsize <= 4 else np.float64
    return np.array(array, dtype=dtype, order="C")


def _number(target: ArrayLike) -> float:
    return float(_validation.numeric_array("target", target, dimensions=(0,)))


def _checked_size(losses: NDArray[Any], k: object) -> int:
    """Say what is wrong with the shape or with k; returns k where it was but of another type."""
    if losses.ndim not in (1, 2) or losses.size == 0:
        _validation.numeric_array("losses", losses, dimensions=(1, 2))
    return _validation.subset_size(k, losses.shape[-1])


def _explain(losses: NDArray[Any]) -> None:
    """Raise the error that says which loss is not finite, or that the sum overflows."""
    _validation.numeric_array("losses", losses, dimensions=(1, 2))
    raise InvalidResult("the kernel refused losses that pass all checks")


def _select_batch(
    losses: NDArray[Any], k: object, target: ArrayLike | None, seed: int, threads: int | None
) -> NDArray[np.int64]:
    losses = np.require(losses, losses.dtype.newbyteorder("="), "C")
    size = _checked_size(losses, k)
    rows = len(losses)
    if target is None:
        targets = np.full(rows, math.nan)
    else:
        given = _validation.numeric_array("target", target, dimensions=(0, 1))
        if given.ndim == 1 and len(given) != rows:
            raise InvalidProblem(
                f"target must be a number or have shape ({rows},); got shape {given.shape}"
            )
        targets = np.array(np.broadcast_to(given, rows), dtype=np.float64)
    Limits(threads=threads, seed=seed)
    selected = np.empty((rows, size), np.int64)
    kernel, word = _kernels(losses.size).select_rows, _word(seed)

    parts = iter([slice(row, row + _ROWS_AT_ONCE) for row in range(0, rows, _ROWS_AT_ONCE)])

    def work() -> bool:
        """Take parts until none is left; returns whether all their rows are finite."""
        good = True
        for part in parts:  # threads share the iterator: whoever is free takes the next
            order = np.argsort(losses[part], axis=1)
            bad = kernel(
                np.take_along_axis(losses[part], order, 1).astype(np.float64),
                order,
                size,
                targets[part],
                _TOLERANCE,
                _ROUNDS,
                _PAIRS,
                word,
                selected[part],
            )
            good = good and bad < 0
        return good

    workers = min(threads or processors(), -(-rows // _ROWS_AT_ONCE))
    others = [_pool(workers - 1).submit(work) for _ in range(workers - 1)]
    if not all([work(), *(other.result() for other in others)]):
        _explain(losses)
    return selected


def _select_tensor(
    losses: Any, k: int, target: ArrayLike | None, seed: int, threads: int | None
) -> Any:
    torch = sys.modules["torch"]  # there is a tensor, so it has been imported
    plain = losses.detach()
    if plain.is_floating_point() and plain.element_size() < 4:
        plain = plain.float()
    if isinstance(target, torch.Tensor):
        target = target.detach().cpu().numpy()
    array = plain.cpu().contiguous().numpy()
    indices = select(array, k, target=target, seed=seed, threads=threads)
    return torch.from_numpy(indices).to(losses.device)
