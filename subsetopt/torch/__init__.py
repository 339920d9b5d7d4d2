"""Selection inside a training loop in torch; nothing here loads torch before it is asked for."""

from typing import TYPE_CHECKING

from subsetopt._dependencies import OptionalDependency
from subsetopt._registry import loader

from .sequence_batches import SequenceBatchSampler

if TYPE_CHECKING:
    from .budgets import Constant, During, Interrupted, Linear
    from .distributed import DistributedRule
    from .epochs import CoreSet, ScanSGD, UnifSGD, sampler
    from .functional import select
    from .importance import CSGD, PSGD
    from .ranks import DistributedChoice
    from .recorded import RecordedLosses
    from .rules import RULES, Rule, rule, subset_size
    from .serving import Recording, recording
    from .step import StepResult, SubsetStep, supervised
    from .streaming import StreamedBatch, StreamedSamples, by_rule
    from .tally import Recorded
    from .watching import CSVWriter, TensorBoardWriter, Watcher

_CONTENTS = {
    "budgets": ("Constant", "During", "Interrupted", "Linear"),
    "distributed": ("DistributedRule",),
    "epochs": ("CoreSet", "ScanSGD", "UnifSGD", "sampler"),
    "functional": ("select",),
    "importance": ("CSGD", "PSGD"),
    "ranks": ("DistributedChoice",),
    "recorded": ("RecordedLosses",),
    "rules": ("RULES", "Rule", "rule", "subset_size"),
    "serving": ("Recording", "recording"),
    "step": ("StepResult", "SubsetStep", "supervised"),
    "streaming": ("StreamedBatch", "StreamedSamples", "by_rule"),
    "tally": ("Recorded",),
    "watching": ("CSVWriter", "TensorBoardWriter", "Watcher"),
}

__all__ = [
    "CSGD",
    "PSGD",
    "RULES",
    "CSVWriter",
    "Constant",
    "CoreSet",
    "DistributedChoice",
    "DistributedRule",
    "During",
    "Interrupted",
    "Linear",
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
