r"""Submodular batches: uncertain, apart from each other, close to the mean, covering all features.

After Joseph, Teja, Singh & Balasubramanian, Submodular Batch Selection for Training Deep Neural
Networks, IJCAI 2019. A batch S is chosen greedily for

.. math::
    F(S) = \lambda_1 \sum_{x \in S} U(x) + \lambda_2 \sum_{x \in S} R(x)
         + \lambda_3 \sum_{x \in S} C(x) + \lambda_4 \sum_u \sqrt{\sum_{x \in S} m_u(x)}

This is written from the objective, not from the paper's text. The paper's are the four terms
and the greedy maximisation: U is the entropy of the model's prediction, R the smallest
distance to those chosen, C the closeness to the mean of the data, and the last term matches
features. Assumed here, since the terms have different units:

- ``U(x) = scores[x] / max scores``;
- R is the distance to the nearest of those chosen *before* x, over twice the radius, the largest
  distance of a point from the mean; 0 for the first;
- ``C(x) = 1 - |x - mean| / radius``, so that all terms are nowhere negative;
- ``m_u(x) = x_u / mean_u`` and the sum over features is divided by their number;
- weights are 1; means and radius are those of all points, whatever is left of them.

The terms of U, C and the features are monotone and submodular. The sum of smallest distances is
not: as a function of sets it is neither, so that with :math:`\lambda_2 > 0` no share of the optimum
is guaranteed. What greedy compares, ``R(x)`` given those chosen, never grows with them, except
from none to one; so lazy evaluation takes the same points as plain greedy.
"""

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt import _kernels
from subsetopt._checks import require_number
from subsetopt.errors import InvalidOption, InvalidProblem
from subsetopt.problems._points import points

from .base import (
    Baseline,
    Indices,
    Picker,
    available_mask,
    checked_scores,
    drawn,
    require_pool,
    require_room,
)

__all__ = ["Submodular"]


@dataclass(frozen=True, kw_only=True)
class Submodular(Baseline):
    r"""Greedy on uncertainty, diversity, closeness to the mean and coverage of the features.

    Parameters
    ----------
    uncertainty, diversity, closeness, coverage : float
        The weights :math:`\lambda_1` to :math:`\lambda_4`, 0 or more, not all 0. Uncertainty
        needs `scores`: without them its term is left out, with a warning. Coverage needs features
        that are nowhere negative, such as activations after a ReLU.
    pool : int or None
        Each batch is chosen from so many of the points left, drawn uniformly; None is all.
    """

    uncertainty: float = 1.0
    diversity: float = 1.0
    closeness: float = 1.0
    coverage: float = 1.0
    pool: int | None = 4096

    name: ClassVar[str] = "submodular"

    def __post_init__(self) -> None:
        weights = {name: getattr(self, name) for name in _WEIGHTS}
        for name, value in weights.items():
            require_number(name, value, "[0, inf)")
        if not any(weights.values()):
            raise InvalidOption(f"the weights {', '.join(weights)} are all 0; give one above 0")
        require_pool(self.pool)

    def picker(
        self, X: NDArray[Any], k: int, scores: NDArray[np.float64] | None, rng: np.random.Generator
    ) -> Picker:
        """Return what picks from a pool; O(n d) here, and O(pool d) and more a batch."""
        require_room(self.pool, k)
        terms = self._terms(X, scores)
        return lambda left, size: terms.greedy(drawn(left, self.pool, rng), size)[0]

    def greedy(
        self,
        X: ArrayLike,
        k: int,
        *,
        available: ArrayLike | None = None,
        scores: ArrayLike | None = None,
    ) -> tuple[Indices, NDArray[np.float64]]:
        """Choose k of the available points, whatever the pool.

        Returns
        -------
        indices : ndarray of int64 (k,)
            In the order taken.
        gains : ndarray of float64 (k,)
            What each adds to F; never increasing from the second on.
        """
        features = points("X", X)
        mask, size = available_mask(available, len(features), k)
        terms = self._terms(features, checked_scores(scores, len(features)))
        return terms.greedy(np.flatnonzero(mask), size)

    def _terms(self, X: NDArray[Any], scores: NDArray[np.float64] | None) -> "_Terms":
        if self.coverage and X.min() < 0:
            i, u = np.unravel_index(int(X.argmin()), X.shape)
            raise InvalidProblem(
                f"X[{i}, {u}] is {X[i, u]:.4g}; coverage takes roots of sums of features, so they "
                "must be at least 0: give np.maximum(X, 0), X - X.min(axis=0), or coverage=0"
            )
        mean = X.mean(axis=0, dtype=np.float64)
        distance = np.concatenate(
            [np.linalg.norm(X[i : i + 1024] - mean, axis=1) for i in range(0, len(X), 1024)]
        )
        radius = float(distance.max()) or 1.0
        modular = self.closeness * (1 - distance / radius) + self._uncertainties(scores)
        inverse = np.divide(1.0, mean, out=np.zeros_like(mean), where=mean > _TINY)
        return _Terms(X, modular, self.diversity / (2 * radius), inverse, self.coverage / len(mean))

    def _uncertainties(self, scores: NDArray[np.float64] | None) -> NDArray[np.float64] | float:
        if not self.uncertainty:
            return 0.0
        if scores is None:
            warnings.warn(
                "submodular batches without scores leave the uncertainty term out; give "
                "scores=, such as entropies of predictions, or uncertainty=0",
                stacklevel=5,
            )
            return 0.0
        if scores.min() < 0:
            i = int(scores.argmin())
            raise InvalidProblem(
                f"scores[{i}] is {scores[i]:.4g}; uncertainties such as entropies are at least 0"
            )
        return self.uncertainty * scores / (scores.max() or 1.0)


_TINY = float(np.finfo(np.float64).tiny)  # below it the inverse overflows
_WEIGHTS = ("uncertainty", "diversity", "closeness", "coverage")


@dataclass(frozen=True)
class _Terms:
    """Inputs of the kernel, with all scales in the weights."""

    features: NDArray[Any]
    modular: NDArray[np.float64]
    diversity: float
    inverse: NDArray[np.float64]
    coverage: float

    def greedy(self, candidates: Indices, k: int) -> tuple[Indices, NDArray[np.float64]]:
        chosen, gains = np.empty(k, dtype=np.int64), np.empty(k)
        n, d = len(candidates), self.features.shape[1]
        _kernels.submodular_gains.lazy_greedy(
            self.features[candidates],
            self.modular[candidates],
            self.diversity,
            self.inverse,
            self.coverage,
            np.arange(n),
            chosen,
            gains,
            np.empty(n),
            np.full(n, np.inf),
            np.zeros(n, np.int64),
            np.zeros(d),
            np.zeros(d),
        )
        return candidates[chosen], gains
