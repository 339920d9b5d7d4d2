"""One served batch on its way to the writer: tensors on a device, then arrays on the host."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from subsetopt.errors import InvalidProblem
from subsetopt.records._classes import Classes

from ._counters import Tally


class Served(NamedTuple):
    """One batch on its way to the writer; arrays, or tensors that `ready` says are filled."""

    time: float
    model: str
    ids: Any
    labels: Any
    logits: Any
    scores: Any
    losses: Any
    outputs: Any
    features: Any
    ready: Any


class Columns(NamedTuple):
    """One batch as the writer takes it; or several."""

    ids: NDArray[Any]
    losses: NDArray[Any] | None
    outputs: NDArray[Any] | None
    features: NDArray[Any] | None


# -- tensors ---------------------------------------------------------------------------------------


def require_logits(found: Any) -> None:
    """Raise InvalidProblem unless these are logits (m, C)."""
    if not isinstance(found, Tensor):
        raise InvalidProblem(
            f"the module returns a {type(found).__name__}; say where the logits (m, C) are with "
            "logits=lambda output: ..."
        )
    if found.ndim != 2:
        raise InvalidProblem(
            f"the logits must have shape (m, C); got {tuple(found.shape)}; else give a loss= and a "
            "summary= that take them"
        )


def cross_entropy_of(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the losses, NaN where an index is out of range, which would end a GPU's work.

    Which labels are classes is for `Classes` to say, on the host.
    """
    if labels.shape != scores.shape[:1]:
        raise InvalidProblem(
            f"labels must have shape ({len(scores)},), one per row; got {tuple(labels.shape)}"
        )
    classes = labels.detach().long()
    good = (classes >= 0) & (classes < scores.shape[1])
    found = -scores.gather(1, torch.where(good, classes, 0)[:, None])[:, 0]
    return torch.where(good, found, torch.nan)


def per_sample(losses: Tensor) -> Tensor:
    """Return one loss for each sample: those of its pixels or tokens are averaged."""
    if losses.ndim == 0:
        raise InvalidProblem(
            "the loss is a scalar; one for each sample is needed: let it keep them apart, with "
            "reduction='none'"
        )
    return losses if losses.ndim == 1 else losses.flatten(1).mean(1)


def copied(values: Tensor) -> Tensor:
    """Return them without graph, in single precision, in memory of their own."""
    return values.detach().to(torch.float32, copy=True)


def snapshot(values: Any) -> Any:
    """Return what the caller may change after the pass, in memory of its own."""
    return values.detach().clone() if isinstance(values, Tensor) else np.array(values)


def on_the_way(given: Sequence[Any]) -> tuple[tuple[Any, ...], Any]:
    """Start copying tensors from a GPU to pinned memory; return them, and the event of their end.

    Their own memory may be freed meanwhile: it is used again after the copy, in the same stream.
    """
    moved, device = [], None
    for one in given:
        if isinstance(one, Tensor) and one.is_cuda:
            device = one.device
            host = torch.empty(one.shape, dtype=one.dtype, pin_memory=True)
            one = host.copy_(one, non_blocking=True)
        moved.append(one)
    ready: Any = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
    ready.record(torch.cuda.current_stream(device))
    return tuple(moved), ready


# -- arrays ----------------------------------------------------------------------------------------


def groups(
    served: list[Served], classes: Classes, tally: Tally
) -> Iterator[tuple[str, list[float], list[Columns]]]:
    """Yield neighbouring batches that can be appended at once: model, times and columns."""
    key: Any = None
    times: list[float] = []
    columns: list[Columns] = []
    before = classes.left_out
    for one in served:
        try:
            found = _columns(one, classes)
        except Exception as error:
            tally.failed(error)
            continue
        own = (one.model, *(part is None for part in found), found.ids.dtype.kind)
        if own != key and columns:
            yield key[0], times, columns
            times, columns = [], []
        key = own
        times.append(one.time)
        columns.append(found)
    if columns:
        yield key[0], times, columns
    tally.no_class(classes.left_out - before, classes.count, classes.from_one)


def _columns(served: Served, classes: Classes) -> Columns:
    """Return the arrays of a batch, checked; waits for the device where it has to."""
    if served.ready is not None:
        served.ready.synchronize()
    ids = _array(served.ids)
    losses, outputs = _array(served.losses), _array(served.outputs)
    scores, labels = _array(served.scores), _array(served.labels)
    if served.logits is not None:
        scores = _log_softmax(_array(served.logits))
    if scores is not None and labels is None:
        outputs = scores
    elif scores is not None:
        if labels.shape != scores.shape[:1]:
            raise InvalidProblem(
                f"labels must have shape ({len(scores)},), one per row; got {labels.shape}"
            )
        classes.see(labels)
        losses = classes.losses(scores, labels)
    elif labels is not None and losses is not None:  # made on the device
        classes.see(labels)
        losses = classes.kept(losses, labels)
    found = Columns(ids, losses, outputs, _array(served.features))
    for name, values in zip(("losses", "outputs", "features"), found[1:], strict=True):
        if values is not None and values.shape[:1] != ids.shape:
            raise InvalidProblem(
                f"ids have shape {ids.shape}, but {name} {values.shape}; one id for each row of "
                "the output is needed"
            )
    return found


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logarithms of the probabilities, in place.

    Not by torch, whose threads would take the cores from those that serve.
    """
    with np.errstate(all="ignore"):  # what is not finite is counted by the writer
        logits -= logits.max(1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(1, keepdims=True))
    return logits


def _array(values: Any) -> Any:
    return values.cpu().numpy() if isinstance(values, Tensor) else values


def joined(parts: tuple[Any, ...]) -> Any:
    """Return arrays as one; None where there are none."""
    return parts[0] if len(parts) == 1 or parts[0] is None else np.concatenate(parts)
