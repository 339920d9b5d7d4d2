"""Rules that keep each sample with a probability of its own."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from .base import Rule


@dataclass(kw_only=True, eq=False)
class WeightedRule(Rule):
    """Keep each sample with its probability; given k, draw k with the probabilities as weights.

    Without k the samples are kept independently, at least one of them: their number is known only
    on the host, so a GPU waits. With k there is no waiting; samples are drawn one after another
    without replacement (Efraimidis and Spirakis 2006, by the k largest perturbed log weights), and
    the probabilities of being among them have no closed form.
    """

    needs: ClassVar[Literal["nothing", "losses", "features"]] = "losses"
    fixed_size: ClassVar[bool] = False
    has_probabilities: ClassVar[bool] = True

    @abstractmethod
    def _keep(self, losses: Tensor) -> Tensor:
        """Return the probabilities (B, n) of losses (B, n) of which some may not be finite."""

    def _choose(
        self,
        losses: Tensor,
        k: int | None,
        *,
        generator: Generator | None,
        features: Tensor | None,
    ) -> Tensor:
        own = generator or self._own_generator(losses.device)
        finite = torch.isfinite(losses)
        keep = self._keep(losses)
        noise = torch.rand(losses.shape, generator=own, dtype=keep.dtype, device=keep.device)
        if k is None:
            excess = torch.where(finite, keep, -1.0)[0] - noise[0]
            kept = excess > 0
            kept[excess.argmax()] = True  # in most cases it is already
            return kept.nonzero().T
        tiny = torch.finfo(keep.dtype).tiny
        keys = keep.clamp(min=tiny).log() - (-torch.log1p(-noise)).log()
        return torch.where(finite, keys, -torch.inf).topk(k).indices.sort(1).values

    def probabilities(self, losses: Tensor, k: int | float | None = None) -> Tensor:
        """Return the probability of each sample of being kept, shaped as `losses`; k is None.

        That one at least is kept is left out of account.

        Raises
        ------
        UnsupportedProblem
            If k is given.
        """
        if k is not None:
            return super().probabilities(losses, k)
        return self._keep(self._rows(losses)).view(losses.shape)
