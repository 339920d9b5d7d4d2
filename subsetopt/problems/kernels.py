"""Reproducing kernels: inner products of feature maps."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sqrt
from threading import local
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from subsetopt._checks import is_number, require, require_integer, require_number, within
from subsetopt.errors import InvalidProblem

from ._points import add_distances, alike, median_distance, points, standardised

__all__ = ["Gaussian", "Kernel", "Laplace", "Linear", "Polynomial"]

Fill = Callable[[slice, slice, NDArray[Any]], None]
"""Writes the kernel of some rows of X and some rows of Y into an array."""
Add = Callable[[slice, slice], NDArray[Any]]
"""Returns for some rows of X the sums of the kernel with some rows of Y."""

_SINGLE_ENOUGH = 128.0  # half squared norms up to which float32 products leave 1e-4 at worst
_PRODUCTS_ENOUGH = 1e8  # the same for float64 and 1e-6


class Kernel(ABC):
    """A symmetric function of two points; called with X (n, d) and Y (m, d) it returns (n, m)."""

    block: ClassVar[int] = 512
    """How many rows to evaluate at a time."""
    normalised: ClassVar[bool] = False
    """Every point's kernel with itself is 1."""

    @property
    def semidefinite(self) -> bool:
        """Whether every matrix of it is known to be positive semidefinite."""
        return True

    def fitted(self, *clouds: NDArray[Any]) -> "Kernel":
        """Return the kernel with what depends on the data filled in."""
        return self

    def dtype(self, X: NDArray[Any], Y: NDArray[Any]) -> np.dtype[Any]:
        """Return the dtype of its matrices."""
        return np.result_type(X, Y)

    @abstractmethod
    def filler(self, X: NDArray[Any], Y: NDArray[Any]) -> Fill:
        """Return what evaluates blocks of the kernel matrix of X (n, d) and Y (m, d)."""

    def quick_filler(self, X: NDArray[Any], Y: NDArray[Any]) -> Fill:
        """Return what evaluates blocks to be added up, where that is faster; else `filler`."""
        return self.filler(X, Y)

    def adder(self, X: NDArray[Any], Y: NDArray[Any]) -> Add:
        """Return what sums blocks of the kernel matrix of X (n, d) and Y (m, d) over Y's rows."""
        fill, room = self.quick_filler(X, Y), scratch(self.dtype(X, Y))

        def add(rows: slice, columns: slice) -> NDArray[Any]:
            block = room(len(X[rows]), len(Y[columns]))
            fill(rows, columns, block)
            return self.sums_of(block)

        return add

    def sums_of(self, block: NDArray[Any]) -> NDArray[Any]:
        """Return the sums of the rows of a block, in float32 where its entries are at most 1."""
        if self.normalised and block.dtype == np.float32:
            return np.asarray(block @ np.ones(block.shape[1], np.float32))
        return np.asarray(block.sum(axis=1, dtype=np.float64))

    def __call__(self, X: ArrayLike, Y: ArrayLike) -> NDArray[Any]:
        """Return the kernel matrix (n, m)."""
        first, second = alike(("X", "Y"), points("X", X), points("Y", Y))
        matrix = np.empty((len(first), len(second)), self.dtype(first, second))
        with np.errstate(all="ignore"):
            self.filler(first, second)(slice(None), slice(None), matrix)
        return matrix


def scratch(dtype: DTypeLike) -> Callable[[int, int], NDArray[Any]]:
    """Return what gives an array (n, m) to write to, the same memory again in each thread.

    Getting and returning memory block by block costs more than filling it where the allocator gives
    it back to the system at once, as processes of Dask are set to.
    """
    own = local()

    def room(n: int, m: int) -> NDArray[Any]:
        if not hasattr(own, "room") or own.room.size < n * m:
            own.room = np.empty(n * m, dtype)
        return np.asarray(own.room[: n * m].reshape(n, m))

    return room


