"""Batches of any build: how many samples they hold, and some of them.

A batch is a tensor, a NumPy array, or tuples, lists, mappings and dataclasses of such, nested at
will. Tensors with one row per sample are indexed; so are lists and tuples with one element per
sample, such as texts, or the boxes of each image. Everything else is kept as it is.
"""

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from subsetopt.errors import InvalidProblem

Leaf = Tensor | np.ndarray[Any, Any]
_LEAVES = (Tensor, np.ndarray)


def batch_size(batch: Any) -> int:
    """Return the number of samples: the first dimension that all tensors of the batch share.

    Tensors without dimensions are left out of account, and so are those in a list with one element
    per sample. Where there is no tensor, the lists decide, if all are of one length.
    """
    flat = _flat(batch)
    if flat is not None and len({part.shape[:1] for part in flat}) == 1 and flat[0].ndim:
        return flat[0].shape[0]
    rows = [(where, leaf) for where, leaf in _leaves(batch, "batch") if leaf.ndim]
    if not rows:
        return _listed_size(batch)
    first, leaf = rows[0]
    size = len(leaf)
    if all(len(other) == size for _, other in rows):
        return size
    for where, other in _leaves(batch, "batch", size):
        if other.ndim and len(other) != size:
            raise InvalidProblem(
                f"{where} has {len(other)} rows, but {first} has {size}; say how many samples "
                "there are with batch_size=, then tensors of other lengths are left whole"
            )
    return size


def take(batch: Any, indices: Tensor, size: int) -> Any:
    """Return the samples `indices` of a batch of `size`, built as the batch is.

    Tensors are copied in their memory format. An index on another device than the tensor is moved
    there; lists and NumPy arrays need it on the host, so that a GPU is waited for.
    """
    flat = _flat(batch)
    if flat is not None and all(part.ndim and part.shape[0] == size for part in flat):
        rows = [_rows(part, indices) for part in flat]
        return dict(zip(batch, rows, strict=True)) if type(batch) is dict else type(batch)(rows)
    found: list[str] = []

    def pick(where: str, value: Any) -> Any:
        if not isinstance(value, _LEAVES) or (value.ndim and len(value) == size):
            found.append(where)
            return _rows(value, indices)
        return value

    taken = _mapped(batch, pick, "batch", size)
    if not found:
        raise InvalidProblem(
            f"nothing in the batch has {size} rows or elements, one per sample; give it as tensors "
            "(n, ...), or in tuples, lists, mappings or dataclasses of them"
        )
    return taken


def device_of_batch(batch: Any) -> torch.device | None:
    """Return the device of the first tensor, None where there is none."""
    flat = _flat(batch)
    if flat is not None:
        return flat[0].device
    for _, leaf in _leaves(batch, "batch"):
        if isinstance(leaf, Tensor):
            return leaf.device
    return None


def _flat(batch: Any) -> Sequence[Tensor] | None:
    """Return the parts of a tuple, list or dictionary of plain tensors, most batches; else None.

    What holds for batches of any build holds for these without a walk through them, which in a
    training step, whose caches the last update has emptied, takes as long as a small forward pass.
    """
    kind = type(batch)
    if kind is dict:
        parts: Sequence[Any] = list(batch.values())
    elif kind is tuple or kind is list:
        parts = batch
    else:
        return None
    if not parts:
        return None
    for part in parts:
        if type(part) is not Tensor:
            return None
    return parts


def _rows(value: Any, indices: Tensor) -> Any:
    if isinstance(value, Tensor):
        own = indices if indices.device == value.device else indices.to(value.device)
        # index_select takes a third of the time, but forgets channels_last
        return value.index_select(0, own) if value.is_contiguous() else value[own]
    if isinstance(value, np.ndarray):
        return value[indices.cpu().numpy()]
    return _like(value, [value[place] for place in indices.tolist()])


def _mapped(value: Any, pick: Callable[[str, Any], Any], where: str, size: int) -> Any:
    """Return `value` with every tensor, and every list of one element per sample, picked from."""
    if isinstance(value, _LEAVES) or _per_sample(value, size):
        return pick(where, value)
    parts = {key: _mapped(part, pick, inner, size) for key, inner, part in _parts(value, where)}
    if all(parts[key] is part for key, _, part in _parts(value, where)):
        return value
    if isinstance(value, list | tuple):
        return _like(value, list(parts.values()))
    changed = copy.copy(value)
    if isinstance(value, Mapping):
        for key, part in parts.items():
            changed[key] = part
    else:
        for key, part in parts.items():
            object.__setattr__(changed, key, part)  # of a frozen one too
    return changed


def _like(value: Any, elements: list[Any]) -> Any:
    if hasattr(value, "_fields"):
        return type(value)(*elements)
    return type(value)(elements)


def _parts(value: Any, where: str) -> Iterator[tuple[Any, str, Any]]:
    """Yield key, name and value of what a container holds; nothing where it is none."""
    if isinstance(value, PackedSequence):
        raise InvalidProblem(
            f"{where} is a PackedSequence, whose rows are not samples; keep padded tensors or a "
            "list of sequences in the batch, and pack them in the model"
        )
    if isinstance(value, Mapping):
        for key in value:
            yield key, f"{where}[{key!r}]", value[key]
    elif hasattr(value, "_fields"):
        for place, name in enumerate(value._fields):
            yield place, f"{where}.{name}", value[place]
    elif isinstance(value, list | tuple):
        for place, part in enumerate(value):
            yield place, f"{where}[{place}]", part
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield field.name, f"{where}.{field.name}", getattr(value, field.name)


def _leaves(value: Any, where: str, size: int | None = None) -> Iterator[tuple[str, Leaf]]:
    """Yield tensors and arrays with their names; with `size` not those of lists per sample."""
    if isinstance(value, _LEAVES):
        yield where, value
    elif size is None or not _per_sample(value, size):
        for _, inner, part in _parts(value, where):
            yield from _leaves(part, inner, size)


def _per_sample(value: Any, size: int) -> bool:
    """Return whether a list has one element per sample, rather than tensors of all samples.

    Two lists can be of the same length, 2, for two reasons: inputs and labels of two samples, or
    the texts of two. Elements that are built alike, and are not all tensors with `size` rows, are
    taken for samples.
    """
    if not isinstance(value, list | tuple) or hasattr(value, "_fields") or len(value) != size:
        return False
    if len({_build(element) for element in value}) > 1:
        return False
    leaves = [leaf for _, leaf in _leaves(value, "")]
    return not leaves or not all(leaf.ndim and len(leaf) == size for leaf in leaves)


def _build(value: Any) -> Any:
    """Return what two elements have in common that are samples of one kind."""
    if isinstance(value, _LEAVES):
        return type(value), value.dtype, value.ndim
    if isinstance(value, Mapping):
        return type(value), frozenset(value)
    return type(value)


def _listed_size(batch: Any) -> int:
    sizes = {len(value) for value in _lists(batch)}
    if len(sizes) == 1 and sizes != {0}:
        return sizes.pop()
    raise InvalidProblem(
        "the batch holds no tensor with one row per sample; say how many samples there are with "
        "batch_size="
    )


def _lists(value: Any) -> Iterator[Any]:
    """Yield the innermost lists and tuples."""
    parts = [part for _, _, part in _parts(value, "batch")]
    inner = [found for part in parts for found in _lists(part)]
    if isinstance(value, list | tuple) and not inner:
        yield value
    else:
        yield from inner
