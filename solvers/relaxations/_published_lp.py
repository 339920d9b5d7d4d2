r"""The relaxation of the published integer program (Eq. 10), without a linear program.

With the best w written in, it minimises over 0 <= m <= 1, 1'm = k the convex function

.. math::
    f(m) = r'm + \sum_{i,j: z_{ij} \ge 0} z_{ij} \max(0, (m_i + m_j - 1) / 2), \qquad
    r_i = \sum_{j: z_{ij} < 0} z_{ij},

since a negative z pushes w up to (m_i + m_j) / 2 and another pushes it down to what the row or
zero allows. So m is an optimum as soon as some subgradient g of f at m has

.. math:: f(m) + \min_v g'(v - m) = f(m) \quad \text{over } 0 \le v \le 1, \; 1'v = k,

and whatever g is, the left side is a bound. Two points are tried. *Halves*: 1/2 at the 2k lowest
r, where f is half their sum. Every pair within these 2k lies on a kink, so that g is r plus
``T @ 1`` for any symmetric T with 0 <= T <= max(Z, 0) there, and m is optimal if some T lifts all
of them to the same value, no higher than the lowest r outside. Where no z_ij is negative r = 0,
T = 0 does it, and the value is 0. *Ones*: 1 at the k lowest r, with g as it is just below the
kinks; optimal if no z_ij is positive, for one. If neither can be shown to be optimal, nor may be:
a strongly negative r_i can be worth m_i = 1 among halves.

Called by `_relaxation` for `lp-rounding`. The relaxation says little, as docs/relaxations.md
measures: pairs with m_i + m_j <= 1 are free, so that halves avoid all positive z_ij. It is here
because it is Algorithm 1 of Deterministic Mini-batch Sequencing, and no linear programme needs to
be solved for it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from subsetopt.models import QuadraticForm
from subsetopt.solvers._deadline import NEVER, Deadline

_BLOCK = 2**23  # entries at once: some 20 ms
_SCALINGS = 2000
_HIGH = 1e8  # where no T exists the scalings grow without limit
_ACCURACY = 1e-8  # relative; a hundredth of the tolerance of a solver of linear programmes


class RelaxationPoint(NamedTuple):
    """A point of the relaxation and a lower bound on the optimum."""

    m: NDArray[np.float64]
    value: float
    bound: float

    @property
    def optimal(self) -> bool:
        """Whether the bound shows the value to be the optimum."""
        return self.value - self.bound <= _ACCURACY * max(abs(self.value), abs(self.bound))


def closed_form(form: QuadraticForm, deadline: Deadline = NEVER) -> RelaxationPoint | None:
    """Return the optimum of the published relaxation, or None where this cannot show it.

    O(n^2) for the signs and O(n log n) for the order; to show that halves are optimal takes
    O(k^2) a step for at most some thousands, usually tens.
    """
    r = negative_parts(form, deadline)
    order = np.argsort(r, kind="stable")
    for attempt in (_halves, _ones):
        point = attempt(form, r, order, deadline)
        if point is not None and point.optimal:
            return point
    return None


def negative_parts(form: QuadraticForm, deadline: Deadline = NEVER) -> NDArray[np.float64]:
    """Return r: the sum of the negative entries of each row of Z = A + diag(c); O(n^2)."""
    n, sums = form.n, np.empty(form.n)
    for part in deadline.chunks(n, n, _BLOCK):
        negative = np.minimum(form.matrix[part], 0)
        # Left out, not taken off again: what is left of a row may be far smaller than its A_ii.
        negative[np.arange(len(negative)), np.arange(n)[part]] = 0
        sums[part] = negative.sum(axis=1, dtype=np.float64)
    own = form.matrix.diagonal().astype(np.float64)
    return sums + np.minimum(own + form.linear, 0)


def _halves(
    form: QuadraticForm, r: NDArray[np.float64], order: NDArray[np.int64], deadline: Deadline
) -> RelaxationPoint | None:
    half = order[: 2 * form.k]
    if half.size > form.n - form.n % 2 or half.size < 2 * form.k:
        return None
    m = np.zeros(form.n)
    m[half] = 0.5
    # Lifted by this much all of the 2k are as high as the last, so that no exchange among them
    # gains, and none with what is outside.
    wanted = r[half[-1]] - r[half]
    g = r.copy()
    g[half] += _row_sums(_positive_part(form, half, deadline), wanted, deadline)
    return _point(m, float(r[half].sum()) / 2, g, form.k)


def _row_sums(
    most: NDArray[np.float64], wanted: NDArray[np.float64], deadline: Deadline = NEVER
) -> NDArray[np.float64]:
    """Return the row sums, near `wanted`, of some symmetric T with 0 <= T <= `most`.

    T is ``most`` scaled by u on both sides (symmetric Sinkhorn), cut off at `most`.
    """
    top = float(wanted.max())
    if top == 0.0:
        return np.zeros(wanted.size)
    with np.errstate(over="ignore"):  # an infinite entry limits nothing
        most, wanted = np.minimum(most / top, _HIGH), wanted / top
    u = np.sqrt(wanted)
    for _ in range(_SCALINGS):
        deadline.check()
        reached = u * (most @ u)
        if np.abs(reached - wanted).max() <= _ACCURACY / 10:
            break
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            # The root of the ratio: T is symmetric, u is on both of its sides, and a full step
            # would go back and forth.
            u = np.where(reached > 0, np.minimum(u * np.sqrt(wanted / reached), _HIGH), 0.0)
    sums = np.empty(u.size)
    for part in deadline.chunks(u.size, u.size, _BLOCK):
        # Whatever u is, this T is between 0 and `most`, so that g is a subgradient and the bound is
        # valid; whether it is good `optimal` tells.
        sums[part] = (most[part] * np.minimum(np.outer(u[part], u), 1.0)).sum(axis=1)
    return top * sums


def _ones(
    form: QuadraticForm, r: NDArray[np.float64], order: NDArray[np.int64], deadline: Deadline
) -> RelaxationPoint:
    chosen = order[: form.k]
    m = np.zeros(form.n)
    m[chosen] = 1.0
    lifted = _positive_part(form, chosen, deadline).sum(axis=1)
    g = r.copy()
    g[chosen] += lifted
    return _point(m, float(r[chosen].sum() + lifted.sum() / 2), g, form.k)


def _positive_part(
    form: QuadraticForm, rows: NDArray[np.int64], deadline: Deadline
) -> NDArray[np.float64]:
    """Return the positive entries of Z among `rows`, zero elsewhere."""
    block = np.empty((rows.size, rows.size))
    for part in deadline.chunks(rows.size, rows.size, _BLOCK):
        block[part] = form.matrix[np.ix_(rows[part], rows)]
    block[np.diag_indices(rows.size)] += form.linear[rows]
    return np.maximum(block, 0, out=block)


def _point(m: NDArray[np.float64], value: float, g: NDArray[np.float64], k: int) -> RelaxationPoint:
    # f(v) >= f(m) + g'(v - m) for a subgradient g. r sums negative numbers alone and T positive
    # ones: the two may cancel in g, but not in g and the value at once, which the magnitudes below
    # are of.
    least = float(np.sort(g)[:k].sum())
    slack = 1e-14 * (abs(value) + float(np.abs(g) @ m) + abs(least))
    return RelaxationPoint(m, value, value - float(g @ m) + least - slack)
