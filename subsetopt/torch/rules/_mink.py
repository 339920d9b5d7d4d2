"""MinK: low losses, for data with outliers."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from subsetopt._checks import require

from ._candidates import Candidates
from ._max_loss import highest
from ._uniform import draw
from .base import Rule


@dataclass(kw_only=True, eq=False)
class MinK(Rule):
    """Choose the k lowest losses, or the lowest of k drawn.

    Parameters
    ----------
    reading : {"lowest", "drawn"}
        "lowest": the k lowest of the batch. "drawn": draw k uniformly and keep the one that is
        lowest, as the method was published; so there is one index, whatever k.

    References
    ----------
    Shah, Wu and Sanghavi, Choosing the Sample with Lowest Loss makes SGD Robust, AISTATS 2020; the
    listing of One Backward from Ten Forward.
    """

    name: ClassVar[str] = "mink"
    needs: ClassVar[Literal["nothing", "losses", "features"]] = "losses"

    reading: Literal["lowest", "drawn"] = "lowest"

    def __post_init__(self) -> None:
        super().__post_init__()
        good = self.reading in ("lowest", "drawn")
        require("reading", self.reading, good, "'lowest' or 'drawn'")

    def takes_all(self, k: int | float | None, n: int) -> bool:
        """Return whether there is nothing to choose; one is, also of n drawn."""
        return super().takes_all(k, n) and (n == 1 or self.reading == "lowest")

    def _choose(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        losses = given.needed
        if self.reading == "lowest":
            return highest(-losses, k)
        drawn = draw(given, k, generator or self._own_generator(given.device))
        among = losses.gather(1, drawn)
        lowest = torch.where(torch.isfinite(among), among, torch.inf).argmin(1, keepdim=True)
        return drawn.gather(1, lowest)
