"""What feeds a training loop in torch; torch itself is imported where it is first needed."""

from .samplers import SequenceBatchSampler

__all__ = ["SequenceBatchSampler"]
