"""Rules that keep each sample with a probability of its own."""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Generator, Tensor

from subsetopt._options import documented, option
from subsetopt.errors import InvalidOption

from ._by_chance import ByChance, alone_too
from ._candidates import Candidates, by_numpy
from ._loss_rules import highest, in_order


@documented
@dataclass(kw_only=True, eq=False)
class WeightedRule(ByChance):
    """Keep each sample with its probability; given k, draw k with the probabilities as weights.

    Without k, and by independent draws, the samples are kept independently of each other; where
    that leaves none, one of the finite losses is, each as likely as the others. The number is known
    only on the host, so a GPU waits. Otherwise there is no waiting; samples are drawn one after
    another without replacement (Efraimidis and Spirakis 2006, by the k largest perturbed log
    weights), and the probabilities of being among them have no closed form.
    """

    fixed_size: ClassVar[bool] = False
    has_probabilities: ClassVar[bool] = True

    @abstractmethod
    def _keep(self, losses: Tensor, k: int | None) -> Tensor:
        """Return the probabilities (B, n) of losses (B, n) of which some may not be finite."""

    def takes_all(self, k: int | float | None, n: int) -> bool:
        """Return whether there is nothing to choose; of independent draws there always is."""
        return super().takes_all(k, n) and self.draws == "exactly"

    def _choose(self, given: Candidates, k: int | None, generator: Generator | None) -> Tensor:
        losses, keep = given.needed, self._keep(given.needed, k)
        if k is None or self.draws == "independent":
            return self._each(given, keep, generator)
        own = generator or self._own_generator(given.device)
        noise = torch.rand(losses.shape, generator=own, dtype=keep.dtype, device=keep.device)
        tiny = torch.finfo(keep.dtype).tiny
        if by_numpy(keep):
            with np.errstate(divide="ignore"):  # of a noise of 0, whose sample comes first
                waits = np.log(-np.log1p(-noise.numpy())) - np.log(np.maximum(keep.numpy(), tiny))
            return in_order(torch.from_numpy(waits).topk(k, largest=False).indices)
        keys = keep.clamp(min=tiny).log() - (-torch.log1p(-noise)).log()
        return highest(torch.where(torch.isfinite(losses), keys, -torch.inf), k)

    def _probabilities(
        self, losses: Tensor | None, k: int | float | None, shape: torch.Size, device: torch.device
    ) -> Tensor:
        """Return the chances of being kept, or drawn for want of others."""
        rows = self._given(losses, None, shape, device, self.check).needed
        size = None if k is None else self.size(k, shape[-1])
        return alone_too(self._keep(rows, size), torch.isfinite(rows)).view(shape)

    def _has_probabilities(self, *, given: bool) -> bool:
        return super()._has_probabilities(given=given and self.draws == "exactly")


@documented
@dataclass(kw_only=True, eq=False)
class Prob(WeightedRule):
    """Keep a loss with probability ``tanh(gamma * loss)``; with k, draw k with these as weights.

    Losses of zero or less are kept only for want of others. By independent draws, as in the
    listing, ``gamma`` says how many are kept, and k nothing.

    References
    ----------
    One Backward from Ten Forward, the listing in its appendix.
    """

    name: ClassVar[str] = "prob"

    gamma: float = option("The larger, the more are kept.", 1.0, gt=0, lt=float("inf"))

    def _keep(self, losses: Tensor, k: int | None) -> Tensor:
        return (self.gamma * losses).tanh().clamp(min=0.0)


