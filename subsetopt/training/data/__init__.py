"""Data sets: arrays and pictures, their splits, and downloads."""

from ._splits import Batch, BatchSource, Data, Split, TensorSplit, in_order

__all__ = ["Batch", "BatchSource", "Data", "Split", "TensorSplit", "in_order"]
