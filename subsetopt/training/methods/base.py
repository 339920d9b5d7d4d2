"""Methods: a batch sampler for the epochs, and a step for the batches."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from torch import Tensor, nn

from subsetopt._entry_points import registered
from subsetopt._registry import Registry, require_options
from subsetopt._spec import Spec
from subsetopt.torch import features
from subsetopt.torch._epochs import sampler
from subsetopt.torch.rules import RULES
from subsetopt.torch.rules._rules_by_name import GROUP
from subsetopt.torch.samplers import EpochBatchSampler
from subsetopt.torch.step import LossFunction, SubsetStep
from subsetopt.training.data._splits import Batch, Data
from subsetopt.training.run import Run
from subsetopt.training.tasks import Task

__all__ = ["METHODS", "Method", "Step", "method"]

METHODS = Registry(
    "rule",
    __package__,
    {
        "full": "base:FullTraining",
        **dict.fromkeys(RULES, "_batch_rules:BatchRuleMethod"),
        "uniform": "_uniform_draws:UniformMethod",
        "sb": "_batch_rules:SelectiveBackpropMethod",
        "osgd": "_batch_rules:OrderedSGDMethod",
        "unif_sgd": "_epoch_samplers:EpochSamplerMethod",
        "p_sgd": "_epoch_samplers:EpochSamplerMethod",
        "c_sgd": "_epoch_samplers:EpochSamplerMethod",
        "scan_sgd": "_epoch_samplers:EpochSamplerMethod",
        "coreset": "_epoch_samplers:EpochSamplerMethod",
        "stratified": "_epoch_samplers:StratifiedMethod",
        "matched": "_epoch_samplers:MatchedMethod",
        "mmd": "_fixed_orders:SequenceMethod",
        "submodular": "_fixed_orders:BaselineMethod",
        "k-dpp": "_fixed_orders:BaselineMethod",
        "facility": "_fixed_orders:BaselineMethod",
        "poisson-disk": "_fixed_orders:BaselineMethod",
        "random_order": "_fixed_orders:BaselineMethod",
    },
)
"""Methods by name: the module in this package, and the class."""


class Ranks(NamedTuple):
    """Rank of this process, and the number of processes."""

    rank: int = 0
    world_size: int = 1


class Chosen(NamedTuple):
    """Samples and loss of one step of the optimiser."""

    loss: Tensor
    """To differentiate."""
    ids: Tensor
    """The samples (m,) in the data set."""
    losses: Tensor
    """Theirs, (m,), without a graph."""


class Step(ABC):
    """Turns batches into losses to differentiate; counts what it passes to choose by."""

    learns_from_accuracy: ClassVar[bool] = False

    def __init__(self) -> None:
        self.selection_passes = 0
        """Samples that were passed forward to choose by."""

    @abstractmethod
    def __call__(self, ids: Tensor, batch: Batch) -> Iterator[Chosen]:
        """Yield what to train on now: nothing, once, or several times."""

    def end_epoch(self, accuracy: float) -> None:
        """Receive the share of training samples classified correctly in the epoch."""
        return

    def state_dict(self) -> dict[str, Any]:
        """Return what resuming needs."""
        return {"selection_passes": self.selection_passes}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` returned."""
        self.selection_passes = state["selection_passes"]


class Setting(NamedTuple):
    """Run, task and data that a method is made for."""

    run: Run
    task: Task
    data: Data
    ranks: Ranks = Ranks()

    @property
    def batch_size(self) -> int:
        """Of this rank."""
        return max(1, self.run.batch_size // self.ranks.world_size)

    def sampler(self, name: str, *args: Any, **options: Any) -> EpochBatchSampler:
        """Return a sampler of `subsetopt.torch` of the training samples, for this seed and rank."""
        given = {"seed": self.run.seed, **self.ranks._asdict(), **options}
        made: EpochBatchSampler = sampler(name, len(self.data.train), *args, **given)
        return made

    def shuffled(self, batch_size: int | None = None) -> EpochBatchSampler:
        """Return a sampler of all samples in random order; ranks get equally many."""
        return self.sampler("unif_sgd", batch_size or self.batch_size)


class WholeBatchStep(Step):
    """Trains on whole batches."""

    def __init__(self, model: nn.Module, losses: LossFunction) -> None:
        super().__init__()
        self._step = SubsetStep(model, losses, "uniform", 1.0)

    def __call__(self, ids: Tensor, batch: Batch) -> Iterator[Chosen]:
        """Yield the batch."""
        result = self._step(batch)
        yield Chosen(result.loss, ids, result.trained)


@dataclass(frozen=True)
class Method:
    """Base of all methods: all samples in random order, in whole batches.

    Parameters
    ----------
    spec : Spec
        Its name and options.
    """

    spec: Spec
    takes: ClassVar[tuple[str, ...] | None] = ()
    """Names of its options; None where another class checks them."""

    def __post_init__(self) -> None:
        if self.takes is not None:
            require_options(f"rule {self.spec.name!r}", self.spec.options, self.takes)

    def warm_up(self, setting: Setting) -> None:
        """Have compiled what is compiled at the first call, so that no run pays for it."""
        return

    def sampler(self, setting: Setting) -> EpochBatchSampler:
        """Return the batches of the epochs, numbers of training samples.

        Where it has `planned_epochs`, they are what the budget is spent in, else those of the run.
        """
        return setting.shuffled()

    def step(
        self, setting: Setting, model: nn.Module, losses: LossFunction, batches: EpochBatchSampler
    ) -> Step:
        """Return what is done with each batch of the sampler."""
        return WholeBatchStep(model, losses)


class FullTraining(Method):
    """All samples in all epochs, whatever the budget: what a budget is a share of."""


def features_of(setting: Setting, what: str, batch: Batch) -> Tensor:
    """Return features (n, d) that need no model: "labels", "inputs" or "both"."""
    if what != "both":
        return setting.task.features(what, *batch, setting.data)
    parts = [setting.task.features(part, *batch, setting.data) for part in ("labels", "inputs")]
    return features.joined(*parts)


def method(text: str) -> Method:
    """Return the method of a name with options, such as ``vector:features=labels``.

    Rules that other packages register are methods too.

    Raises
    ------
    InvalidOption
        If none is called so, or it has no such option.
    """
    spec = Spec.parse(text)
    of_a_rule = spec.name not in METHODS and spec.name in registered(GROUP)
    ready: Method = METHODS.load("uniform" if of_a_rule else spec.name)(spec)
    return ready
