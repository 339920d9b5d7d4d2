"""Readers and writers of files."""

from .arrays import read_values
from .indices import write_indices
from .models import write_model
from .problems import read_problem

__all__ = ["read_problem", "read_values", "write_indices", "write_model"]
