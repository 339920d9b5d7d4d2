"""Selective-Backprop as published: pass batches forward until enough samples are kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from subsetopt.errors import InvalidOption
from subsetopt.torch._isolation import Isolation, plain_model
from subsetopt.torch.rules import Rule, rule
from subsetopt.torch.samplers import EpochBatchSampler
from subsetopt.torch.step import LossFunction
from subsetopt.training.data._splits import Batch

from .base import Chosen, Method, Setting, Step, shuffled


class FillingStep(Step):
    """Keeps samples by chance, and trains whenever there are as many as a batch holds.

    Samples are kept as they came, augmented, and wait for at most a few batches; what waits at the
    end of an epoch is trained on in the next one.
    """

    def __init__(self, model: nn.Module, losses: LossFunction, ready: Rule, size: int) -> None:
        super().__init__()
        self._model, self._losses, self._rule, self._size = model, losses, ready, size
        self._isolated = Isolation()
        self._waiting: list[Tensor] = []

    def __call__(self, ids: Tensor, batch: Batch) -> Iterator[Chosen]:
        """Yield a batch of kept samples, if there are as many."""
        found = self._isolated(self._losses, plain_model(self._model), batch)
        self.selection_passes += len(found)
        kept = self._rule(found)
        new = [ids[kept.to(ids.device)], *(part.index_select(0, kept) for part in batch)]
        if self._waiting:
            new = [torch.cat(pair) for pair in zip(self._waiting, new, strict=True)]
        while len(new[0]) >= self._size:
            numbers, *parts = (part[: self._size] for part in new)
            new = [part[self._size :] for part in new]
            losses = self._losses(self._model, tuple(parts))
            yield Chosen(losses.mean(), numbers, losses.detach())
        self._waiting = new

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the rule, and what waits."""
        state = {"rule": self._rule.state_dict(), "waiting": [part.cpu() for part in self._waiting]}
        return {**super().state_dict(), **state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        super().load_state_dict(state)
        self._rule.load_state_dict(state["rule"])
        device = next(self._model.parameters()).device
        ids, *parts = state["waiting"] or [None]
        self._waiting = [] if ids is None else [ids.to(device), *(p.to(device) for p in parts)]


@dataclass(frozen=True)
class Filling(Method):
    """Keep a loss with probability ``F(loss) ** beta``; train once a batch is full.

    ``beta = 1 / B - 1`` keeps B of the samples on average, for F of losses is uniform. All samples
    are passed forward in each epoch: the cost is that of the budget B + 1/3.

    References
    ----------
    How Important is Importance Sampling for Deep Budgeted Training?, Eq. 4 and below; Jiang et al.,
    Accelerating Deep Learning by Focusing on the Biggest Losers, 2019.
    """

    takes: ClassVar[tuple[str, ...] | None] = ("beta", "history")

    def sampler(self, setting: Setting) -> EpochBatchSampler:
        """Return all samples in random order."""
        return shuffled(setting, setting.batch_size)

    def step(
        self, setting: Setting, model: nn.Module, losses: LossFunction, batches: EpochBatchSampler
    ) -> Step:
        """Return a step that waits for a batch to be full."""
        if setting.ranks.world_size > 1:
            raise InvalidOption(
                "rule 'sb' fills its batches at other times on each rank; use "
                "'selective_backprop', which chooses as many on all of them"
            )
        options = {"beta": 1 / setting.run.budget - 1, **self.spec.options}
        ready = rule("selective_backprop", seed=setting.run.seed, **options)
        return FillingStep(model, losses, ready, setting.batch_size)
