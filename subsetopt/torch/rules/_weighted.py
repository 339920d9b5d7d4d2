"""Rules that keep each sample with a probability of its own."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from ._candidates import Candidates
from .base import Rule


@dataclass(kw_only=True, eq=False)
class WeightedRule(Rule):
    """Keep each sample with its probability; given k, draw k with the probabilities as weights.

    Without k the samples are kept independently of each other; where that leaves none, one of the
    finite losses is, each as likely as the others. The number is known only on the host, so a GPU
    waits. With k there is no waiting; samples are drawn one after another without replacement
    (Efraimidis and Spirakis 2006, by the k largest perturbed log weights), and the probabilities of
    being among them have no closed form.
    """

    needs: ClassVar[Literal["nothing", "losses", "features"]] = "losses"
    fixed_size: ClassVar[bool] = False
    has_probabilities: ClassVar[bool] = True

    @abstractmethod
    def _keep(self, losses: Tensor) -> Tensor:
        """Return the probabilities (B, n) of losses (B, n) of which some may not be finite."""

    def _choose(self, given: Candidates, k: int | None, generator: Generator | None) -> Tensor:
        losses, own = given.needed, generator or self._own_generator(given.device)
        finite = torch.isfinite(losses)
        keep = self._keep(losses)
        if k is None:
            return _kept(keep[0], finite[0], own).nonzero().T
        noise = torch.rand(losses.shape, generator=own, dtype=keep.dtype, device=keep.device)
        tiny = torch.finfo(keep.dtype).tiny
        keys = keep.clamp(min=tiny).log() - (-torch.log1p(-noise)).log()
        return torch.where(finite, keys, -torch.inf).topk(k).indices.sort(1).values

    def probabilities(
        self,
        losses: Tensor | None = None,
        k: int | float | None = None,
        *,
        n: int | None = None,
        device: torch.device | str | None = None,
    ) -> Tensor:
        """Return the probability of each sample of being kept, shaped as `losses`; k is None.

        ``p_i + prod_j (1 - p_j) / m`` with the m finite losses: alone, or for want of others.

        Raises
        ------
        UnsupportedProblem
            If k is given.
        """
        if k is not None:
            return super().probabilities(losses, k)
        shape, at = self._placed(losses, None, n, device)
        rows = self._given(losses, None, shape, at, self.check).needed
        finite = torch.isfinite(rows)
        keep = torch.where(finite, self._keep(rows), 0.0)
        nothing = (1.0 - _wide(keep)).prod(1, keepdim=True)
        alone = (nothing / finite.sum(1, keepdim=True).clamp(min=1)).to(keep.dtype)
        return torch.where(finite, keep + alone, 0.0).view(shape)


def _kept(keep: Tensor, finite: Tensor, generator: Generator) -> Tensor:
    """Return which of n are kept: each with its probability, a random finite one for want of any.

    Where nothing is kept the ``(u - p) / (1 - p)`` are independent and uniform, so that the least
    is any of them alike; else the least is negative, that of one that is kept already.
    """
    chance = torch.where(finite, _wide(keep), 0.0)
    noise = torch.rand(chance.shape, generator=generator, dtype=chance.dtype, device=chance.device)
    kept = noise < chance
    excess = (noise - chance) / (1.0 - chance)  # noise is below 1, so that 1 gives -inf
    kept[torch.where(finite, excess, torch.inf).argmin()] = True
    return kept


def _wide(values: Tensor) -> Tensor:
    """Return them in double precision, in which even tiny chances differ; MPS has none."""
    return values if values.device.type == "mps" else values.double()
