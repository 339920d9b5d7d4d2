"""What rules ask of their options and of losses."""

import math

import torch
from torch import Tensor

from subsetopt._checks import require_number
from subsetopt.errors import InvalidProblem
from subsetopt.problems import _validation


def subset_size(k: int | float, n: int) -> int:
    """Return how many of n are meant by k: a whole number, or a share 0 < r <= 1.

    A share means ``max(1, int(r * n))``.

    Raises
    ------
    InvalidProblem
        If k is neither, or outside 1..n.
    """
    if not isinstance(k, float):
        return _validation.subset_size(k, n)
    require_number("k as a share", k, "(0, 1]", error=InvalidProblem)
    return max(1, int(k * n))


def require_shape(losses: object) -> None:
    """Raise InvalidProblem unless `losses` is a tensor (n,) or (B, n) with n >= 1."""
    if not isinstance(losses, Tensor):
        raise InvalidProblem(f"losses are a {type(losses).__name__}; a torch.Tensor is needed")
    shape = tuple(losses.shape)
    if losses.ndim == 0:
        raise InvalidProblem(
            "losses are a scalar; one loss per sample is needed: let the loss function keep them "
            "apart, with reduction='none'"
        )
    if losses.ndim > 2:
        raise InvalidProblem(
            f"losses must have shape (n,) or (B, n), one per sample; got {shape}: average "
            "the others, with losses.flatten(1).mean(1)"
        )
    if 0 in shape:
        raise InvalidProblem(f"losses are empty, shape {shape}; at least one is needed")
    if losses.ndim == 2 and shape[1] == 1 < shape[0]:
        raise InvalidProblem(
            f"losses have shape {shape}, {shape[0]} rows of one; for one row of {shape[0]} give "
            "losses.squeeze(1)"
        )


def require_finite(name: str, values: Tensor) -> None:
    """Raise InvalidProblem with the first position that is not finite; waits for the device."""
    if math.isfinite(values.sum().item()):  # a sum that overflows is looked into below
        return
    bad = (~torch.isfinite(values)).nonzero()
    if len(bad):
        where = bad[0].tolist()
        raise InvalidProblem(
            f"{name}{where} is {values[tuple(where)].item()} and {len(bad)} of {values.numel()} "
            "values are not finite; drop or replace them first"
        )
