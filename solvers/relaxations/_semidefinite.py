"""The doubly nonnegative relaxation with triangle inequalities, by a first-order method.

For choosing k of n with costs C (the linear term on the diagonal),

    min <C, X>   s.t.   tr X = k,  X 1 = k diag X,  X >= 0,  X psd,  triangle inequalities,

which every ``X = m m'`` satisfies. With ``A*(y, t) = t I + sum_i y_i ((e_i 1' + 1 e_i') / 2 -
k e_i e_i')``, any y, N >= 0 and z >= 0 give the lower bound

    k * lambda_min(C + sum_t z_t T_t - A*(y, 0) - N) - sum_t z_t r_t,

so that the bound is valid however far the method has come. Further `LinearRows` restrict it: rows
``E m = q`` put X on a face of the cone, ``X (1_r - (q_r / k) 1) = 0``, so that the least eigenvalue
is only over vectors of the face; rows ``F m <= f`` have multipliers w >= 0 that add ``F'w`` to the
diagonal of C and take ``f'w`` off the bound. It is computed anew from y, N and z;
with entries of the matrix off by e at most, its least eigenvalue is off by n e at most, which is
taken off; that of the rounded matrix is bounded from below by `_verified_eigenvalue`. The method is
the alternating direction one of Wen, Goldfarb & Yin (2010) on the dual; the multipliers z take
gradient steps, as in first-order versions of the bounds of Krislock, Malick & Roupin (2014).

Called by the nodes of `exact._branching` and by bound="sdp". An iteration is one eigenvalue
decomposition, O(n^3), and a few passes over n^2; to separate is O(n^3) with a small constant.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels
from subsetopt._rounding import UNIT
from subsetopt.solvers._dual_certificates import Multipliers

from ._face import Face, LinearRows, split
from ._verified_eigenvalue import least_eigenvalue

Matrix = NDArray[np.float64]
Proving = tuple[
    NDArray[np.float64], Matrix, NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]
]

_RELAXATION = 1.6  # over-relaxation of the step in X; below the golden ratio it converges
_STEP = 2.0  # of the inequalities' multipliers, over the squared norm of their map
_POWER = 10  # iterations that estimate that norm
_RESTART = 0.1  # of the penalty, where an index is deleted
_PENALTIES = (1e-4, 1e4)
_EVERY = 10  # iterations between two bounds
_LEAST = 0.005  # a violation below this is none
_ROOM = 60_000


def _never() -> bool:
    return False


@dataclass(frozen=True, eq=False)
class Iterate:
    """Where the method stands; everything in units of the relaxation's own scaling.

    Parameters
    ----------
    X, S, N : ndarray (n, n)
        The primal matrix, the dual slack and the multipliers of ``X >= 0``.
    rows : ndarray of int32 (inequalities, 4)
        See `_kernels.triangles`.
    multipliers : ndarray of float64 (inequalities,)
    penalty : float
    prices : ndarray of float64 (limits,)
        The multipliers of `LinearRows.most`.
    """

    X: Matrix
    S: Matrix
    N: Matrix
    rows: NDArray[np.int32]
    multipliers: NDArray[np.float64]
    penalty: float = 1.0
    prices: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    @classmethod
    def centre(cls, n: int, k: int) -> "Iterate":
        """Return the mean over all selections, with no multipliers."""
        X = np.full((n, n), k * (k - 1) / (n * (n - 1)))
        np.fill_diagonal(X, k / n)
        zero = np.zeros((n, n))
        return cls(X, zero, zero, np.empty((0, 4), np.int32), np.empty(0))

    def packed(self) -> "Iterate":
        """Return it in single precision, to be kept."""
        parts = {name: getattr(self, name).astype(np.float32) for name in "XSN"}
        return replace(self, **parts)

    def unpacked(self) -> "Iterate":
        """Return it in double precision, in which the kernels are compiled."""
        return replace(self, **{name: getattr(self, name).astype(np.float64) for name in "XSN"})

    def without(
        self, gone: int | NDArray[np.int64], k: int, taken: bool | NDArray[np.bool_] = False
    ) -> "Iterate":
        """Return what is left of it when indices are deleted and k have to be chosen.

        Those that are `taken` are ones from now on, the others zeros. With ones, `x' S x` is that
        of all of x, as the k that are missing add up to k: so what S and N prove stays proven.
        """
        left = np.delete(np.arange(len(self.X)), gone)
        ones = np.atleast_1d(gone)[np.broadcast_to(taken, np.size(gone))]
        X = self.X[np.ix_(left, left)].astype(np.float64)
        S, N = (_with_ones(part.astype(np.float64), left, ones, k) for part in (self.S, self.N))
        # To the trace that is asked for now. The rows need not be feasible to begin with.
        trace = float(np.trace(X))
        if trace > 1e-9:
            X *= k / trace
        place = np.full(len(self.X), -1, np.int32)
        place[left] = np.arange(len(left))
        rows = np.column_stack([self.rows[:, :1], place[self.rows[:, 1:]]])
        keep = (rows >= 0).all(axis=1)
        # With the penalty that it had, X, which is far off now, would pull S and N after it.
        # Where it has been raised, though, X is what is behind, and inequalities are found in it.
        penalty = self.penalty
        if penalty <= 1.0:
            penalty = max(_RESTART * penalty, _PENALTIES[0])
        parts = rows[keep], self.multipliers[keep], penalty, self.prices
        return Iterate(X, S, N, *parts)


class SemidefiniteRelaxation:
    """One relaxation, to be run as far as is wanted; `bound` only ever rises.

    Parameters
    ----------
    costs : ndarray of float64 (n, n)
        C, symmetric; n >= 3.
    k : int
        2 <= k <= n - 1.
    iterate : Iterate, optional
        Of a similar problem, scaled as `scale` says of this one.
    rows : LinearRows, optional
        What selections keep besides.
    """

    def __init__(
        self,
        costs: Matrix,
        k: int,
        iterate: Iterate | None = None,
        rows: LinearRows | None = None,
    ) -> None:
        self._kernel = _kernels.triangles
        self._k, self._n = k, len(costs)
        self._inverse = _normal_inverse(self._n, k)
        # What the equations see of C is the same for all selections; the rest sets the scale.
        shift, y = self._solve(costs)
        self._constant = shift * k
        rest = costs - _adjoint(shift, y, k)
        largest = float(np.abs(rest).max())
        negligible = 1e-13 * float(np.abs(costs).max())
        self.constant = largest <= negligible  # and counted in the error
        # A power of two, so that scaling rounds nothing; the penalty then suits every problem.
        self.scale = 1.0 if self.constant else float(2.0 ** np.frexp(largest)[1])
        magnitude = float(np.abs(costs).max()) + abs(shift) + k * float(np.abs(y).max())
        self._error = 64 * UNIT * self._n * magnitude + (largest * k if self.constant else 0.0)
        self._costs = np.ascontiguousarray(rest / self.scale)
        self.iterate = Iterate.centre(self._n, k) if iterate is None else iterate.unpacked()
        self._rows = LinearRows.none(self._n) if rows is None else rows
        self._face = Face.of(self._rows, k)
        if len(self.iterate.prices) != len(self._rows.limits):
            self.iterate = replace(self.iterate, prices=np.zeros(len(self._rows.limits)))
        self._combined, self._W = np.zeros_like(costs), np.empty_like(costs)
        self._step = 0.0
        self._refresh()
        self.bound = -math.inf
        self._y = y
        self._proving: Proving | None = None
        self.iterations = 0
        self.progress = (1.0, 1.0)

    def _solve(self, matrix: Matrix) -> tuple[float, NDArray[np.float64]]:
        """Return (t, y) of the least-squares solution of ``A*(t, y) = matrix``."""
        solution = self._inverse @ _forward(matrix, self._k)
        return float(solution[0]), solution[1:]

    def _refresh(self) -> None:
        """Take up new inequalities: what they add to C, and a step that suits their overlap."""
        rows = self.iterate.rows
        self._combine(self.iterate.multipliers, self.iterate.prices)
        self._step = self._pace = 0.0
        if len(self._rows.limits):
            norm = float(np.linalg.norm(self._rows.most, 2))
            self._pace = 1.0 / norm**2 if norm else 0.0
        if len(rows):
            self._step = _STEP / squared_norm(rows, np.zeros_like(self._W), _POWER)

    def _combine(self, multipliers: NDArray[np.float64], prices: NDArray[np.float64]) -> None:
        self._kernel.combine(self.iterate.rows, multipliers, self._combined)
        if len(prices):
            self._combined.flat[:: self._n + 1] += prices @ self._rows.most

    @property
    def multipliers(self) -> Multipliers:
        """What the bound rests on, in units of the costs; equations apart, which are not in it."""
        if self._proving is None:
            nothing = np.zeros((self._n, self._n)), np.empty((0, 4), np.int32), np.empty(0)
            return Multipliers(self._y, *nothing, np.zeros(len(self._rows.limits)))
        y, N, rows, z, prices = self._proving
        scaled = self.scale * N, rows, self.scale * z, self.scale * prices
        return Multipliers(self._y + self.scale * y, *scaled)

    @property
    def marginals(self) -> NDArray[np.float64]:
        """How much of each item is chosen: the diagonal of X."""
        return np.diagonal(self.iterate.X).copy()

    @property
    def value(self) -> float:
        """The primal value: what the bound tends to, once X is feasible."""
        return float((self._costs * self.iterate.X).sum()) * self.scale + self._constant

    def run(
        self, iterations: int, enough: float = math.inf, late: Callable[[], bool] = _never
    ) -> bool:
        """Iterate; returns whether the bound has come above `enough`, where it stops.

        It also stops, with a bound as good as it is by then, once `late` says so.
        """
        if self.constant:
            self.bound = float(self._constant - self._error * self._k)
            return bool(self.bound > enough)
        state, k, kernel = self.iterate, self._k, self._kernel
        X, S, N, mu = state.X.copy(), state.S, np.empty_like(self._W), state.penalty
        z, rows, prices = state.multipliers.copy(), state.rows, state.prices
        wanted = np.zeros(self._n + 1)
        wanted[0] = k
        at = np.empty(len(z))
        right = rows[:, 0] % 2 == 1
        N[:] = state.N
        for count in range(1, iterations + 1):
            # y is where the augmented Lagrangian is least with S, N and X as they are, A A* being
            # the same in every iteration; then N, then S and X. With three such blocks the method
            # need not converge: no bound rests on it.
            seen = self._costs + self._combined
            seen -= S
            seen -= N
            solution = self._inverse @ (_forward(seen, k) + mu * (wanted - _forward(X, k)))
            shift, y = float(solution[0]), solution[1:]
            residual = kernel.dual_step(
                self._costs, self._combined, shift, k, y, mu, X, S, N, self._W
            )
            S, projected = (
                split(self._W, mu) if self._face is None else self._face.split(self._W, mu)
            )
            if len(z) or len(prices):
                # S + N - M + mu X, of which the inequalities see the part that they can change.
                part = S - self._W + mu * (projected - X)
                kernel.violations(part, rows, at)
                at += np.where(right, 1.0 - mu, 0.0)
                z = np.maximum(0.0, z + self._step * at)
                over = self._rows.most @ np.diagonal(part) - mu * self._rows.limits
                prices = np.maximum(0.0, prices + self._pace * over)
                self._combine(z, prices)
            X += _RELAXATION * (projected - X)
            stopping = count == iterations or late()
            if count % _EVERY == 0 or stopping:
                self._measure(y, N, z, rows, prices)
                mu = self._balanced(X, wanted, residual, mu)
                if stopping or self.bound > enough:
                    break
        self.iterations += count
        self.iterate = Iterate(X, S, N, rows, z, mu, prices)
        return bool(self.bound > enough)

    def _measure(
        self,
        y: NDArray[np.float64],
        N: Matrix,
        z: NDArray[np.float64],
        rows: NDArray[np.int32],
        prices: NDArray[np.float64],
    ) -> None:
        """Raise the bound to what these multipliers prove."""
        slack = self._costs + self._combined - _adjoint(0.0, y, self._k) - N
        # <slack, X> >= lambda_min tr X = k lambda_min for X psd; N and z times their inequalities
        # are not negative at any selection, and A*(y, 0) is orthogonal to all of them. So y, N >= 0
        # and z >= 0 may be anything.
        face = self._face
        least = least_eigenvalue(slack) if face is None else face.least(slack)
        # Added one by one: the order in which `sum` adds is NumPy's affair.
        sides = np.cumsum(z[rows[:, 0] % 2 == 1])
        value = self._k * least - (float(sides[-1]) if len(sides) else 0.0)
        parts = 1.0 + self._k * float(np.abs(y).max()) + float(N.max()) + float(np.abs(slack).max())
        # An entry is in 4 n inequalities at most, whose multipliers are added one by one.
        entry = 8 * UNIT * parts + 4 * self._n * UNIT * float(z.sum())
        rounding = self._n * entry + UNIT * abs(least)
        rounding += 64 * UNIT * (abs(value) + float(z.sum()))
        if len(prices):
            value -= float(prices @ self._rows.limits)
            sizes = prices * (np.abs(self._rows.most).max(axis=1) + np.abs(self._rows.limits))
            rounding += 64 * len(prices) * UNIT * float(sizes.sum())
        proven = (value - self._k * rounding) * self.scale + self._constant
        bound = float(proven) - self._error * self._k
        if bound > self.bound:
            self.bound = bound
            self._proving = y, N.copy(), rows, z, prices

    def _balanced(
        self, X: Matrix, wanted: NDArray[np.float64], residual: float, mu: float
    ) -> float:
        """Return the penalty that keeps primal and dual errors alike."""
        primal = float(np.linalg.norm(_forward(X, self._k) - wanted))
        primal = (primal + float(np.linalg.norm(np.minimum(X, 0)))) / (1 + self._k)
        dual = np.sqrt(residual) / (1 + float(np.linalg.norm(self._costs)))
        self.progress = (primal, dual)
        if primal > 5 * dual:
            return min(mu * 1.3, _PENALTIES[1])
        return max(mu * 0.77, _PENALTIES[0]) if dual > 5 * primal else mu

    def tighten(self, most: int, late: Callable[[], bool] = _never) -> int:
        """Drop the slack inequalities, add up to `most` of the most violated; returns how many."""
        state, least = self.iterate, _LEAST
        rows, amounts = np.empty((_ROOM, 4), np.int32), np.empty(_ROOM)
        # More than there is room for: the worst are wanted, so the threshold rises until all fit.
        while (found := self._kernel.separate(state.X, least, rows, amounts)) == _ROOM:
            if late():
                break
            least *= 2
        worst = np.argsort(-amounts[:found], kind="stable")[:most]
        # An inequality without a multiplier does nothing for the bound.
        tight = state.multipliers > 1e-7
        kept = state.rows[tight]
        known = {tuple(row) for row in kept.tolist()}
        new = [row for row in rows[worst].tolist() if tuple(row) not in known]
        self.iterate = replace(
            state,
            rows=np.concatenate([kept, np.array(new, np.int32).reshape(-1, 4)]),
            multipliers=np.concatenate([state.multipliers[tight], np.zeros(len(new))]),
        )
        self._refresh()
        return len(new)


def squared_norm(rows: NDArray[np.int32], work: Matrix, iterations: int) -> float:
    """Return the largest eigenvalue of ``T T*`` by power iterations; `work` is (n, n).

    T takes a matrix to the left sides of the inequalities.
    """
    right = rows[:, 0] % 2 == 1
    at, largest = np.ones(len(rows)), 1.0
    for _ in range(iterations):
        before = at / np.cumsum(at * at)[-1] ** 0.5
        _kernels.triangles.combine(rows, before, work)
        _kernels.triangles.violations(work, rows, at)
        at[right] += 1.0
        largest = float(np.cumsum(before * at)[-1])
    return largest


def _with_ones(matrix: Matrix, left: NDArray[np.int64], ones: NDArray[np.int64], k: int) -> Matrix:
    """Return `matrix` as a form of k ones among those that are left, besides `ones`."""
    part = matrix[np.ix_(left, left)]
    if len(ones) and k:
        across = matrix[np.ix_(left, ones)].sum(axis=1) / k
        part += across[:, None] + across + matrix[np.ix_(ones, ones)].sum() / k**2
    return part


def _forward(X: Matrix, k: int) -> NDArray[np.float64]:
    """Return ``(tr X, X 1 - k diag X)``."""
    diagonal = np.diagonal(X)
    out = np.empty(len(X) + 1)
    out[0] = diagonal.sum()
    np.subtract(X.sum(axis=1), k * diagonal, out=out[1:])
    return out


def _adjoint(shift: float, y: NDArray[np.float64], k: int) -> Matrix:
    matrix = np.add.outer(y / 2, y / 2)
    matrix[np.diag_indices(len(y))] += shift - k * y
    return matrix


@lru_cache(maxsize=512)
def _normal_inverse(n: int, k: int) -> Matrix:
    """Return the inverse of ``A A*``, whose entries are inner products of the constraints."""
    normal = np.full((n + 1, n + 1), 0.5)
    normal[0, :] = normal[:, 0] = 1 - k
    normal[0, 0] = n
    normal[np.arange(1, n + 1), np.arange(1, n + 1)] = (n + 1) / 2 - 2 * k + k * k
    return np.linalg.inv(normal)
