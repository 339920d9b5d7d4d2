"""Coresets: a few rows that represent a very large source, which is read in blocks."""

from ._choosing import coreset
from ._coreset_result import Coreset

__all__ = ["Coreset", "coreset"]