@dataclass(frozen=True)
class Gaussian(Kernel):
    r""":math:`\exp(-\lVert x - y \rVert_2^2 / (2 s^2))`.

    Parameters
    ----------
    scale : float or "median"
        s > 0. "median" is ``sqrt(median ||x - y||**2 / 2)`` over the distinct pairs of all points,
        candidates and selected together; of more than 2,000 points a fixed uniform sample of 2,000
        is taken. Where most points coincide, the distances that are not zero count; where all do,
        it is 1.
    """

    scale: float | Literal["median"] = "median"
    normalised: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", _scale(self.scale))

    def fitted(self, *clouds: NDArray[Any]) -> "Gaussian":
        """Return the kernel with its scale as a number."""
        if self.scale != "median":
            return self
        return replace(self, scale=median_distance(2, *clouds) / sqrt(2) or 1.0)

    def filler(self, X: NDArray[Any], Y: NDArray[Any]) -> Fill:
        """Return what evaluates blocks, by one matrix product each.

        float32 features are multiplied in float64 where the scale is so small that float32 would
        lose more than four digits, and where float64 would too, differences are formed one by one.
        """
        scale = _fitted_scale(self)
        centre = X.mean(axis=0, dtype=np.float64)
        dtype = self.dtype(X, Y)
        with np.errstate(all="ignore"):
            left, half_left = standardised(X, centre, scale, dtype)
            right, half_right = (
                (left, half_left) if Y is X else standardised(Y, centre, scale, dtype)
            )
            largest = max(half_left.max(), half_right.max())
            if not largest <= _PRODUCTS_ENOUGH:
                return _by_differences(X, Y, scale)
            if dtype == np.float32 and largest > _SINGLE_ENOUGH:
                left = standardised(X, centre, scale, np.float64)[0]
                right = left if Y is X else standardised(Y, centre, scale, np.float64)[0]
        halves = half_left.astype(left.dtype)[:, None], half_right.astype(left.dtype)

        def fill(rows: slice, columns: slice, out: NDArray[Any]) -> None:
            exponent = out if out.dtype == left.dtype else np.empty(out.shape)
            np.matmul(left[rows], right[columns].T, out=exponent)
            exponent -= halves[0][rows]
            # Not above 0, by rounding: NumPy takes the minimum with a row in a third of the time
            # that it takes with a number.
            np.minimum(exponent, halves[1][columns], out=exponent)
            exponent -= halves[1][columns]
            np.exp(exponent, out=out, casting="same_kind")

        return fill

    def quick_filler(self, X: NDArray[Any], Y: NDArray[Any]) -> Fill:
        """Return what evaluates blocks to be added up, in half the time.

        The exponents come from one product of rows with two columns more, half their squared norms
        and ones. In float32 they may be above 0 by their rounding, which a sum hardly sees.
        """
        scale = _fitted_scale(self)
        if self.dtype(X, Y) != np.float32:
            return self.filler(X, Y)
        centre = X.mean(axis=0, dtype=np.float64)
        with np.errstate(all="ignore"):
            wide, largest = _with_halves(X, centre, scale, first=True)
            other, most = _with_halves(Y, centre, scale, first=False)
        if not max(largest, most) <= _SINGLE_ENOUGH:
            return self.filler(X, Y)

        def fill(rows: slice, columns: slice, out: NDArray[Any]) -> None:
            np.matmul(wide[rows], other[columns].T, out=out)
            np.exp(out, out=out)

        return fill


def _with_halves(
    X: NDArray[Any], centre: NDArray[np.float64], scale: float, *, first: bool
) -> tuple[NDArray[np.float32], float]:
    """Return scaled rows, less half their squared norms and ones behind them; the largest half.

    Nothing else of the size of X is held.
    """
    wide = np.ones((len(X), X.shape[1] + 2), np.float32)
    _, halves = standardised(X, centre, scale, np.float32, wide[:, :-2])
    wide[:, -2 if first else -1] = -halves
    return wide, float(halves.max())


