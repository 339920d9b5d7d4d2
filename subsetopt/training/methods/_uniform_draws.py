"""Uniform sampling within batches, drawn before any sample is loaded."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from subsetopt.torch._epochs import UnifSGD
from subsetopt.torch.rules import subset_size
from subsetopt.torch.samplers import EpochBatchSampler
from subsetopt.torch.step import LossFunction

from ._batch_rules import BatchRuleMethod
from .base import Setting, Step, WholeBatchStep

MIXING = ("mixup", "ricap")
"""Augmentations that mix the samples of a batch, so that those left out have a part in the rest."""


@dataclass(eq=False)
class UniformParts(UnifSGD):
    """All samples in random order, of each batch the first `share`: a uniform draw of it."""

    name: ClassVar[str] = "uniform"

    share: float = 1.0

    def _batches_of(self, epoch: int) -> list[NDArray[np.int64]]:
        whole = super()._batches_of(epoch)
        return [batch[: subset_size(self.share, len(batch))] for batch in whole]

    def _identity(self) -> dict[str, Any]:
        return {**super()._identity(), "share": self.share}


@dataclass(frozen=True)
class UniformMethod(BatchRuleMethod):
    """B * n of each batch of n, all subsets equally likely: the baseline, as fast as it can be.

    Nothing has to be seen for it, so that what is not chosen is neither loaded nor gathered: beside
    a draw within the loaded batch, rules would seem quicker than they are. Only with options, with
    an augmentation that mixes samples, and in several processes it is drawn within the batch.
    """

    def sampler(self, setting: Setting) -> EpochBatchSampler:
        """Return the parts of the batches, or pools, of all samples in random order."""
        if not self._is_early(setting):
            return super().sampler(setting)
        share, seed = float(setting.run.budget), setting.run.seed
        size = self.pool_size(setting)
        return UniformParts(len(setting.data.train), size, seed=seed, share=share)

    def step(
        self, setting: Setting, model: nn.Module, losses: LossFunction, batches: EpochBatchSampler
    ) -> Step:
        """Return a step on all that the sampler hands out, or one that chooses B of it."""
        if self._is_early(setting):
            return WholeBatchStep(model, losses)
        return super().step(setting, model, losses, batches)

    def _is_early(self, setting: Setting) -> bool:
        mixes = setting.run.augmentation in MIXING
        return not (self.spec.options or mixes or setting.ranks.world_size > 1)
