r"""Convexification of quadratic selection problems by a diagonal shift.

On selections :math:`m_i^2 = m_i`, so :math:`m'(A - D)m + (c + d)'m` with :math:`D = diag(d)` has
their values whatever d is. Bounds from convexity need :math:`w'(A - D)w \ge 0` only for the
differences w of points with one sum, whose entries sum to zero; and of such d the larger one gives
the better bound, also where A is semidefinite to begin with.

`diagonal` serves Frank-Wolfe (`_quadratic_relaxation`), `convexified` the quadratic programs of
HiGHS and of backends. The uniform diagonal is the eigenvalue method of Hammer & Rubin (1970); the
one of largest trace, see `_trace`, is worth its cost: the bound on MMD with nothing selected before
is 0 without it, and the median of 0.44 of the best known value with it (n = 200, k = 20,
docs/relaxations.md).
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._rounding import UNIT, of_sum
from subsetopt.errors import TooLarge
from subsetopt.models import QuadraticForm
from subsetopt.problems._parallel import one_blas_thread
from subsetopt.solvers._deadline import NEVER, Deadline, OutOfTime

from ._trace import largest_trace
from ._verified_eigenvalue import least_eigenvalue

_MOST = 4096  # rows of a matrix whose eigenvalues are computed
_QUICK = 1024  # the same where it is semidefinite already, so that only the bound gains
_SECONDS = 1e-10  # times n^3: eigenvalues on one core or two
_LOADED = 5.0  # times that, where others use the processors
_SWEEPING = 5e-7  # times n^2: the largest trace
_SHARE = 0.5  # of the time that is left, which the diagonal may take
_SMALL = 512  # rows up to which one thread is faster
_ENTRIES = 2**22  # of a matrix that are read between two looks at the clock
_ULPS = 8  # by how many the entries of a semidefinite matrix may be off


@dataclass(frozen=True)
class Diagonal:
    """What is taken off the diagonal of a form's matrix, for ``A - diag(d)`` to be convex.

    Parameters
    ----------
    values : ndarray of float64 (n,)
        d.
    slack : float
        How far bounds that follow from convexity can be too high; to be taken off them.
    """

    values: NDArray[np.float64]
    slack: float


def diagonal(form: QuadraticForm, deadline: Deadline = NEVER) -> Diagonal:
    """Return a diagonal that makes the form convex where sums are zero.

    Up to 1024 rows one of nearly the largest trace, which is what bounds gain from; up to 4096
    the best uniform one, the least eigenvalue over vectors that sum to zero; both in O(n^3). Past
    that, or where it would take more than half of the time that is left, the one that leaves a
    diagonally dominant matrix, in O(n^2). Semidefinite matrices of more than 1024 rows are left as
    they are: zeros. Raises OutOfTime where not even that is possible.
    """
    if form.semidefinite and form.n > _QUICK:
        return Diagonal(np.zeros(form.n), slack(form, deadline))
    if form.n > _MOST or _SECONDS * form.n**3 > _SHARE * deadline.remaining:
        return Diagonal(_dominated(form.matrix, deadline), 0.0)
    early = deadline.sooner(_SHARE * deadline.remaining) if deadline.limited else deadline
    try:
        if form.n > _SMALL:
            return _by_eigenvalues(form, early)
        with one_blas_thread():
            return _by_eigenvalues(form, early)
    except OutOfTime:  # it took longer than was estimated
        return Diagonal(_dominated(form.matrix, deadline), 0.0)


def _by_eigenvalues(form: QuadraticForm, deadline: Deadline) -> Diagonal:
    n, seconds = form.n, _SECONDS * form.n**3
    centred, norm = _centred_and_raised(form.matrix)
    margin = _margin(form, norm)
    lowest = deadline.wait_for(lambda: least_eigenvalue(centred), _LOADED * seconds)
    # The centring is rounded; the diagonal is lowered by that, so that convexity holds for the
    # matrix as it is stored.
    least = np.full(n, lowest - margin)
    seconds += _SWEEPING * n**2
    if n == 1 or n > _QUICK or seconds > deadline.remaining:
        return Diagonal(np.zeros(1) if n == 1 else least, 0.0)
    try:
        raised = deadline.wait_for(
            lambda: _shifted(centred, largest_trace(centred, deadline)), _LOADED * seconds
        )
    except OutOfTime:
        return Diagonal(least, 0.0)
    raised = raised - margin
    return Diagonal(raised if raised.sum() > least.sum() else least, 0.0)


def _shifted(matrix: NDArray[np.float64], taken: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a diagonal plus what leaves the matrix less it just semidefinite."""
    rest = matrix.copy()
    rest.flat[:: len(matrix) + 1] -= taken
    sizes = np.abs(taken) + np.abs(np.diagonal(matrix))
    return taken + least_eigenvalue(rest) - UNIT * float(sizes.max())


