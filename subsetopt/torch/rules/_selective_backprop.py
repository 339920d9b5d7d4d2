"""Selective-Backprop: likelier the higher a loss ranks among the last ones."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor

from subsetopt._checks import is_integer, is_number, require
from subsetopt.errors import InvalidOption

from ._candidates import Candidates
from ._weighted import WeightedRule


@dataclass(kw_only=True, eq=False)
class SelectiveBackprop(WeightedRule):
    """Keep a loss with probability ``F(loss) ** beta``; with k, draw k with these as weights.

    F is the empirical distribution of the last `history` losses, those of the batch included: so
    the first batch is ranked within itself. They are kept on the device of the losses.

    Parameters
    ----------
    history : int
        How many losses are remembered.
    beta : float
        The larger, the fewer are kept: a share of ``1 / (beta + 1)`` on average, while losses are
        distributed as those remembered are.

    References
    ----------
    Jiang et al., Accelerating Deep Learning by Focusing on the Biggest Losers, 2019; How Important
    is Importance Sampling for Deep Budgeted Training?, Eq. 4.
    """

    name: ClassVar[str] = "selective_backprop"

    history: int = 1024
    beta: float = 1.0
    _last: Tensor | None = field(init=False, repr=False, default=None)
    _seen: Tensor | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        super().__post_init__()
        good = is_integer(self.history) and self.history > 0
        require("history", self.history, good, "an integer > 0")
        good = is_number(self.beta) and 0.0 <= self.beta < float("inf")
        require("beta", self.beta, good, "a number >= 0")

    def _choose(self, given: Candidates, k: int | None, generator: Generator | None) -> Tensor:
        self._remember(given.needed)
        return super()._choose(given, k, generator)

    def _remember(self, losses: Tensor) -> None:
        """Write the losses over the oldest ones, where the device knows how many have been seen."""
        device = losses.device
        if self._last is None or self._seen is None:
            self._last = torch.full((self.history,), torch.inf, device=device)
            self._seen = torch.zeros((), dtype=torch.int64, device=device)
        elif self._last.device != device:
            self._last, self._seen = self._last.to(device), self._seen.to(device)
            self._replays.clear()  # they write to where it was
        newest = losses.flatten()[-self.history :].float()
        newest = torch.where(torch.isfinite(newest), newest, torch.inf)
        places = (self._seen + torch.arange(len(newest), device=device)) % self.history
        self._last.index_copy_(0, places, newest)
        self._seen += len(newest)

    def _keep(self, losses: Tensor) -> Tensor:
        values = losses.float()
        if self._last is None or self._seen is None:
            last, known = values.flatten(), torch.tensor(values.numel())
        else:  # on another device right after a state has been loaded
            last = self._last.to(losses.device)
            known = self._seen.to(losses.device).clamp(max=self.history)
        below = torch.searchsorted(last.sort().values, values, right=True)
        return (below / known).to(losses.dtype).clamp(max=1.0) ** self.beta

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the generators and the losses remembered, on the CPU."""
        state = super().state_dict()
        if self._last is not None and self._seen is not None:
            state |= {"last": self._last.cpu().clone(), "seen": int(self._seen)}
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` returned; on the next losses' device.

        Raises
        ------
        InvalidOption
            If it is the state of another rule, or of another `history`.
        """
        last = state.get("last")
        if last is not None and len(last) != self.history:
            raise InvalidOption(f"the state has history {len(last)}, this rule {self.history}")
        super().load_state_dict(state)
        self._last = None if last is None else last.clone()
        self._seen = None if last is None else torch.tensor(state["seen"])
