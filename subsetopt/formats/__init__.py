"""Readers and writers of files."""

from .arrays import read_values
from .indices import write_indices
from .models import write_model

__all__ = ["read_values", "write_indices", "write_model"]
