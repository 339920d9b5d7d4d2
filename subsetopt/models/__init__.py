"""Canonical models as plain data, for any solver."""

from ._side_constraints import CONSTRAINT_KINDS, SideConstraints
from .linearisations import (
    LINEARISATIONS,
    PAIRS_LIMIT,
    compact_model,
    mccormick_model,
    published_model,
    rlt_model,
)
from .programs import LinearModel, QuadraticModel, SparseRows
from .quadratic_form import QUADRATIC_FAMILIES, QuadraticForm, StatedForm
from .quadratic_models import factored_model, iqp_model
from .rows_form import RowsForm, RowSource
from .sparse_form import SparseForm, SparseMatrix

__all__ = [
    "CONSTRAINT_KINDS",
    "LINEARISATIONS",
    "PAIRS_LIMIT",
    "QUADRATIC_FAMILIES",
    "LinearModel",
    "QuadraticForm",
    "QuadraticModel",
    "RowSource",
    "RowsForm",
    "SideConstraints",
    "SparseForm",
    "SparseMatrix",
    "SparseRows",
    "StatedForm",
    "compact_model",
    "factored_model",
    "iqp_model",
    "mccormick_model",
    "published_model",
    "rlt_model",
]
