"""Canonical forms as plain data: what any solver can be handed, whatever it is."""

from .models import LinearModel, QuadraticModel, SparseRows
from .quadratic import QUADRATIC_FAMILIES, QuadraticForm

__all__ = ["QUADRATIC_FAMILIES", "LinearModel", "QuadraticForm", "QuadraticModel", "SparseRows"]
