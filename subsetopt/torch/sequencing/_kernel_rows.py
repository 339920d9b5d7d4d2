"""Kernels on a torch device: the points as they are held there, and blocks of the kernel matrix."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidOption
from subsetopt.problems import Gaussian, Kernel, Laplace, Linear, Polynomial
from subsetopt.problems._points import standardised

Tensor = Any
Finish = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From products (r, c), and the half squared norms of both sides, to the kernel, in place."""

DTYPES = ("float32", "bfloat16", "float16")
_SINGLE_ENOUGH = 128.0  # half squared norms up to which float32 products leave 1e-4 at worst
_PRODUCTS_ENOUGH = 1e8  # the same for float64 and 1e-6
_PIECE = 2**26  # numbers of a temporary copy


def load() -> Any:
    """Import torch; MissingDependency if it is not installed."""
    return OptionalDependency("torch", "torch", extra="torch").load()


@contextmanager
def whole_products(torch: Any) -> Iterator[None]:
    """Keep products of float32 from being rounded to ten bits, as training loops ask for."""
    try:
        precision = torch.get_float32_matmul_precision()
    except RuntimeError:  # it has been set by the names that torch has for this since 2.9
        with _whole_by_newer_names(torch):
            yield
        return
    if precision == "highest":
        yield
        return
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)


@contextmanager
def _whole_by_newer_names(torch: Any) -> Iterator[None]:
    parts = torch.backends.cuda.matmul, torch.backends.mkldnn.matmul
    rounding = [(part, part.fp32_precision) for part in parts]
    rounding = [(part, held) for part, held in rounding if held not in ("ieee", "none")]
    for part, _ in rounding:
        part.fp32_precision = "ieee"
    try:
        yield
    finally:
        for part, held in rounding:
            part.fp32_precision = held


class Points:
    """Points (n, d) on a device, in `dtype`; their kernel is evaluated in float32 or float64.

    Where the points are rounded to 16 bits, the kernel is that of the rounded points, so that it
    stays positive semidefinite.

    Parameters
    ----------
    kernel : Kernel
        Fitted: its scale is a number.
    X : ndarray (n, d)
    device, dtype : of torch
    """

    def __init__(self, torch: Any, kernel: Kernel, X: NDArray[Any], device: Any, dtype: Any):
        self._torch = torch
        self.kernel = kernel
        self._cuda = device.type == "cuda"
        narrow = dtype.itemsize < 4
        values = torch.from_numpy(_values(kernel, X, narrow)).to(device)
        self.dtype = values.dtype  # of what `block` returns
        self._held = values.to(dtype) if narrow else values
        if not bool(torch.isfinite(self._held).all()):
            raise InvalidOption(f"dtype is {dtype}, whose range the features exceed; scale down")
        self._halves = self._squares() / 2
        self._finish = _finish(kernel, X.shape[1])

    def __len__(self) -> int:
        return len(self._held)

    def block(self, rows: Tensor | slice, columns: slice = slice(None)) -> Tensor:
        """Return the kernel of some points and a range of all (r, c), in float32 or float64."""
        left = self._held[rows] if isinstance(rows, slice) else self._held.index_select(0, rows)
        right = self._held[columns]
        if isinstance(self.kernel, Laplace):
            block = self._distances(left, right)
        else:
            block = self._products(left, right)
        halves = (
            self._halves[rows] if isinstance(rows, slice) else self._halves.index_select(0, rows)
        )
        return self._finish(block, halves, self._halves[columns])

    def diagonal(self) -> Tensor:
        """Return the kernel of each point with itself (n,), in float64."""
        if self.kernel.normalised:
            return self._torch.ones_like(self._halves, dtype=self._torch.float64)
        squares = self._squares()[:, None]
        return self._finish(squares, squares[:, 0], squares[:0, 0])[:, 0]

    def _squares(self) -> Tensor:
        """Return the squared norms of the points as they are held, in float64."""
        step = max(1, _PIECE // self._held.shape[1])
        parts = [part.double().square().sum(dim=1) for part in self._held.split(step)]
        return self._torch.cat(parts)

    def _products(self, left: Tensor, right: Tensor) -> Tensor:
        if left.dtype == self.dtype:
            return left @ right.T
        if self._cuda and hasattr(self._torch.ops.aten.mm, "dtype"):
            return self._torch.mm(left, right.T, out_dtype=self.dtype)
        if self._cuda:
            return (left @ right.T).to(self.dtype)
        return left.to(self.dtype) @ right.to(self.dtype).T

    def _distances(self, left: Tensor, right: Tensor) -> Tensor:
        """Return sums of absolute differences (r, c)."""
        step = max(1, _PIECE // left.shape[1])
        left = left.to(self.dtype)
        pieces = [
            self._torch.cdist(left, piece.to(self.dtype), p=1.0) for piece in right.split(step)
        ]
        return pieces[0] if len(pieces) == 1 else self._torch.cat(pieces, dim=1)


def _values(kernel: Kernel, X: NDArray[Any], narrow: bool) -> NDArray[Any]:
    """Return the points as the device should have them, in float32 where that is precise enough."""
    if not isinstance(kernel, Gaussian):
        with np.errstate(over="ignore"):
            return X.astype(np.float32)
    centre = X.mean(axis=0, dtype=np.float64)
    scale = float(kernel.scale)  # a number, since the kernel is fitted
    values, halves = standardised(X, centre, scale, np.float32)
    largest = float(halves.max())
    if not largest <= (_SINGLE_ENOUGH if narrow else _PRODUCTS_ENOUGH):
        fix = "dtype='float32'" if narrow else "engine='rows'"
        raise InvalidOption(
            f"points are up to {np.sqrt(2 * largest):.3g} times the scale {scale:.3g} away from "
            f"their mean, so that products on the device would lose their digits; take {fix}"
        )
    return values if largest <= _SINGLE_ENOUGH else standardised(X, centre, scale, np.float64)[0]


def _finish(kernel: Kernel, d: int) -> Finish:
    match kernel:
        case Gaussian():
            return lambda block, left, right: (
                block.sub_(left[:, None]).sub_(right).clamp_(max=0).exp_()
            )
        case Laplace():
            scale = kernel.scale
            return lambda block, left, right: block.div_(-scale).exp_()  # type: ignore[operator]
        case Polynomial():
            gamma = 1 / d if kernel.gamma is None else float(kernel.gamma)
            return lambda block, left, right: (
                block.mul_(gamma).add_(float(kernel.coef0)).pow_(kernel.degree)
            )
        case Linear():
            return lambda block, left, right: block
    raise InvalidOption(
        f"the torch engine cannot evaluate the kernel {kernel!r}; it takes gaussian, laplace, "
        "polynomial and linear: take engine='rows' or engine='matrix'"
    )
