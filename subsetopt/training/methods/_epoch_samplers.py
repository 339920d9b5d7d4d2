"""Samplers that choose what an epoch consists of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from subsetopt.errors import InvalidOption
from subsetopt.torch._epochs import sampler
from subsetopt.torch._importance import ImportanceSampler
from subsetopt.torch.rules import rule
from subsetopt.torch.samplers import EpochBatchSampler
from subsetopt.torch.step import LossFunction
from subsetopt.training.data._splits import Batch

from .base import Chosen, Method, Setting, Step, Whole, features_of


class Taught(Step):
    """Trains on whole batches, and tells an importance sampler their losses."""

    def __init__(self, inside: Step, sampler: ImportanceSampler) -> None:
        super().__init__()
        self._inside, self._sampler = inside, sampler

    def __call__(self, ids: Tensor, batch: Batch) -> Iterator[Chosen]:
        """Yield the batch."""
        for chosen in self._inside(ids, batch):
            self._sampler.update(ids, losses=chosen.losses)
            yield chosen


@dataclass(frozen=True)
class ByEpoch(Method):
    """A sampler of `subsetopt.torch.sampler`; options are its own.

    For "coreset" ``features`` may be "inputs" or "labels": the core-set is then the one whose mean
    of these is close to that of all samples, instead of a random one.
    """

    takes: ClassVar[tuple[str, ...] | None] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        own = {key: value for key, value in self.spec.options.items() if key != "features"}
        if "features" in self.spec.options and self.spec.name != "coreset":
            raise InvalidOption(f"rule {self.spec.name!r} takes no features; coreset does")
        sampler(self.spec.name, 100, 1, 0.5, epochs=10, **own)  # says now what is wrong

    def sampler(self, setting: Setting) -> EpochBatchSampler:
        """Return the sampler."""
        options: dict[str, Any] = dict(self.spec.options)
        budget: Any = float(setting.run.budget)
        what = options.pop("features", None)
        if what is not None:
            options["indices"], budget = _representatives(setting, what), 1.0
        made: EpochBatchSampler = sampler(
            self.spec.name,
            len(setting.data.train),
            setting.batch_size,
            budget,
            epochs=setting.run.epochs,
            seed=setting.run.seed,
            rank=setting.ranks.rank,
            world_size=setting.ranks.world_size,
            **options,
        )
        return made

    def step(
        self, setting: Setting, model: nn.Module, losses: LossFunction, batches: EpochBatchSampler
    ) -> Step:
        """Return plain steps, which teach a sampler that learns."""
        plain = Whole(model, losses)
        return Taught(plain, batches) if isinstance(batches, ImportanceSampler) else plain


def _representatives(setting: Setting, what: str) -> Any:
    """Return the samples, B * N of them, whose mean of the features is close to that of all."""
    train = setting.data.train
    found = features_of(setting, what, (train.inputs, train.targets))
    ready = rule("vector", seed=setting.run.seed)
    return ready(found[:, 0], float(setting.run.budget), features=found).numpy()