def slack(form: QuadraticForm, deadline: Deadline = NEVER) -> float:
    """Return how far convexity-based bounds of a semidefinite form can be too high.

    A bound that takes A for convex is too high by ``-w'Aw`` at most, where w = v - m is the way
    from a feasible point to a selection: ``|w|_1 <= 2 min(k, n - k)`` and no entry is above 1. Up
    to 1024 rows the least eigenvalue over such w says how much that is, in O(n^3). Past that, with
    A = S + E, S semidefinite and every ``|E_ij| <= e``, it is ``e |w|_1^2``; e is taken to be
    eight units in the last place of the largest entry, in the precision of the entries.
    """
    # |w|_2^2 <= |w|_1 max |w_i| <= |w|_1.
    reach = 2.0 * min(form.k, form.n - form.k)
    term = _ULPS * UNIT * float(np.abs(form.linear).max())
    if form.n <= _QUICK and _SECONDS * form.n**3 <= _SHARE * deadline.remaining:
        with one_blas_thread():
            centred, norm = _centred_and_raised(form.matrix)
            least = least_eigenvalue(centred) - _margin(form, norm)
        return max(0.0, -least) * reach + term * form.k
    entry = _ULPS * float(np.finfo(form.matrix.dtype).eps) * largest_entry(form.matrix, deadline)
    return entry * reach * reach + term * form.k


def _margin(form: QuadraticForm, norm: float) -> float:
    """Return how far eigenvalues may be off by the rounding of the centring."""
    return form.n * UNIT * (norm + 8.0 * form.largest)


def convexified(form: QuadraticForm) -> QuadraticForm:
    r"""Return a form with a semidefinite matrix and the same value on every selection.

    ``P(A - D)P`` with the diagonal d of `diagonal` and P the projection on vectors that sum to
    zero; what :math:`1'm = k` makes linear is in the linear term. Semidefinite in all directions,
    so that general QP codes take it. Values change by rounding, counted in its `error`. A form
    whose diagonal is zero is returned as it is.

    Raises
    ------
    TooLarge
        For more than 4096 rows of a matrix that is not known to be semidefinite.
    """
    if not form.semidefinite:
        _require_size(form.n)
    taken = diagonal(form).values
    return centred(form, taken) if taken.any() or not form.semidefinite else form


def centred(form: QuadraticForm, taken: NDArray[np.float64]) -> QuadraticForm:
    """Return the form with ``P(A - diag(taken))P``, in float64; O(n^2)."""
    n, k = form.n, form.k
    matrix = form.matrix.astype(np.float64)
    matrix.flat[:: n + 1] -= taken
    means = matrix.mean(axis=1)
    mean = float(means.mean())
    matrix -= np.add.outer(means, means) - mean
    # With m = Pm + (k/n) 1: twice the mixed term, and the last term shared out over k ones.
    linear = form.linear + taken + 2.0 * k * (means - mean) + k * mean
    for part in (matrix, linear):
        part.setflags(write=False)
    # Sums of n, and differences of what may be far larger than what is left.
    off = 8.0 * k * k * (of_sum(n) + 8 * UNIT) * (form.largest + float(np.abs(taken).max()))
    return dataclasses.replace(
        form,
        matrix=matrix,
        linear=linear,
        semidefinite=True,
        error=form.error + form.scale * off,
    )


def _centred_and_raised(matrix: NDArray[Any]) -> tuple[NDArray[np.float64], float]:
    """Return ``PAP + (norm / n) 11'``, definite where A is on vectors that sum to zero; the norm.

    The vector of ones, the only other eigenvector, is thereby put at the other end.
    """
    double = matrix.astype(np.float64)
    means = double.mean(axis=1)
    double -= np.add.outer(means, means) - means.mean()
    norm = float(np.abs(double).sum(axis=1).max())
    # Row sums of magnitudes bound every eigenvalue, so that of the ones becomes the largest, and
    # the least is over vectors that sum to zero.
    double += norm / len(matrix)
    return double, norm


def _dominated(matrix: NDArray[Any], deadline: Deadline = NEVER) -> NDArray[np.float64]:
    """Return d with ``A_ii - d_i`` no less than the sum of the other ``|A_ij|``, rounding included.

    A row at a time: no copy of the matrix.
    """
    sums = np.empty(len(matrix))
    for part in deadline.chunks(len(matrix), len(matrix), _ENTRIES):
        sums[part] = [np.abs(row).sum(dtype=np.float64) for row in matrix[part]]
    own = matrix.diagonal().astype(np.float64)
    dominated: NDArray[np.float64] = own - (sums - np.abs(own))
    # Gershgorin: a row whose diagonal outweighs the others leaves no negative eigenvalue. Less the
    # rounding of n terms, four times over.
    return dominated - 4 * len(matrix) * float(np.finfo(np.float64).eps) * sums


def largest_entry(matrix: NDArray[Any], deadline: Deadline = NEVER) -> float:
    """Return the largest magnitude; O(n^2)."""
    parts = (matrix[part] for part in deadline.chunks(len(matrix), len(matrix), _ENTRIES))
    return max(max(float(part.max()), -float(part.min())) for part in parts)


def _require_size(n: int) -> None:
    if n > _MOST:
        seconds = _SECONDS * n**3
        raise TooLarge(
            f"the least eigenvalue of a matrix of {n} rows, which is not known to be semidefinite, "
            f"would take some {seconds:.0f} s; convex programs take at most {_MOST} rows: "
            "solver 'frank-wolfe' takes more",
            seconds=seconds,
            bytes=24.0 * n * n,
        )
