"""Methods that choose within batches, or fill batches with what they keep."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from subsetopt.errors import InvalidOption
from subsetopt.torch import features
from subsetopt.torch._isolation import Isolation, plain_model
from subsetopt.torch.distributed import DistributedRule
from subsetopt.torch.rules import Rule, rule
from subsetopt.torch.rules._loss_rules import OrderedSGD
from subsetopt.torch.samplers import EpochBatchSampler
from subsetopt.torch.step import LossFunction, SubsetStep
from subsetopt.training.data._splits import Batch

from .base import Chosen, Method, Setting, Step, features_of

FEATURES = ("labels", "inputs", "both", "hidden", "residuals", "gradients")
"""Features that rules can match; the last three take a forward pass of the batch."""
_SEED_OF_RULES = 7919  # so that rules and samplers do not draw the same numbers


class BatchRuleStep(Step):
    """A `SubsetStep`, counted."""

    def __init__(self, step: SubsetStep, passes: bool) -> None:
        super().__init__()
        self.inside, self._passes = step, passes
        rule: Any = step.rule
        self._inmost = getattr(rule, "rule", rule)

    @property
    def learns_from_accuracy(self) -> bool:  # type: ignore[override]
        """Whether the rule halves its choice as the accuracy rises."""
        return isinstance(self._inmost, OrderedSGD)

    def __call__(self, ids: Tensor, batch: Batch) -> Iterator[Chosen]:
        """Yield the chosen samples."""
        result = self.inside(batch)
        if self._passes and not result.whole:
            self.selection_passes += result.batch_size
        yield Chosen(result.loss, ids[result.indices.to(ids.device)], result.trained)

    def end_epoch(self, accuracy: float) -> None:
        """Tell rules that learn from the accuracy."""
        if self.learns_from_accuracy and accuracy == accuracy:
            self._inmost.observe(accuracy=accuracy)

    def state_dict(self) -> dict[str, Any]:
        """Return the states of the step and its rule."""
        return {**super().state_dict(), "step": self.inside.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        super().load_state_dict(state)
        self.inside.load_state_dict(state["step"])


@dataclass(frozen=True)
class BatchRuleMethod(Method):
    """A rule of `subsetopt.torch`: B * n of each batch of n, or n of n / B.

    Options are those of the rule, ``quotas`` among them, and the readings of the papers' listings:
    ``uniform:draws=independent``, ``prob:draws=independent``, ``obftf:target=noisy``,
    ``mink:reading=drawn``. Besides them ``reweight`` where a rule has probabilities;
    and ``features``, one of `FEATURES`, for those that match features.
    """

    takes: ClassVar[tuple[str, ...] | None] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._rule(0)  # whatever is wrong is said now
        what = self.spec.options.get("features", "labels")
        if what not in FEATURES:
            raise InvalidOption(f"features must be one of {', '.join(FEATURES)}; got {what!r}")

    def warm_up(self, setting: Setting) -> None:
        """Choose once, by another rule of the same kind."""
        ready, n = self._rule(0), min(setting.batch_size, len(setting.data.train))
        losses = torch.rand(n, generator=torch.Generator().manual_seed(0))
        device, given = torch.device(setting.run.device), dict[str, Any]()
        matches = ready.needs == "features" or "features" in self.spec.options
        if matches or ready.quotas is not None:
            _, batch = next(iter(setting.data.train.batches([list(range(n))])))
            if ready.quotas is not None:
                given["labels"] = classes_of(setting)(batch)
        if matches:
            what = str(self.spec.options.get("features", "labels"))
            what = what if what not in FEATURES[3:] else "inputs"
            given["features"] = features_of(setting, what, batch).to(device)
        ready(losses.to(device), float(setting.run.budget), **given)

    def sampler(self, setting: Setting) -> EpochBatchSampler:
        """Return batches, or pools, of all samples in random order."""
        return setting.shuffled(self.pool_size(setting))

    def pool_size(self, setting: Setting) -> int:
        """Return how many samples a rule chooses from: a batch of n, or n / B."""
        if setting.run.select_from == "batch":
            return setting.batch_size
        pool = max(setting.batch_size, round(setting.batch_size / setting.run.budget))
        return min(pool, len(setting.data.train))

    def step(
        self, setting: Setting, model: nn.Module, losses: LossFunction, batches: EpochBatchSampler
    ) -> Step:
        """Return a step that chooses B of each batch."""
        ready = self._rule(setting.run.seed)
        finds = self._features(setting, ready)
        passes = ready.needs == "losses" and finds is None
        passes = passes or self.spec.options.get("features") in FEATURES[3:]
        made = SubsetStep(
            model,
            losses,
            DistributedRule(ready) if setting.ranks.world_size > 1 else ready,
            float(setting.run.budget),
            features=finds,
            reweight=bool(self.spec.options.get("reweight", False)),
            labels=None if ready.quotas is None else classes_of(setting),
        )
        return BatchRuleStep(made, passes)

    def _rule(self, seed: int) -> Rule:
        own = {k: v for k, v in self.spec.options.items() if k not in ("features", "reweight")}
        return rule(self.spec.name, **{"seed": seed + _SEED_OF_RULES, **own})

    def _features(self, setting: Setting, ready: Rule) -> Callable[..., Tensor] | None:
        wanted = self.spec.options.get("features")
        if wanted is None and ready.needs != "features":
            return None
        if not (ready.needs == "features" or ready.takes_features):
            raise InvalidOption(f"rule {self.spec.name!r} takes no features")
        return _finder(wanted or "labels", setting)


def classes_of(setting: Setting) -> Callable[[Batch], Tensor]:
    """Return ``f(batch)`` for the class of each sample; of mixed ones the class that weighs most.

    It raises InvalidOption for tasks whose samples have no class.
    """
    classes, name = setting.data.classes, setting.task.name

    def found(batch: Batch) -> Tensor:
        targets = batch[1]
        if targets.shape[1:] == (classes,) and targets.is_floating_point():
            targets = targets.argmax(1)
        if classes is None or targets.ndim != 1:
            raise InvalidOption(
                f"quotas= are for tasks with one class for each sample; task {name!r} has targets "
                f"of shape {tuple(targets.shape)} and dtype {targets.dtype}: leave them out"
            )
        return targets

    return found


def _finder(what: str, setting: Setting) -> Callable[..., Tensor]:
    """Return ``f(batch)`` for the features of that name, or ``f(model, batch)`` where it passes."""
    task = setting.task

    def known(batch: Batch) -> Tensor:
        return features_of(setting, what, batch)

    def passed(model: Any, batch: Batch) -> Tensor:
        inputs, targets = batch
        outputs, hidden = with_hidden(model, task.prepare(inputs))
        if what == "hidden":
            return features.projected(hidden)
        if what == "residuals":
            return features.residuals(outputs, targets)
        return features.last_layer_gradients(outputs, targets, hidden)

    return passed if what in FEATURES[3:] else known


def with_hidden(model: nn.Module, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Return the outputs, and what the last linear layer was given."""
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise InvalidOption("the model has no linear layer whose inputs could be matched")
    seen: list[Tensor] = []
    hook = linear[-1].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    try:
        outputs = model(inputs)
    finally:
        hook.remove()
    return outputs, seen[-1]


