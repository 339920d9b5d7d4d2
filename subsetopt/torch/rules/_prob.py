"""Prob: the higher the loss, the likelier."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from subsetopt._checks import is_number, require

from ._weighted import WeightedRule


@dataclass(kw_only=True, eq=False)
class Prob(WeightedRule):
    """Keep a loss with probability ``tanh(gamma * loss)``; with k, draw k with these as weights.

    Losses of zero or less are kept only for want of others.

    Parameters
    ----------
    gamma : float
        The larger, the more are kept.

    References
    ----------
    One Backward from Ten Forward, the listing in its appendix.
    """

    name: ClassVar[str] = "prob"

    gamma: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        good = is_number(self.gamma) and 0.0 < self.gamma < float("inf")
        require("gamma", self.gamma, good, "a number > 0")

    def _keep(self, losses: Tensor) -> Tensor:
        return (self.gamma * losses).tanh().clamp(min=0.0)
