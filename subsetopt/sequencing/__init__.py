"""Whole data sets: mini-batches that resemble the whole, one after another, and parts that do."""

from ._build import bar, sequence
from ._partition_result import Partition
from ._partitioning import partition
from .engines import ENGINES, Engine, choose
from .measure import mmd_to_whole
from .result import MiniBatchSequence

__all__ = [
    "ENGINES",
    "Engine",
    "MiniBatchSequence",
    "Partition",
    "bar",
    "choose",
    "mmd_to_whole",
    "partition",
    "sequence",
]
