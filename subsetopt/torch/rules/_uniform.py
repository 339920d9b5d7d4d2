"""Uniform: k samples at random, what every other rule has to beat."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Generator, Tensor

from ._candidates import Candidates
from .base import Rule


@dataclass(kw_only=True, eq=False)
class Uniform(Rule):
    """Choose k of n without replacement, all subsets equally likely."""

    name: ClassVar[str] = "uniform"
    needs: ClassVar[Literal["nothing", "losses", "features"]] = "nothing"
    has_probabilities: ClassVar[bool] = True

    def _choose(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        own = generator or self._own_generator(given.device)
        return draw(given, k, own).sort().values

    def probabilities(
        self,
        losses: Tensor | None = None,
        k: int | float | None = None,
        *,
        n: int | None = None,
        device: torch.device | str | None = None,
    ) -> Tensor:
        """Return k / n for every sample, shaped as `losses`, or (n,) without them."""
        shape, at = self._placed(losses, None, n, device)
        size: Any = self.size(k, shape[-1])
        dtype = losses.dtype if losses is not None and losses.is_floating_point() else None
        return torch.full(shape, size / shape[-1], dtype=dtype, device=at)


def draw(given: Candidates, k: int, generator: Generator) -> Tensor:
    """Return k random places (B, k) of each row, in random order."""
    if given.shape[0] == 1 and given.device.type == "cpu":
        return torch.randperm(given.shape[1], generator=generator)[None, :k]
    keys = torch.rand(given.shape, generator=generator, device=given.device)
    return keys.topk(k).indices
