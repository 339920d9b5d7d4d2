"""Selection inside a training loop in torch; nothing here loads torch before it is asked for."""

from typing import TYPE_CHECKING

from subsetopt._dependencies import OptionalDependency
from subsetopt._registry import exports

from .sequence_batches import SequenceBatchSampler as SequenceBatchSampler

if TYPE_CHECKING:  # the same names once more, for type checkers and editors
    from ._epochs import CoreSet as CoreSet
    from ._epochs import ScanSGD as ScanSGD
    from ._epochs import UnifSGD as UnifSGD
    from ._epochs import sampler as sampler
    from ._importance import CSGD as CSGD
    from ._importance import PSGD as PSGD
    from ._ranks import DistributedChoice as DistributedChoice
    from ._served import Recorded as Recorded
    from ._serving import Recording as Recording
    from ._serving import recording as recording
    from ._streaming import StreamedBatch as StreamedBatch
    from ._streaming import StreamedSamples as StreamedSamples
    from ._streaming import by_rule as by_rule
    from ._watching import CSVWriter as CSVWriter
    from ._watching import TensorBoardWriter as TensorBoardWriter
    from ._watching import Watcher as Watcher
    from .budgets import ConstantBudget as ConstantBudget
    from .budgets import During as During
    from .budgets import Interrupted as Interrupted
    from .budgets import LinearBudget as LinearBudget
    from .distributed import DistributedRule as DistributedRule
    from .functional import select as select
    from .recorded import RecordedLosses as RecordedLosses
    from .rule_contract import assert_rule_contract as assert_rule_contract
    from .rules import RULES as RULES
    from .rules import Rule as Rule
    from .rules import RuleFunction as RuleFunction
    from .rules import rule as rule
    from .rules import subset_size as subset_size
    from .sequencing._distributed_sequence import distributed_sequence as distributed_sequence
    from .sequencing._engine import TorchEngine as TorchEngine
    from .step import StepResult as StepResult
    from .step import SubsetStep as SubsetStep
    from .step import supervised as supervised


_TORCH = OptionalDependency("torch", "torch", extra="torch")
__all__, __getattr__, __dir__ = exports(
    __name__,
    {
        "budgets": "ConstantBudget During Interrupted LinearBudget",
        "distributed": "DistributedRule",
        "_epochs": "CoreSet ScanSGD UnifSGD sampler",
        "functional": "select",
        "_importance": "CSGD PSGD",
        "_ranks": "DistributedChoice",
        "recorded": "RecordedLosses",
        "rule_contract": "assert_rule_contract",
        "rules": "RULES Rule RuleFunction rule subset_size",
        "sequence_batches": "SequenceBatchSampler",
        "_served": "Recorded",
        "sequencing._distributed_sequence": "distributed_sequence",
        "sequencing._engine": "TorchEngine",
        "_serving": "Recording recording",
        "step": "StepResult SubsetStep supervised",
        "_streaming": "StreamedBatch StreamedSamples by_rule",
        "_watching": "CSVWriter TensorBoardWriter Watcher",
    },
    _TORCH.load,
)
