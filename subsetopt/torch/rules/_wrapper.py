"""A rule around another one."""

from typing import Literal

import torch
from torch import Tensor

from ._candidates import Candidates
from .base import Rule, rule


class Wrapper(Rule):
    """Declares what the rule inside declares: whoever this is given to asks for it."""

    def __init__(self, inside: Rule | str, *, check: bool = False) -> None:
        self.rule = inside if isinstance(inside, Rule) else rule(inside)
        super().__init__(seed=self.rule.seed, check=check or self.rule.check)

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name of the rule inside."""
        return self.rule.name

    @property
    def needs(self) -> Literal["nothing", "losses", "features"]:  # type: ignore[override]
        """What the rule inside needs."""
        return self.rule.needs

    @property
    def fixed_size(self) -> bool:  # type: ignore[override]
        """Whether the rule inside has to be given k."""
        return self.rule.fixed_size

    @property
    def takes_features(self) -> bool:  # type: ignore[override]
        """Whether the rule inside can be given features."""
        return self.rule.takes_features

    @property
    def has_probabilities(self) -> bool:  # type: ignore[override]
        """Whether the rule inside defines them."""
        return self.rule.has_probabilities

    def takes_all(self, k: int | float | None, n: int) -> bool:
        """Return whether there is nothing to choose, on this rank and elsewhere."""
        return self.rule.takes_all(k, n) and super().takes_all(k, n)

    def _given(
        self,
        losses: Tensor | None,
        features: Tensor | None,
        shape: torch.Size,
        device: torch.device,
        check: bool,
    ) -> Candidates:
        return self.rule._given(losses, features, shape, device, check)
