"""The kernel mean of a distribution that is to be matched, where its points are not at hand."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._checks import require_number
from subsetopt.errors import InvalidProblem

from . import _validation
from ._identity import fingerprint

__all__ = ["MeanEmbedding"]


@dataclass(frozen=True, eq=False, init=False)
class MeanEmbedding:
    r"""A kernel mean :math:`\mu`, known by its inner products with the candidates.

    For a target that is too large to be held as points, that is known in closed form (the mean
    embedding of a Gaussian under a Gaussian kernel, say), or of which only this may be shared.

    Parameters
    ----------
    values : array_like (n,)
        :math:`\langle \mu, \phi_i \rangle`, the mean over the target of its kernel with candidate
        i; with ``kernel="precomputed"`` one for each row of the kernel matrix.
    squared_norm : float, optional
        :math:`\lVert \mu \rVert^2`, the mean kernel of two points of the target. Without it
        objectives are the squared MMD less this constant, and may be negative.
    selected : array_like (m,), optional
        The same inner products with the points that were selected before; needed where a problem
        on features has some.

    Raises
    ------
    InvalidProblem
        For values that are no finite numbers, or a negative squared norm.

    Examples
    --------
    >>> MeanEmbedding([0.5, 0.25], squared_norm=0.5)
    MeanEmbedding(n=2, squared_norm=0.5)
    """

    values: NDArray[np.float64]
    squared_norm: float | None
    selected: NDArray[np.float64] | None

    def __init__(
        self,
        values: ArrayLike,
        squared_norm: float | None = None,
        selected: ArrayLike | None = None,
    ) -> None:
        require_number("squared_norm", squared_norm, "[0, inf)", none=True, error=InvalidProblem)
        norm = None if squared_norm is None else float(squared_norm)
        object.__setattr__(self, "values", _vector("values", values))
        object.__setattr__(self, "squared_norm", norm)
        before = None if selected is None else _vector("selected", selected)
        object.__setattr__(self, "selected", before)

    @property
    def _key(self) -> tuple[object, ...]:
        before = None if self.selected is None else fingerprint(self.selected)
        return (fingerprint(self.values), self.squared_norm, before)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MeanEmbedding):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"MeanEmbedding(n={len(self.values)}, squared_norm={self.squared_norm!r})"


def _vector(name: str, values: ArrayLike) -> NDArray[Any]:
    array = _validation.numeric_array(f"MeanEmbedding's {name}", values, dimensions=(1,))
    array = array.astype(np.float64)
    array.setflags(write=False)
    return array
