"""Stride: every so many of the sorted losses, OBFTF's cheap approximation."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from ._candidates import Candidates
from .base import Rule


@dataclass(kw_only=True, eq=False)
class StrideRule(Rule):
    """Choose the places ``floor(i * n / (k + 1))``, i = 1..k, of the losses in descending order.

    Equal losses keep their order.

    References
    ----------
    One Backward from Ten Forward, OBFTF_prox in the listing of its appendix.
    """

    name: ClassVar[str] = "stride"
    needs: ClassVar[Literal["nothing", "losses", "features"]] = "losses"

    def _choose(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        losses = given.needed
        finite = torch.isfinite(losses)
        last = torch.where(finite, losses, -torch.inf)
        order = last.sort(dim=1, descending=True, stable=True).indices
        count = finite.sum(1, keepdim=True).clamp(min=k)
        places = torch.arange(1, k + 1, device=losses.device) * count // (k + 1)
        return order.gather(1, places).sort(1).values
