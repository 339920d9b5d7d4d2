"""The quadratic that squared MMD is, from the kernel matrix and its sums."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt import _rounding
from subsetopt.models import QuadraticForm, RowsForm

from ._centring import centre
from ._computed_rows import ComputedRows, is_stored
from ._kernel_matrices import (
    kernel_matrix,
    kernel_sums,
    require_resolved,
    require_semidefinite,
    symmetric_kernel,
)
from ._memory import require_memory
from ._mmd_target import TargetTerms
from ._relative_kernels import relative
from .kernels import Kernel

Form = QuadraticForm | RowsForm


@dataclass(frozen=True, eq=False)
class Terms:
    r"""Kernel matrix and sums over the candidates Q and the points P selected before.

    Parameters
    ----------
    matrix : ndarray or ComputedRows (q, q)
        K(Q, Q), the latter where it does not fit.
    cross : ndarray of float64 (q,)
        For each candidate the sum of its kernels with P.
    within : float
        The sum of K(P, P).
    selected : int
        The number of points in P.
    semidefinite : bool
        K(Q, Q) is known to be positive semidefinite.
    distance : bool
        Squared MMD is known to be at least 0: the kernel is semidefinite on all points together.
    positions : ndarray of int64 (q,) or None
        As `QuadraticForm` has it.
    target : TargetTerms or None
        Of the distribution to match; None is that of the candidates that are left.
    """

    matrix: NDArray[Any] | ComputedRows
    cross: NDArray[np.float64]
    within: float
    selected: int
    semidefinite: bool
    distance: bool
    positions: NDArray[np.int64] | None = None
    target: TargetTerms | None = None

    def aimed(self, target: TargetTerms, joint: bool = True) -> "Terms":
        """Return the terms of a target; `joint` if the kernel is semidefinite on its points too."""
        return replace(self, target=target, distance=self.distance and target.evaluated and joint)

    @property
    def candidates(self) -> int:
        """The number of candidates, n_Q."""
        return len(self.matrix)

    @property
    def points(self) -> int:
        """The number of all points, N."""
        return self.candidates + self.selected

    def add_up(self, told: Callable[[int, int], None] | None) -> None:
        """Evaluate `own`; `told` hears of pairs of candidates done and all pairs, if it is long."""
        if isinstance(self.matrix, ComputedRows):
            self.matrix.row_sums(told)
        self.own  # noqa: B018

    @cached_property
    def own(self) -> NDArray[np.float64]:
        """For each candidate the sum of its kernels with all candidates (q,)."""
        if isinstance(self.matrix, ComputedRows):
            return self.matrix.row_sums()
        return np.asarray(self.matrix.sum(axis=1, dtype=np.float64))

    def squared_distance(self, k: int) -> Form:
        """Return the squared MMD, to the target or else to the rest."""
        return self._to_rest(k) if self.target is None else self._to_target(k, self.target)

    def _to_target(self, k: int, target: TargetTerms) -> Form:
        r"""Return :math:`\lVert \alpha (S_P + S_B) - \mu \rVert^2`, alpha being 1/(n_P + k)."""
        chosen = self.selected + k
        alpha = 1 / chosen
        linear = 2 * (self.cross - chosen * target.values)
        parts = alpha**2 * self.within, -2 * alpha * target.selected, target.squared_norm
        form = self._stated(k, linear, alpha**2, sum(parts))
        most = float(np.abs(linear).max())
        inner = 2 * chosen * target.doubt + 4 * _rounding.UNIT * most
        constant = (2 * alpha * self.selected + 1) * target.doubt
        constant += 4 * _rounding.UNIT * sum(map(abs, parts))
        return self._doubted(form, inner, most, constant)

    def _to_rest(self, k: int) -> Form:
        r"""Return the squared MMD to the candidates that are left.

        With :math:`\alpha = 1/(n_P + k)` and :math:`\beta = 1/(n_Q - k)` it is
        :math:`\lVert \alpha S_P - \beta S_Q + (\alpha + \beta) S_B \rVert^2`, S being sums of
        feature maps.
        """
        chosen, rest = self.selected + k, self.candidates - k
        alpha, beta = 1 / chosen, 1 / rest
        constant = alpha**2 * self.within - 2 * alpha * beta * float(self.cross.sum())
        constant += beta**2 * float(self.own.sum())
        linear = 2 * (rest * self.cross - chosen * self.own) / self.points
        return self._of_rest(k, linear, (alpha + beta) ** 2, constant, beta)

    def published(self, k: int) -> Form:
        """Return ``m'Phi m - p2'm + p3'm``, Eq. 5 and 6 as they are printed."""
        chosen, rest = self.selected + k, self.candidates - k
        linear = (rest * self.cross - chosen * self.own) / self.points
        return self._of_rest(k, linear, 1.0, 0.0, 0.0)

    def _of_rest(
        self, k: int, linear: NDArray[np.float64], scale: float, constant: float, beta: float
    ) -> Form:
        form = self._stated(k, linear, scale, constant)
        n, u = self.candidates, _rounding.UNIT
        most = float(np.abs(linear).max())
        sums = _rounding.of_sum(n) * n * form.largest  # of each row
        inner = 2 * (self.selected + k) / self.points * sums + 4 * u * most
        doubt = beta**2 * 2 * n * sums + 4 * u * self._constants(form, beta)
        return self._doubted(form, inner, most, doubt)

    def _stated(self, k: int, linear: NDArray[np.float64], scale: float, constant: float) -> Form:
        linear.setflags(write=False)
        semidefinite, positions = self.semidefinite, self.positions
        if isinstance(self.matrix, ComputedRows):
            return RowsForm(self.matrix, linear, k, scale, constant, semidefinite)
        return QuadraticForm(self.matrix, linear, k, scale, constant, semidefinite, positions)

    def _doubted(self, form: Form, linear: float, most: float, constant: float) -> Form:
        """Return the form with what the rounding of sums, and of what follows, may amount to.

        `linear` is what a linear term may be off by, `most` the largest of them, `constant` what
        the constant may be off by. The matrix and the sums with P are taken as they are.
        """
        k = form.k
        products = 8 * _rounding.UNIT * (k * form.largest + most)
        error = form.scale * k * (linear + products) + constant
        if isinstance(self.matrix, ComputedRows):  # entries are evaluated more than once
            error += 4 * self.matrix.doubt
        return replace(form, error=error).in_range()

    def _constants(self, form: Form, beta: float) -> float:
        """Return the sum of the magnitudes of the parts of the constant."""
        if beta == 0.0:
            return 0.0
        alpha = 1 / (self.selected + form.k)
        parts = abs(self.within), float(np.abs(self.cross).sum()), self.candidates
        return (
            alpha**2 * parts[0]
            + 2 * alpha * beta * parts[1]
            + beta**2 * parts[2] ** 2 * form.largest
        )


