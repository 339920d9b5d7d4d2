"""Mini-batches one after another, so that what was taken so far resembles the whole."""

from ._build import bar, sequence
from .engines import ENGINES, Engine, choose
from .measure import mmd_to_whole
from .result import MiniBatchSequence

__all__ = ["ENGINES", "Engine", "MiniBatchSequence", "bar", "choose", "mmd_to_whole", "sequence"]
