"""Uniform: k samples at random, what every other rule has to beat."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Generator, Tensor

from .base import Rule


@dataclass(kw_only=True, eq=False)
class Uniform(Rule):
    """Choose k of n without replacement, all subsets equally likely."""

    name: ClassVar[str] = "uniform"
    needs: ClassVar[Literal["nothing", "losses", "features"]] = "nothing"
    has_probabilities: ClassVar[bool] = True

    def _choose(
        self,
        losses: Tensor,
        k: int,
        *,
        generator: Generator | None,
        features: Tensor | None,
    ) -> Tensor:
        own = generator or self._own_generator(losses.device)
        return draw(losses, k, own).sort().values

    def probabilities(self, losses: Tensor, k: int | float | None = None) -> Tensor:
        """Return k / n for every sample, shaped as `losses`."""
        rows = self._rows(losses)
        size: Any = self.size(k, rows.shape[1])
        dtype = losses.dtype if losses.is_floating_point() else None
        return torch.full(losses.shape, size / rows.shape[1], dtype=dtype, device=losses.device)


def draw(losses: Tensor, k: int, generator: Generator) -> Tensor:
    """Return k random places (B, k) of each row of `losses` (B, n), in random order."""
    if len(losses) == 1 and losses.device.type == "cpu":
        return torch.randperm(losses.shape[1], generator=generator)[None, :k]
    keys = torch.rand(losses.shape, generator=generator, device=losses.device)
    return keys.topk(k).indices
