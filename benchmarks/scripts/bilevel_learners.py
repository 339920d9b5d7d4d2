"""Ridge and logistic regression, fitted to many subsets at once, for `scripts.bilevel`."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_AT_ONCE = 2**14
_NEWTON = 60


@dataclass(frozen=True)
class Learner(ABC):
    """Parameters that minimise the mean loss of the chosen plus ``decay / 2 |theta|**2``.

    Parameters
    ----------
    x : ndarray, (n, d)
        Of the candidates.
    y : ndarray, (n,)
        Numbers, or 0 and 1.
    decay : float
        Above 0, so that there is one minimum.
    """

    name: ClassVar[str]
    x: Floats
    y: Floats
    decay: float = 0.05

    def fit(self, subsets: NDArray[np.int64]) -> Floats:
        """Return the parameters (S, d) of subsets (S, k) of candidates."""
        parts = [
            self._fitted(subsets[at : at + _AT_ONCE]) for at in range(0, len(subsets), _AT_ONCE)
        ]
        return np.concatenate(parts)

    def risks(self, thetas: Floats, x: Floats, y: Floats) -> Floats:
        """Return the mean loss (S,) over samples of parameters (S, d)."""
        parts = [
            self.losses(thetas[at : at + 2048], x, y).mean(1) for at in range(0, len(thetas), 2048)
        ]
        return np.concatenate(parts)

    def whole(self) -> Floats:
        """Return the parameters (d,) of all candidates."""
        fitted: Floats = self.fit(np.arange(len(self.y))[None])[0]
        return fitted

    @abstractmethod
    def losses(self, thetas: Floats, x: Floats, y: Floats) -> Floats:
        """Return the losses (S, m) of samples."""

    @abstractmethod
    def slopes(self, theta: Floats) -> Floats:
        """Return the derivative (n,) of each candidate's loss by its prediction."""

    @abstractmethod
    def _fitted(self, subsets: NDArray[np.int64]) -> Floats:
        """Return the parameters of subsets that fit into memory together."""


class Ridge(Learner):
    """Half the squared error; one linear system for each subset."""

    name: ClassVar[str] = "ridge"

    def losses(self, thetas: Floats, x: Floats, y: Floats) -> Floats:
        """Return half the squared errors."""
        return 0.5 * np.square(thetas @ x.T - y)

    def slopes(self, theta: Floats) -> Floats:
        """Return the residuals."""
        return self.x @ theta - self.y

    def _fitted(self, subsets: NDArray[np.int64]) -> Floats:
        x, y = self.x[subsets], self.y[subsets]
        k, d = subsets.shape[1], self.x.shape[1]
        inner = np.swapaxes(x, 1, 2) @ x / k + self.decay * np.eye(d)
        moment = np.einsum("skd,sk->sd", x, y) / k
        return np.linalg.solve(inner, moment[..., None])[..., 0]


class Logistic(Learner):
    """Logistic loss; damped Newton steps until the gradient is zero to rounding."""

    name: ClassVar[str] = "logistic"

    def losses(self, thetas: Floats, x: Floats, y: Floats) -> Floats:
        """Return ``log(1 + exp(z)) - y z``."""
        z = thetas @ x.T
        return np.logaddexp(0.0, z) - y * z

    def slopes(self, theta: Floats) -> Floats:
        """Return probabilities less labels."""
        return _sigmoid(self.x @ theta) - self.y

    def _fitted(self, subsets: NDArray[np.int64]) -> Floats:
        x, y, d = self.x[subsets], self.y[subsets], self.x.shape[1]
        k = subsets.shape[1]
        theta = np.zeros((len(subsets), d))
        for _ in range(_NEWTON):
            p = _sigmoid(np.einsum("skd,sd->sk", x, theta))
            gradient = np.einsum("skd,sk->sd", x, p - y) / k + self.decay * theta
            norms = np.linalg.norm(gradient, axis=1)
            if norms.max() < 1e-11:
                return theta
            curved = np.swapaxes(x * (p * (1 - p))[..., None], 1, 2) @ x / k
            step = np.linalg.solve(curved + self.decay * np.eye(d), gradient[..., None])[..., 0]
            # The loss is self-concordant up to a factor: a step shortened by its own length
            # decreases it from anywhere, and near the minimum it is Newton's.
            theta = (
                theta - step / (1.0 + np.maximum(np.linalg.norm(step, axis=1) - 1.0, 0.0))[:, None]
            )
        raise RuntimeError(f"the gradient is {norms.max():.2g} after {_NEWTON} steps of Newton")


def _sigmoid(z: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-z))