def centred_kernel(kernel: Kernel, *clouds: NDArray[Any]) -> Kernel:
    """Return the kernel relative to the mean of all points, where that matters."""
    return relative(kernel, centre(*clouds))


def terms_of_features(
    kernel: Kernel, X: NDArray[Any], P: NDArray[Any] | None, limit: int | None
) -> Terms:
    """Return the terms of candidates X and of the points P selected before.

    The matrix is held where it fits into the limit, else its rows are computed. Raises as
    `kernel_matrix`, `symmetric_kernel`, `require_semidefinite` and `require_resolved` do.
    """
    matrix: NDArray[Any] | ComputedRows
    semidefinite = kernel.semidefinite
    if is_stored(kernel, X, limit):
        matrix, semidefinite = _matrix_of(kernel, X, limit)
    else:
        matrix = ComputedRows(X, kernel, limit=limit)
        matrix.require_kernel()
    if P is None:
        return Terms(matrix, np.zeros(len(X)), 0.0, 0, semidefinite, semidefinite)
    cross = kernel_sums(kernel, X, P)
    within = float(kernel_sums(kernel, P, P).sum())
    return Terms(matrix, cross, within, len(P), semidefinite, kernel.semidefinite)


def _matrix_of(kernel: Kernel, X: NDArray[Any], limit: int | None) -> tuple[NDArray[Any], bool]:
    matrix = kernel_matrix(kernel, X, limit)
    if (X[0] != X).any():  # else it is constant
        require_resolved(f"the kernel {kernel!r}", matrix)
    if kernel.semidefinite:
        return matrix, True
    matrix = symmetric_kernel("the kernel matrix", matrix)
    return matrix, require_semidefinite("the kernel matrix", matrix)


def terms_of_matrix(
    K: NDArray[Any], selected: NDArray[np.int64] | None, limit: int | None
) -> Terms:
    """Return the terms of a symmetric kernel matrix of all points, some of them selected before.

    Raises as `require_semidefinite` and `require_resolved` do, and TooLarge if a copy of the other
    rows would not fit.
    """
    n = len(K)
    if K.any():
        require_resolved("K", K)
    if selected is None:
        semidefinite = require_semidefinite("K", K)
        return Terms(K, np.zeros(n), 0.0, 0, semidefinite, semidefinite)
    positions = np.setdiff1d(np.arange(n), selected)
    require_memory(
        f"the {len(positions)} x {len(positions)} kernel matrix of the candidates",
        K.itemsize * len(positions) ** 2,
        ("give K as float32, or " if K.itemsize > 4 else "") + "raise memory_limit (in Python)",
        limit,
    )
    semidefinite = require_semidefinite("K", K)
    matrix = K[np.ix_(positions, positions)]
    matrix.setflags(write=False)
    cross = K[np.ix_(positions, selected)].sum(axis=1, dtype=np.float64)
    within = float(K[np.ix_(selected, selected)].sum(dtype=np.float64))
    return Terms(matrix, cross, within, len(selected), semidefinite, semidefinite, positions)
