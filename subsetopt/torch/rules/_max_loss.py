"""The k highest losses."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from ._candidates import Candidates
from .base import Rule


@dataclass(kw_only=True, eq=False)
class MaxLoss(Rule):
    """Choose the k highest losses.

    References
    ----------
    One Backward from Ten Forward, "max prob." of Table 3.
    """

    name: ClassVar[str] = "max_loss"
    needs: ClassVar[Literal["nothing", "losses", "features"]] = "losses"

    def _choose(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        return highest(given.needed, k)


def highest(losses: Tensor, k: int) -> Tensor:
    """Return the sorted places (B, k) of the k highest losses; those not finite come last."""
    finite = torch.where(torch.isfinite(losses), losses, -torch.inf)
    return finite.topk(k).indices.sort(1).values