@documented
@dataclass(kw_only=True, eq=False)
class SelectiveBackprop(WeightedRule):
    """Keep a loss with probability ``F(loss) ** beta``; with k, draw k with these as weights.

    By independent draws k are kept on average, by the default beta. F is the empirical distribution
    of the last `history` losses, those of the batch included: so the first batch is ranked within
    itself. They are kept on the device of the losses.

    References
    ----------
    Jiang et al., Accelerating Deep Learning by Focusing on the Biggest Losers, 2019; How Important
    is Importance Sampling for Deep Budgeted Training?, Eq. 4.
    """

    name: ClassVar[str] = "selective_backprop"

    history: int = option("Number of losses that are remembered.", 1024, ge=1)
    by: Literal["rank", "loss"] = option(
        "rank: F(loss), as published. loss: the loss over the largest remembered, so that chances "
        "are in proportion to losses, as One Backward from Ten Forward describes the rule; losses "
        "of zero or less are then kept only for want of others.",
        "rank",
        choices=("rank", "loss"),
    )
    beta: float | None = option(
        "The larger, the fewer are kept: a share of ``1 / (beta + 1)`` on average, while losses "
        "are distributed as those remembered. None keeps the share that is asked for, as "
        "published: ``n / k - 1``; without k, which asks for none, and by the loss it is 1.",
        None,
        ge=0,
        lt=float("inf"),
    )
    _last: Tensor | None = field(init=False, repr=False, default=None)
    _seen: Tensor | None = field(init=False, repr=False, default=None)

    def _remember(self, given: Candidates) -> None:
        """Write the losses over the oldest ones, where the device knows how many have been seen."""
        losses, device = given.needed, given.device
        if self._last is None or self._seen is None:
            self._last = torch.full((self.history,), torch.inf, device=device)
            self._seen = torch.zeros((), dtype=torch.int64, device=device)
        elif self._last.device != device:
            self._last, self._seen = self._last.to(device), self._seen.to(device)
            self._replays.clear()  # they write to where it was
        if by_numpy(losses):
            self._write(losses)
            return
        newest = losses.flatten()[-self.history :].float()
        newest = torch.where(torch.isfinite(newest), newest, torch.inf)
        places = (self._seen + torch.arange(len(newest), device=device)) % self.history
        self._last.index_copy_(0, places, newest)
        self._seen += len(newest)

    def _write(self, losses: Tensor) -> None:
        """Do so on the CPU: in at most two pieces, up to the end and from the beginning."""
        newest = losses.flatten()[-self.history :].numpy()
        kept, seen = self._last.numpy(), self._seen.numpy()  # type: ignore[union-attr]
        first = int(seen) % self.history
        before = min(len(newest), self.history - first)
        kept[first : first + before] = newest[:before]
        kept[: len(newest) - before] = newest[before:]
        seen += len(newest)

    def _keep(self, losses: Tensor, k: int | None) -> Tensor:
        values = losses.float()
        if self._last is None or self._seen is None:
            last, known = values.flatten(), torch.tensor(values.numel())
        else:  # on another device right after a state has been loaded
            last = self._last.to(losses.device)
            known = self._seen.to(losses.device).clamp(max=self.history)
        if self.by == "loss":
            largest = torch.where(torch.isfinite(last), last, 0.0).max()
            share = values / torch.where(largest > 0, largest, 1.0)
        elif by_numpy(losses):
            ranks = np.sort(last.numpy()).searchsorted(values.numpy(), side="right")
            share = torch.from_numpy(ranks) / known
        else:
            share = torch.searchsorted(last.sort().values, values, right=True) / known
        return share.to(losses.dtype).clamp(0.0, 1.0) ** self._power(losses.shape[-1], k)

    def _power(self, n: int, k: int | None) -> float:
        """Return beta; by default the one that keeps k of n on average."""
        if self.beta is not None:
            return self.beta
        return 1.0 if k is None or self.by == "loss" else n / k - 1.0

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the generators and the losses remembered, on the CPU."""
        state = super().state_dict()
        if self._last is not None and self._seen is not None:
            state |= {"last": self._last.cpu().clone(), "seen": int(self._seen)}
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` returned; on the next losses' device."""
        last = state.get("last")
        if last is not None and len(last) != self.history:
            raise InvalidOption(f"the state has history {len(last)}, this rule {self.history}")
        super().load_state_dict(state)
        self._last = None if last is None else last.clone()
        self._seen = None if last is None else torch.tensor(state["seen"])
