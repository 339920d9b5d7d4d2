"""Samples: readers of the standard files, data that are made up, and splits of either."""

from ._splits import Batch, BatchSource, Data, Split, TensorSplit, in_order

__all__ = ["Batch", "BatchSource", "Data", "Split", "TensorSplit", "in_order"]
