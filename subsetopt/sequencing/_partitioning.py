"""Disjoint parts that resemble each other and the whole."""

from collections.abc import Callable
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._announcing import LOGGER
from subsetopt._checks import require_flag, require_integer, require_number
from subsetopt.limits import Limits
from subsetopt.problems import Kernel, _validation
from subsetopt.problems._kernel_choice import Custom, KernelFunction, kernel_of
from subsetopt.problems._mmd_terms import centred_kernel
from subsetopt.problems._parallel import no_callback, one_blas_thread
from subsetopt.problems._points import points
from subsetopt.problems.scaling import GIVE_SCALE, Method, Scaling, require_columns, warn_unscaled
from subsetopt.solution import Termination

from ._part_kernels import FeatureRows, KernelRows, MatrixRows
from ._partition_result import Partition
from ._partition_task import PartitionTask

Progress = Callable[[int, int], None]


@overload  # type checkers want all parameters again for each kind of answer
def partition(
    X: ArrayLike,
    sizes: Any,
    *,
    balance: Any = None,
    keep_together: Any = None,
    kernel: Kernel | KernelFunction | str = "gaussian",
    scale_columns: Method | None = None,
    tolerance: float | None = None,
    seed: int = 0,
    time_limit: float | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    full_output: Literal[False] = False,
    draws: int = 10,
) -> NDArray[np.int64]: ...


@overload
def partition(
    X: ArrayLike,
    sizes: Any,
    *,
    balance: Any = None,
    keep_together: Any = None,
    kernel: Kernel | KernelFunction | str = "gaussian",
    scale_columns: Method | None = None,
    tolerance: float | None = None,
    seed: int = 0,
    time_limit: float | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    full_output: Literal[True],
    draws: int = 10,
) -> Partition: ...


def partition(
    X: ArrayLike,
    sizes: Any,
    *,
    balance: Any = None,
    keep_together: Any = None,
    kernel: Kernel | KernelFunction | str = "gaussian",
    scale_columns: Method | None = None,
    tolerance: float | None = None,
    seed: int = 0,
    time_limit: float | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    full_output: bool = False,
    draws: int = 10,
) -> NDArray[np.int64] | Partition:
    r"""Divide all rows into parts that resemble each other and the whole.

    For training, validation and test data, folds, or the arms of an experiment. Swaps between
    parts lower, until none helps,

    .. math::
        \sum_a \frac{n_a}{n} \lVert \mu_a - \mu \rVert^2
        = \sum_{a < b} \frac{n_a n_b}{n^2} \lVert \mu_a - \mu_b \rVert^2

    with :math:`\mu_a` the kernel mean of part a of :math:`n_a` rows and :math:`\mu` that of all n:
    the squared MMD of all pairs of parts, each weighted by how often two random rows are in them,
    and, which is the same, of each part and the whole. It is the MMD of the rows themselves, and
    no estimate of a population's.

    Parameters
    ----------
    X : array_like (n, d) or (n,)
        Features, of which float32 are twice as fast; with ``kernel="precomputed"`` the kernel
        matrix (n, n).
    sizes : sequence of float, sequence of int, or int
        Of p >= 2 parts: shares that sum to 1, counts that sum to n, or the number of parts, whose
        sizes then differ by at most one row. Shares are rounded by the largest remainder.
    balance : array_like (n,), or several, optional
        Classes that are to be as frequent in each part as in the whole. Every count is within one
        of proportional; of several labellings, given as a mapping, a data frame, an array (n, q)
        or a list of arrays, where a local search comes to that.
    keep_together : array_like (n,), optional
        Groups, such as patients, each of which goes into one part as a whole. Sizes, and after them
        class counts, are then as near as a local search comes, but for `tolerance`;
        ``Partition.sizes`` and ``off_balance`` say how near.
    kernel : str, Kernel or callable
        As `MMDSelection` takes it.
    scale_columns : {"std", "robust", "none"}, optional
        Likewise.
    tolerance : float, optional
        In [0, 1): by which share of all rows sizes of parts of groups, and class counts, may be
        further off, so that there is something to choose from. None is half an average group with
        `keep_together`, which nearly doubles what is gained, else 0.
    seed : int
        Of the start and the order of swaps; the partition is the same for equal seeds,
        whatever the number of threads.
    time_limit : float, optional
        Seconds, after which the best so far is returned, as it is after Ctrl-C. Where the kernel
        cannot be summed over all pairs in that time, the parts are those of the start, closer than
        random ones, with MMD NaN. Baselines come last, and are NaN where no time is left.
    threads : int, optional
        None is the number of processors.
    progress : callable, optional
        Called now and then with the per cent that are done and 100; ``subsetopt.sequencing.bar``
        shows them.
    full_output : bool
        Return a `Partition`, with MMD and baselines, in place of the array.
    draws : int
        Random partitions of each kind that are the baselines there.

    Returns
    -------
    ndarray of int64 (n,)
        The part of each row, from 0, in the order of `sizes`: an array as labels are elsewhere, for
        ``X[parts == 0]`` or a column of a table. With ``full_output=True`` a `Partition`.

    Raises
    ------
    InvalidProblem, InvalidOption
        Bad data or usage: sizes that do not sum, labels of another length, groups larger than
        every part.
    TooLarge
        If counts of the classes would not fit into the memory.

    Notes
    -----
    The start deals neighbours out to parts, and swaps within blocks of neighbours, O(n d). Then the
    kernel is summed over all pairs once, O(n^2 d), and a sweep of swaps evaluates it between
    blocks of 2,048 rows and the rows that changed; up to 4,096 rows are one block, in which random
    changes and swaps are then tried again. Memory: one block of the matrix, and 128 MiB.

    References
    ----------
    Anticlustering: Papenberg & Klau, Psychological Methods 26(2), 2021; with the linear kernel and
    equal sizes this is their k-means objective. The rounding of class counts: Bacharach,
    Management Science 12(9), 1966.

    Examples
    --------
    >>> partition([0.0, 0.1, 5.0, 5.1, 9.0, 9.1], 2, kernel="linear").tolist()
    [0, 1, 1, 0, 1, 0]
    """
    limits = Limits(seed=seed, time_limit=time_limit, threads=threads)
    require_number("tolerance", tolerance, "[0, 1)", none=True)
    require_flag("full_output", full_output)
    require_integer("draws", draws, "[1, inf)")
    rows = _rows(X, kernel, scale_columns, threads)
    task = PartitionTask.of(rows, sizes, balance, keep_together, limits)
    with one_blas_thread():
        result = task.run(tolerance, draws if full_output else 0, progress or no_callback)
    if result.termination is Termination.INTERRUPTED:
        LOGGER.warning("subsetopt: interrupted; the partition is the best so far")
    return result if full_output else result.parts


def _rows(X: ArrayLike, kernel: Any, scaling: Method | None, threads: int | None) -> KernelRows:
    if isinstance(kernel, str) and kernel == "precomputed":
        require_columns(scaling)
        return MatrixRows(_validation.square_matrix("K", X, copy=False), threads)
    features, chosen = points("X", X), kernel_of(kernel)
    if scaling is None and not isinstance(chosen, Custom):
        warn_unscaled(features, GIVE_SCALE, stacklevel=3)
    scaled = Scaling.of(features, scaling or "none").applied(features)
    return FeatureRows(centred_kernel(chosen.fitted(scaled), scaled), scaled, threads)
