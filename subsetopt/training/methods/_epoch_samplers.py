"""Methods that choose what an epoch consists of: samplers and precomputed orders."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch import Tensor, nn

from subsetopt._checks import require_one_of
from subsetopt.errors import InvalidOption
from subsetopt.torch._epochs import sampler
from subsetopt.torch._importance import ImportanceSampler
from subsetopt.torch.rules import rule, subset_size
from subsetopt.torch.samplers import EpochBatchSampler
from subsetopt.torch.step import LossFunction
from subsetopt.training.data._splits import Batch

from ._fixed_orders import warm_up
from .base import Chosen, Method, Setting, Step, WholeBatchStep, features_of


class TeachingStep(Step):
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
class EpochSamplerMethod(Method):
    """A sampler of `subsetopt.torch.sampler`; options are its own.

    "p_sgd" and "c_sgd" take ``exp(-loss)`` for the probability of the true class, which the loss of
    a regression does not tell: there they are refused. Of mixed samples it is the geometric mean of
    the probabilities of both classes, by their shares, and of segmentations that of all pixels.

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

    def warm_up(self, setting: Setting) -> None:
        """Choose a core-set of a few samples, where one is chosen."""
        if "features" in self.spec.options:
            warm_up(self, setting)

    def sampler(self, setting: Setting) -> EpochBatchSampler:
        """Return the sampler."""
        if setting.data.classes is None and self.spec.name in ("p_sgd", "c_sgd"):
            raise InvalidOption(
                f"rule {self.spec.name!r} reads the probability of the true class off the loss, "
                f"but the targets of task {setting.task.name!r} are numbers; name another rule, "
                "such as 'unif_sgd'"
            )
        options: dict[str, Any] = dict(self.spec.options)
        budget: Any = float(setting.run.budget)
        what = options.pop("features", None)
        if what is not None:
            options["indices"], budget = _representatives(setting, what), 1.0
        return setting.sampler(
            self.spec.name, setting.batch_size, budget, epochs=setting.run.epochs, **options
        )

    def step(
        self, setting: Setting, model: nn.Module, losses: LossFunction, batches: EpochBatchSampler
    ) -> Step:
        """Return plain steps, which teach a sampler that learns."""
        plain = WholeBatchStep(model, losses)
        return TeachingStep(plain, batches) if isinstance(batches, ImportanceSampler) else plain


@dataclass(frozen=True)
class StratifiedMethod(Method):
    """Batches with the proportions of the whole, each sample once before any comes again.

    As many steps as rules within batches take, of B * n samples each, or with ``--select-from
    pool`` whole batches. ``features`` says what the strata are: "labels", "inputs" or "both", of
    which classes are taken as they are and all else as cells of k-means, within classes for "both";
    or "constant", a single stratum, which is uniform sampling without repeats. ``cells`` and
    ``without_repeats`` are the sampler's.
    """

    takes: ClassVar[tuple[str, ...] | None] = ("features", "cells", "without_repeats")
    offers: ClassVar[tuple[str, ...]] = ("labels", "inputs", "both", "constant")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of("features", self._what, self.offers)

    def warm_up(self, setting: Setting) -> None:
        """Deal out a few samples."""
        warm_up(self, setting)

    @property
    def _what(self) -> str:
        return str(self.spec.options.get("features", self.offers[0]))

    def sampler(self, setting: Setting) -> EpochBatchSampler:
        """Return the sampler."""
        options = {key: value for key, value in self.spec.options.items() if key != "features"}
        budget: float | int = float(setting.run.budget)
        size = setting.batch_size
        if setting.run.select_from == "batch":
            # As many samples as rules within batches train on, which round down in each of them.
            whole, rest = divmod(len(setting.data.train), setting.run.batch_size)
            sizes = [setting.run.batch_size] * whole + [rest] * (rest > 0)
            chosen = [subset_size(budget, n) for n in sizes]
            size, budget = subset_size(budget, size), sum(chosen)
        return setting.sampler(self.spec.name, size, budget, **self._given(setting), **options)

    def _given(self, setting: Setting) -> dict[str, Any]:
        train = setting.data.train
        if self._what == "constant":
            return {"labels": np.zeros(len(train), np.int64)}
        classes = self._what in ("labels", "both") and setting.data.classes is not None
        given = {"labels": train.targets.reshape(len(train), -1)[:, 0]} if classes else {}
        if classes and self._what == "labels":
            return given
        what = "inputs" if classes else self._what
        found = features_of(setting, what, (train.inputs, train.targets))
        return {**given, "features": found.reshape(len(train), -1).numpy()}


@dataclass(frozen=True)
class MatchedMethod(StratifiedMethod):
    """Batches with the label shares and nearly the mean inputs of the whole, before any is loaded.

    ``features`` says what is matched: "both" the classes, exactly, and the inputs; "inputs" these
    alone. Of targets that are no classes "both" matches the values as well. ``looks`` and
    ``without_repeats`` are the sampler's.
    """

    takes: ClassVar[tuple[str, ...] | None] = ("features", "looks", "without_repeats")
    offers: ClassVar[tuple[str, ...]] = ("both", "inputs")


def _representatives(setting: Setting, what: str) -> Any:
    """Return the samples, B * N of them, whose mean of the features is close to that of all."""
    train = setting.data.train
    found = features_of(setting, what, (train.inputs, train.targets))
    ready = rule("vector", seed=setting.run.seed)
    return ready(found[:, 0], float(setting.run.budget), features=found).numpy()
