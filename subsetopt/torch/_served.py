"""Served batches on their way to the writer, and counts of what became of them."""

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from subsetopt.errors import InvalidProblem
from subsetopt.records._classes import Classes

LOG = logging.getLogger("subsetopt.records")
_QUIET = 60.0
"""Seconds in which errors of one kind are logged once."""


@dataclass(frozen=True)
class Recorded:
    """Counts of served batches and their records."""

    batches: int = 0
    """Given to the writer, and taken in."""
    records: int = 0
    """In these."""
    dropped: int = 0
    """Records not taken in, as writing could not keep up."""
    failures: int = 0
    """Batches that could not be recorded; `last_error` says why."""
    unnamed: int = 0
    """Passes outside of ``with hook.batch(ids)``, which are not recorded."""
    no_class: int = 0
    """Labels that are no class, whose records have no loss."""
    last_error: str = ""


class Counters:
    """Counts, kept by any number of threads."""

    def __init__(self) -> None:
        self._counts = Recorded()
        self._logged: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def counts(self) -> Recorded:
        """The counts so far."""
        with self._lock:
            return self._counts

    def note(self, error: str = "", **more: int) -> None:
        """Add to the counts of these names."""
        with self._lock:
            held: dict[str, Any] = {
                name: getattr(self._counts, name) + value for name, value in more.items()
            }
            if error:
                held["last_error"] = error
            self._counts = replace(self._counts, **held)

    def failed(self, error: BaseException) -> None:
        """Count a batch that could not be recorded, and log why."""
        self.note(failures=1, error=f"{type(error).__name__}: {error}")
        self._log(type(error).__name__, "a batch was not recorded: %s", error)

    def dropped(self, count: int, why: str) -> None:
        """Count records that were not taken in, and log why."""
        self.note(dropped=count)
        self._log(why, "%d records were dropped: %s", count, why)

    def no_class(self, count: int, classes: int, from_one: bool) -> None:
        """Count labels that are no class, and log them."""
        if not count:
            return
        self.note(no_class=count)
        hint = ", and seem to be counted from 1" if from_one else ""
        self._log("labels", f"%d labels are not a class of 0..{classes - 1}{hint}: no loss", count)

    def _log(self, kind: str, message: str, *values: object) -> None:
        if monotonic() - self._logged.get(kind, -_QUIET) >= _QUIET:
            self._logged[kind] = monotonic()
            LOG.warning(f"{message} (logged once in {_QUIET:g} s)", *values)


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
            "the loss must be one number per sample; got a scalar: give it reduction='none'"
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
    served: list[Served], classes: Classes, counters: Counters
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
            counters.failed(error)
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
    counters.no_class(classes.left_out - before, classes.count, classes.from_one)


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
                f"ids must be one for each row of the output; got shape {ids.shape} and {name} "
                f"{values.shape}"
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