@dataclass(frozen=True)
class Laplace(Kernel):
    r""":math:`\exp(-\lVert x - y \rVert_1 / s)`, with the sum of absolute differences.

    Parameters
    ----------
    scale : float or "median"
        s > 0. "median" is the median of ``||x - y||_1``, taken as `Gaussian` takes its own.
    """

    scale: float | Literal["median"] = "median"
    block: ClassVar[int] = 256
    normalised: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", _scale(self.scale))

    def fitted(self, *clouds: NDArray[Any]) -> "Laplace":
        """Return the kernel with its scale as a number."""
        if self.scale != "median":
            return self
        return replace(self, scale=median_distance(1, *clouds) or 1.0)

    def filler(self, X: NDArray[Any], Y: NDArray[Any]) -> Fill:
        """Return what evaluates blocks, in d passes over each."""
        scale = _fitted_scale(self)

        def fill(rows: slice, columns: slice, out: NDArray[Any]) -> None:
            out[...] = 0
            add_distances(X[rows], Y[columns], 1, out)
            out /= -scale
            np.exp(out, out=out)

        return fill


@dataclass(frozen=True)
class Polynomial(Kernel):
    r""":math:`(\gamma \, x'y + c)^p`.

    Parameters
    ----------
    degree : int
        p >= 1.
    gamma : float or None
        :math:`\gamma > 0`; None is 1 / d.
    coef0 : float
        c. Where it is negative the kernel may be indefinite, which is then checked.
    """

    degree: int = 3
    gamma: float | None = None
    coef0: float = 1.0

    def __post_init__(self) -> None:
        require_integer("degree", self.degree, "[1, inf)", error=InvalidProblem)
        require_number("gamma", self.gamma, "(0, inf)", none=True, error=InvalidProblem)
        require_number("coef0", self.coef0, "(-inf, inf)", error=InvalidProblem)

    @property
    def semidefinite(self) -> bool:
        """True unless coef0 is negative."""
        return self.coef0 >= 0

    def filler(self, X: NDArray[Any], Y: NDArray[Any]) -> Fill:
        """Return what evaluates blocks, by one matrix product each."""
        gamma = 1 / X.shape[1] if self.gamma is None else float(self.gamma)

        def fill(rows: slice, columns: slice, out: NDArray[Any]) -> None:
            np.matmul(X[rows], Y[columns].T, out=out)
            out *= gamma
            out += float(self.coef0)
            base = out.copy() if self.degree > 1 else out
            for _ in range(1, self.degree):
                out *= base

        return fill


@dataclass(frozen=True)
class Linear(Kernel):
    """``x'y``: MMD is then the distance of the means of the points themselves.

    `MMDSelection` subtracts the mean of the points first: MMD is the same and less cancels.
    """

    def filler(self, X: NDArray[Any], Y: NDArray[Any]) -> Fill:
        """Return what evaluates blocks, by one matrix product each."""

        def fill(rows: slice, columns: slice, out: NDArray[Any]) -> None:
            np.matmul(X[rows], Y[columns].T, out=out)

        return fill


def _scale(scale: object) -> float | Literal["median"]:
    if isinstance(scale, str) and scale == "median":
        return "median"
    good = is_number(scale) and within(scale, "(0, inf)")
    require("scale", scale, good, "a finite number > 0 or 'median'", error=InvalidProblem)
    return float(scale)  # type: ignore[arg-type]


def _fitted_scale(kernel: Gaussian | Laplace) -> float:
    if kernel.scale == "median":
        raise InvalidProblem(
            f"the scale of {kernel!r} depends on the data: kernel.fitted(points) sets it"
        )
    return kernel.scale


def _by_differences(X: NDArray[Any], Y: NDArray[Any], scale: float) -> Fill:
    """Return what evaluates blocks of the Gaussian with nothing cancelling; O(d) passes."""

    def fill(rows: slice, columns: slice, out: NDArray[Any]) -> None:
        squares = np.zeros(out.shape)
        add_distances(X[rows], Y[columns], 2, squares, scale)
        squares *= -0.5
        np.exp(squares, out=out, casting="same_kind")

    return fill
