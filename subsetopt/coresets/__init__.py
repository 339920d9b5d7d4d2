"""k of very many: a few rows that resemble all of a source, which is read in blocks."""

from ._choosing import coreset
from ._coreset_result import Coreset

__all__ = ["Coreset", "coreset"]
