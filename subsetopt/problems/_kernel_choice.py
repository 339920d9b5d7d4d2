"""Kernels from names, functions and objects."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._registry import nearest, require_options
from subsetopt._spec import Spec
from subsetopt.errors import InvalidProblem

from .kernels import Fill, Gaussian, Kernel, Laplace, Linear, Polynomial

KernelFunction = Callable[[NDArray[Any], NDArray[Any]], ArrayLike]


@dataclass(frozen=True)
class Custom(Kernel):
    """A function of the caller's, whose every result is checked."""

    function: KernelFunction

    @property
    def semidefinite(self) -> bool:
        """False: nothing is known of it."""
        return False

    def dtype(self, X: NDArray[Any], Y: NDArray[Any]) -> np.dtype[Any]:
        """Return float32 where it gives at most that, else float64."""
        given = self._result(X[:1], Y[:1]).dtype
        single = given.kind == "f" and given.itemsize <= 4
        return np.dtype(np.float32 if single else np.float64)

    def filler(self, X: NDArray[Any], Y: NDArray[Any]) -> Fill:
        """Return what evaluates blocks, by one call each."""

        def fill(rows: slice, columns: slice, out: NDArray[Any]) -> None:
            out[...] = self._result(X[rows], Y[columns])

        return fill

    def _result(self, X: NDArray[Any], Y: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(all="warn", under="ignore"):
            returned = self.function(X, Y)
        wanted = (len(X), len(Y))
        called = f"the kernel {self.function!r}, given shapes {X.shape} and {Y.shape},"
        try:
            result = np.asarray(returned)
        except (ValueError, TypeError) as error:
            raise InvalidProblem(f"{called} returns no array: {error}") from error
        if result.dtype.kind not in "biuf":
            raise InvalidProblem(f"{called} must return real numbers; got dtype {result.dtype}")
        if result.shape != wanted:
            raise InvalidProblem(f"{called} must return shape {wanted}; got {result.shape}")
        return result


_NAMED: dict[str, type[Kernel]] = {
    "gaussian": Gaussian,
    "laplace": Laplace,
    "polynomial": Polynomial,
    "linear": Linear,
}


MATRIX = ", 'precomputed'"
OBJECTS = ", a kernel object such as Gaussian(scale=1.0), or a function f(X, Y) -> (len(X), len(Y))"
_OTHERS = MATRIX + OBJECTS


def _of_spec(spec: Spec) -> Kernel:
    kind = _NAMED[spec.name]
    require_options(f"kernel {spec.name!r}", spec.options, [one.name for one in fields(kind)])  # type: ignore[arg-type]
    return kind(**spec.options)


def kernel_of(kernel: object, others: str = _OTHERS) -> Kernel:
    """Return the kernel that is meant by an object, a function or a name.

    A name may have options, as in ``"gaussian:scale=2"``. `others` is what a caller takes besides
    names, for the message.
    """
    if isinstance(kernel, Kernel):
        return kernel
    if isinstance(kernel, str) and kernel.partition(":")[0] in _NAMED:
        kernel = Spec.parse(kernel)
    if isinstance(kernel, Spec) and kernel.name in _NAMED:
        return _of_spec(kernel)
    kernel = str(kernel) if isinstance(kernel, Spec) else kernel
    if isinstance(kernel, type):
        raise InvalidProblem(f"kernel is the class {kernel.__name__}; give {kernel.__name__}()")
    if callable(kernel):
        return Custom(kernel)
    raise InvalidProblem(
        f"kernel must be one of {', '.join(map(repr, _NAMED))}{others}; "
        f"got {kernel!r}{nearest(kernel, _NAMED)}"
    )
