"""Mini-batches one after another, so that what was taken so far resembles the whole."""

from .engines import ENGINES, Engine, choose
from .measure import mmd_to_whole
from .progress import bar
from .result import MiniBatchSequence
from .sequence import sequence

__all__ = ["ENGINES", "Engine", "MiniBatchSequence", "bar", "choose", "mmd_to_whole", "sequence"]
