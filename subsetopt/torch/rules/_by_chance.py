"""Rules that leave the choice to chance: exactly k samples, or each by itself."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from subsetopt._options import documented, option
from subsetopt.errors import InvalidOption, InvalidProblem

from ._candidates import Candidates
from .base import Rule


@documented
@dataclass(kw_only=True, eq=False)
class ByChance(Rule):
    """Base of the rules that draw samples with probabilities."""

    draws: Literal["exactly", "independent"] = option(
        "exactly: k samples. independent: each by itself with its own probability, at least one, "
        "as in the listing of One Backward from Ten Forward; so their number is left to chance, "
        "batches come one at a time, and a GPU waits.",
        "exactly",
        choices=("exactly", "independent"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.draws == "independent" and self.quotas is not None:
            raise InvalidOption(
                f"draws='independent' leaves the number of samples to chance, so that "
                f"quotas={self.quotas!r} cannot be kept; give draws='exactly', or leave out quotas="
            )

    @property
    def waits(self) -> bool:  # type: ignore[override]
        """Whether a GPU waits for the number of samples."""
        return self.draws == "independent"

    def _each(self, given: Candidates, chances: Tensor, generator: Generator | None) -> Tensor:
        """Return the samples (1, m) that are kept, each with its chance (1, n)."""
        if given.shape[0] != 1:
            raise InvalidProblem(
                f"there are {given.shape[0]} rows, but by independent draws each has another "
                "number of samples; give one row at a time, or draws='exactly'"
            )
        own = generator or self._own_generator(given.device)
        finite = torch.isfinite(chances if given.losses is None else given.losses)[0]
        return _kept(chances[0], finite, own).nonzero().T


def alone_too(chances: Tensor, finite: Tensor) -> Tensor:
    """Return ``p_i + prod_j (1 - p_j) / m`` (B, n), m finite losses: kept, or for want of others.

    Of losses that are not finite it is 0.
    """
    keep = torch.where(finite, chances, 0.0)
    nothing = (1.0 - _wide(keep)).prod(1, keepdim=True)
    alone = (nothing / finite.sum(1, keepdim=True).clamp(min=1)).to(keep.dtype)
    return torch.where(finite, keep + alone, 0.0)


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
