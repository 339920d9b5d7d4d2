"""Ordered SGD: the highest losses, fewer and fewer of them."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from torch import Generator, Tensor

from subsetopt._checks import require
from subsetopt.errors import InvalidOption

from ._arguments import subset_size
from ._candidates import Candidates
from ._max_loss import highest
from .base import Rule


@dataclass(kw_only=True, eq=False)
class OrderedSGD(Rule):
    """Choose the q highest losses: q = s, then s/2, s/4, s/8, s/16 as training accuracy rises.

    The k of a call is s, by default n. Each of the `thresholds` that the accuracy given to
    `observe` has reached halves q, which never rises again.

    Parameters
    ----------
    thresholds : tuple of float
        Ascending shares of training samples that are classified correctly.

    References
    ----------
    Kawaguchi and Lu, Ordered SGD, AISTATS 2020; How Important is Importance Sampling for Deep
    Budgeted Training?
    """

    name: ClassVar[str] = "ordered_sgd"
    needs: ClassVar[Literal["nothing", "losses", "features"]] = "losses"

    thresholds: tuple[float, ...] = (0.80, 0.90, 0.95, 0.995)
    _passed: int = field(init=False, repr=False, default=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        rising = list(self.thresholds) == sorted(set(self.thresholds))
        within = all(0.0 < threshold <= 1.0 for threshold in self.thresholds)
        wanted = "ascending shares 0 < t <= 1"
        require("thresholds", self.thresholds, rising and within, wanted)

    def observe(self, *, accuracy: float) -> None:
        """Take note of the training accuracy, a share 0..1, as of the last epoch.

        Raises
        ------
        InvalidOption
            For a number outside 0..1; divide percents by 100.
        """
        if not 0.0 <= accuracy <= 1.0:
            raise InvalidOption(
                f"accuracy must be a share in [0, 1]; got {accuracy!r}: divide percents by 100"
            )
        self._passed = max(self._passed, sum(accuracy >= limit for limit in self.thresholds))

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the generators and how many thresholds have been passed."""
        return {**super().state_dict(), "passed": self._passed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` returned."""
        super().load_state_dict(state)
        self._passed = state["passed"]

    def size(self, k: int | float | None, n: int) -> int:
        """Return q: k, or n without it, halved as often as thresholds have been passed."""
        return max(1, (n if k is None else subset_size(k, n)) >> self._passed)

    def _choose(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        return highest(given.needed, k)
