r"""Inner products of feature maps as seen from that of one point, the origin o.

.. math::
    \tilde K(x, y) = \langle \phi_x - \phi_o, \phi_y - \phi_o \rangle
    = K(x, y) - K(x, o) - K(o, y) + K(o, o)

The distance of two means is the same for both, since their weights add up to 1 each, and what all
points have in common, which may be far larger, is not there to cancel. It must not be computed as
it is written, which would cancel the same; see each kernel.
"""

from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kernels import Fill, Kernel, Linear, Polynomial


def relative(kernel: Kernel, origin: NDArray[np.float64]) -> Kernel:
    """Return the kernel relative to an origin (d,), or as it is where nothing can cancel.

    Gaussians and the like see differences of points only, and are at most 1. Of kernels that may
    be indefinite the relative one would not show it.
    """
    if isinstance(kernel, Linear) or (isinstance(kernel, Polynomial) and kernel.semidefinite):
        return Relative(kernel, tuple(origin.tolist()))
    return kernel


@dataclass(frozen=True, repr=False)
class Relative(Kernel):
    r"""A linear or polynomial kernel relative to an origin.

    Linear: :math:`(x - o)'(y - o)`. Polynomial, with :math:`a = x - o`, :math:`b = y - o`,
    :math:`u = \gamma\, o'a`, :math:`v = \gamma\, o'b`, :math:`q = \gamma\, a'b` and
    :math:`z = \gamma\, o'o + c`, so that :math:`K(x, y) = (z + u + v + q)^p`,

    .. math::
        \tilde K(x, y) = \sum_{i=1}^p \binom pi q^i (z + u + v)^{p-i}
        + \sum_{i, j \ge 1} \frac{p!}{i!\, j!\, (p-i-j)!} u^i v^j z^{p-i-j}

    by the binomial theorem, the second sum being
    :math:`(z + u + v)^p - (z + u)^p - (z + v)^p + z^p`. Every term has a factor from x and one from
    y that vanish at the origin.

    Parameters
    ----------
    kernel : Linear or Polynomial
    origin : tuple of float (d,)
    """

    kernel: Kernel
    origin: tuple[float, ...]

    def __repr__(self) -> str:
        return repr(self.kernel)  # in messages: the one that was asked for

    def filler(self, X: NDArray[Any], Y: NDArray[Any]) -> Fill:
        """Return what evaluates blocks, by a matrix product each, two for polynomials."""
        # The difference comes before the conversion: in float32 it would keep few of its digits.
        origin, dtype = np.array(self.origin), self.dtype(X, Y)
        left = (X - origin).astype(dtype)
        right = left if Y is X else (Y - origin).astype(dtype)
        if isinstance(self.kernel, Polynomial):
            return _polynomial(self.kernel, origin, left, right)

        def fill(rows: slice, columns: slice, out: NDArray[Any]) -> None:
            np.matmul(left[rows], right[columns].T, out=out)

        return fill


def _polynomial(
    kernel: Polynomial, origin: NDArray[np.float64], left: NDArray[Any], right: NDArray[Any]
) -> Fill:
    p, dtype = kernel.degree, left.dtype
    gamma = 1 / origin.size if kernel.gamma is None else float(kernel.gamma)
    powers = range(1, p)
    with np.errstate(all="ignore"):  # what overflows is seen in the blocks
        z = np.float64(gamma * float(origin @ origin) + float(kernel.coef0))
        u, v = gamma * (left @ origin), gamma * (right @ origin)
        # The second sum as a product: powers of u, and those of v with all the coefficients.
        mixed = np.array([[_mixed(p, i, j, z) for j in powers] for i in powers])
        exponents = np.array(powers, int)
        ups = (u[:, None] ** exponents).astype(dtype)
        downs = ((v[:, None] ** exponents) @ mixed.reshape(p - 1, p - 1).T).astype(dtype)

    def fill(rows: slice, columns: slice, out: NDArray[Any]) -> None:
        q = np.matmul(left[rows], right[columns].T)
        q *= dtype.type(gamma)
        base = (z + np.add.outer(u[rows], v[columns])).astype(dtype)
        # A matrix product of p - 1 columns: each term is a function of x times one of y. As the
        # difference of powers that it is, the sum would cancel.
        np.matmul(ups[rows], downs[columns].T, out=out)
        inner = np.ones_like(q)  # by Horner: sum of comb(p, i) q^(i-1) base^(p-i)
        raised = np.ones_like(base)
        for i in range(p - 1, 0, -1):
            inner *= q
            raised *= base
            inner += comb(p, i) * raised
        out += np.multiply(q, inner, out=inner)

    return fill


def _mixed(p: int, i: int, j: int, z: np.float64) -> np.float64:
    """Return the factor of ``u^i v^j`` in ``(z + u + v)^p``."""
    # The coefficient of u^i v^j is the multinomial one: choose i of p factors, then j of the
    # others.
    if i + j > p:
        return np.float64(0)
    return comb(p, i) * comb(p - i, j) * z ** (p - i - j)
