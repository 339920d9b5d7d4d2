"""Selection inside a training loop in torch; nothing here loads torch before it is asked for."""

from typing import TYPE_CHECKING

from subsetopt._dependencies import OptionalDependency
from subsetopt._registry import loader

from .sequence_batches import SequenceBatchSampler

if TYPE_CHECKING:
    from ._counters import Recorded
    from ._epochs import CoreSet, ScanSGD, UnifSGD, sampler
    from ._importance import CSGD, PSGD
    from ._ranks import DistributedChoice
    from ._serving import Recording, recording
    from ._streaming import StreamedBatch, StreamedSamples, by_rule
    from ._watching import CSVWriter, TensorBoardWriter, Watcher
    from .budgets import ConstantBudget, During, Interrupted, LinearBudget
    from .distributed import DistributedRule
    from .functional import select
    from .recorded import RecordedLosses
    from .rules import RULES, Rule, rule, subset_size
    from .step import StepResult, SubsetStep, supervised

_CONTENTS = {
    "budgets": ("ConstantBudget", "During", "Interrupted", "LinearBudget"),
    "distributed": ("DistributedRule",),
    "_epochs": ("CoreSet", "ScanSGD", "UnifSGD", "sampler"),
    "functional": ("select",),
    "_importance": ("CSGD", "PSGD"),
    "_ranks": ("DistributedChoice",),
    "recorded": ("RecordedLosses",),
    "rules": ("RULES", "Rule", "rule", "subset_size"),
    "_serving": ("Recording", "recording"),
    "step": ("StepResult", "SubsetStep", "supervised"),
    "_streaming": ("StreamedBatch", "StreamedSamples", "by_rule"),
    "_counters": ("Recorded",),
    "_watching": ("CSVWriter", "TensorBoardWriter", "Watcher"),
}

__all__ = [
    "CSGD",
    "PSGD",
    "RULES",
    "CSVWriter",
    "ConstantBudget",
    "CoreSet",
    "DistributedChoice",
    "DistributedRule",
    "During",
    "Interrupted",
    "LinearBudget",
    "Recorded",
    "RecordedLosses",
    "Recording",
    "Rule",
    "ScanSGD",
    "SequenceBatchSampler",
    "StepResult",
    "StreamedBatch",
    "StreamedSamples",
    "SubsetStep",
    "TensorBoardWriter",
    "UnifSGD",
    "Watcher",
    "by_rule",
    "recording",
    "rule",
    "sampler",
    "select",
    "subset_size",
    "supervised",
]


_TORCH = OptionalDependency("torch", "torch", extra="torch")
__getattr__ = loader(__name__, _CONTENTS, _TORCH.load)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