@dataclass(frozen=True)
class OrderedSGDMethod(Method):
    """Ordered SGD as the budgeted paper trains it: all samples for B * T epochs.

    Of each batch the highest losses are trained on, all of them until the training accuracy passes
    the first threshold. The chosen are forwarded anew: to choose inside the tensor of losses saves
    nothing, since the graph spans the batch. So a BatchNorm normalises by the q chosen samples, and
    takes its running statistics from them; as published, by a pass of the batch, from all of it.
    """

    takes: ClassVar[tuple[str, ...] | None] = ("thresholds",)

    def sampler(self, setting: Setting) -> EpochBatchSampler:
        """Return what scan-SGD hands out."""
        run = setting.run
        return setting.sampler("scan_sgd", setting.batch_size, float(run.budget), epochs=run.epochs)

    def step(
        self, setting: Setting, model: nn.Module, losses: LossFunction, batches: EpochBatchSampler
    ) -> Step:
        """Return a step on the highest losses."""
        ready: Rule = rule("ordered_sgd", seed=setting.run.seed, **self.spec.options)
        wrapped = DistributedRule(ready) if setting.ranks.world_size > 1 else ready
        return BatchRuleStep(SubsetStep(model, losses, wrapped, 1.0), passes=True)


class SelectiveBackpropStep(Step):
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
class SelectiveBackpropMethod(Method):
    """Keep a loss with probability ``F(loss) ** beta``; train once a batch is full.

    ``beta = 1 / B - 1`` keeps B of the samples on average, for F of losses is uniform. All samples
    are passed forward in each epoch: the cost is that of the budget B + 1/3.

    References
    ----------
    How Important is Importance Sampling for Deep Budgeted Training?, Eq. 4 and below; Jiang et al.,
    Accelerating Deep Learning by Focusing on the Biggest Losers, 2019.
    """

    takes: ClassVar[tuple[str, ...] | None] = ("beta", "history")

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
        return SelectiveBackpropStep(model, losses, ready, setting.batch_size)
