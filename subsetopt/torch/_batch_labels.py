"""The class labels of a batch, for rules with quotas."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from torch import Tensor

from subsetopt.errors import InvalidProblem

from .rules._class_quotas import checked_labels

LabelSource = Callable[[Any], Any] | str | int | None
"""A function of the batch, a key or place in it, or None for where they usually are."""
_FIX = (
    "say where the classes are with labels=, a key of the batch or a function of it such as "
    "labels=lambda batch: batch[1].argmax(-1)"
)


def labels_of(batch: Any, source: LabelSource, n: int) -> Tensor:
    """Return the labels of the n samples of a batch, (n,) on the CPU.

    Raises
    ------
    InvalidProblem
        If there are none, or they are not one integer for each sample.
    """
    found = _found(batch, source)
    if isinstance(found, np.ndarray | list | tuple):
        with suppress(TypeError, ValueError, RuntimeError):  # told below
            found = torch.as_tensor(found)
    try:
        return checked_labels(found, torch.Size((n,)), "a choice under quotas")[0]
    except InvalidProblem as error:
        raise InvalidProblem(f"{error}; {_FIX}") from None


def _found(batch: Any, source: LabelSource) -> Any:
    if callable(source):
        return source(batch)
    if source is not None:
        try:
            return batch[source]
        except (LookupError, TypeError):
            raise InvalidProblem(
                f"labels must be a key of the batch, a {type(batch).__name__}{_keys(batch)}, or a "
                f"function of it; got {source!r}"
            ) from None
    if isinstance(batch, Mapping):
        return batch.get("labels")
    return batch[-1] if isinstance(batch, tuple | list) and len(batch) > 1 else None


def _keys(batch: Any) -> str:
    return f" with {', '.join(map(repr, batch))}" if isinstance(batch, Mapping) else ""
