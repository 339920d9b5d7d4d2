"""Recording what a deployed module predicts: a forward hook that serving does not notice."""

import atexit
import threading
import weakref
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import partial
from time import time as now
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from subsetopt._checks import require, require_integer
from subsetopt.errors import InvalidOption, InvalidProblem
from subsetopt.records._classes import Classes
from subsetopt.records._layout import arrow

from ._served import (
    Columns,
    Counters,
    Recorded,
    Served,
    copied,
    cross_entropy_of,
    groups,
    joined,
    on_the_way,
    per_sample,
    require_logits,
    snapshot,
)

if TYPE_CHECKING:
    from subsetopt.records import RecordWriter

_INTERVAL = 0.1
"""Seconds between looks at what waits: nobody is woken for a batch."""
_TOGETHER = 64
"""Batches that are appended at once, at most."""
_NOTHING = (None,) * 5
_CURRENT: "ContextVar[Batch | None]" = ContextVar("subsetopt_recorded_batch", default=None)


class Recording:
    """Record what a module predicts while it serves, without disturbing it.

    ``hook = recording(module, writer, model="v12")``, then ``with hook.batch(ids): module(x)``.
    Where labels are known a loss is recorded for each sample; where not, what the loss can be made
    of when they come. On a GPU that is computed without waiting, on a CPU the logits are copied; a
    thread of its own does the rest. Nothing that goes wrong with it reaches the caller: it is
    counted, and logged once a minute.

    Parameters
    ----------
    module : nn.Module
        Whose calls are recorded. Of a compiled module the one that `torch.compile` returned: calls
        that are compiled into another module cannot be seen.
    writer : RecordWriter
        Open it with ``full="drop"``; it stays the caller's, to be closed after the hook.
    model : str
        Version of the model. Set the attribute `model` when another one takes over.
    logits : callable, optional
        Finds the logits (m, C) in what the module returns; `loss` and `summary` are given them, or
        whatever else it finds. None is the output itself.
    loss : callable, optional
        ``loss(logits, labels)`` returns the losses (m,), with ``reduction="none"``. Labels are
        given as they came. None is the cross entropy of labels (m,) counted from 0; those that are
        no class have no loss.
    summary : callable, optional
        ``summary(logits)`` returns (m, d), for layouts with ``outputs=d`` that do not hold the
        logarithms of probabilities, which are what None records.
    features : callable, optional
        ``features(inputs, output)`` returns (m, d), for layouts with ``features=d``; `inputs` is
        the tuple of positional arguments. Like `loss` and `summary` it runs on the thread that
        serves, without gradients; let none of them wait for a GPU.
    capacity : int
        Batches that may wait for the writer; more are dropped, and counted.

    Raises
    ------
    InvalidOption
        At once, for options outside their domain or that do not fit the layout of the folder.
    MissingDependency
        If pyarrow cannot be imported.

    Examples
    --------
    >>> import tempfile
    >>> import torch
    >>> from subsetopt.records import RecordWriter
    >>> writer = RecordWriter(tempfile.mkdtemp(), "server-1", full="drop")
    >>> module = torch.nn.Linear(4, 3)
    >>> with writer, recording(module, writer, model="v1") as hook:
    ...     with hook.batch([7, 9], labels=[0, 2]):
    ...         output = module(torch.zeros(2, 4))
    >>> hook.counts.records
    2
    """

    def __init__(
        self,
        module: nn.Module,
        writer: "RecordWriter",
        *,
        model: str = "",
        logits: Callable[[Any], Tensor] | None = None,
        loss: Callable[[Any, Any], Tensor] | None = None,
        summary: Callable[[Any], Tensor] | None = None,
        features: Callable[[Any, Any], Tensor] | None = None,
        capacity: int = 256,
    ) -> None:
        require_integer("capacity", capacity, "[1, inf)")
        reduction = getattr(loss, "reduction", "none")
        require("reduction of the loss", reduction, reduction == "none", "'none'")
        layout = writer.layout
        plain = layout.outputs_are == "log_probabilities"
        if summary is not None and not layout.outputs:
            raise InvalidOption(
                "summary is given, but the folder stores no outputs; make one with "
                "Layout(outputs=d, outputs_are='vector')"
            )
        if layout.outputs and summary is None and not plain:
            raise InvalidOption("summary is None, but the folder stores vectors; say which ones")
        if features is not None and not layout.features:
            raise InvalidOption(
                "features is given, but the folder stores none; make one with Layout(features=d)"
            )
        arrow("parquet")  # loaded now: later it would hold up whoever is served then
        self.model = model
        self.capacity = capacity
        self._writer = writer
        self._logits, self._loss, self._summary = logits, loss, summary
        self._features = features
        self._keeps_outputs = bool(layout.outputs)
        self._pending: deque[Served] = deque()
        self._spare: deque[Tensor] = deque(maxlen=capacity)
        self._counters = Counters()
        self._classes = Classes(0)
        self._closed = False
        self._draining = threading.Lock()
        self._wake = threading.Event()
        self._thread = self._started()
        self._at_exit = partial(_finish, weakref.WeakMethod(self.close))
        atexit.register(self._at_exit)
        self._handle = module.register_forward_hook(self._after)

    @property
    def counts(self) -> Recorded:
        """Counts of the batches so far."""
        return self._counters.counts

    def batch(self, ids: Any, labels: Any = None) -> "Batch":
        """Name the samples of the pass within the ``with`` statement.

        The pass has to be in the same thread, or in the same context as `asyncio.to_thread` keeps
        it; any number of threads may serve. Of several passes the first counts.

        Parameters
        ----------
        ids : array or Tensor of int64, or sequence of str, (m,)
            As the layout of the folder says.
        labels : array or Tensor, (m,), optional
            Where they are known.
        """
        return Batch(self, ids, labels)

    def flush(self) -> None:
        """Write what has been served so far, and return when readers see it, or it has failed."""
        try:
            self._drain()
            self._writer.flush()
        except Exception as error:
            self._counters.failed(error)

    def close(self) -> None:
        """Detach from the module and write what waits; closing twice does nothing."""
        if self._closed:
            return
        self._handle.remove()
        self._closed = True
        self._wake.set()
        atexit.unregister(self._at_exit)
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- on the threads that serve ----------------------------------------------------------------

    def _after(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if torch.compiler.is_compiling():
            return
        batch = _CURRENT.get()
        while batch is not None and batch.owner is not self:
            batch = batch.outer
        if batch is None:
            self._counters.note(unnamed=1)
            return
        if batch.passed:
            return
        batch.passed = True
        try:
            self._take(batch, inputs, output)
        except Exception as error:
            self._counters.failed(error)

    def _take(self, batch: "Batch", inputs: tuple[Any, ...], output: Any) -> None:
        """Compute what is to be recorded, and leave it to the thread."""
        if len(self._pending) >= self.capacity:
            self._counters.dropped(
                len(batch.ids), f"{self.capacity} batches wait for the writer already"
            )
            return
        found = output if self._logits is None else self._logits(output)
        labels, logits, scores, losses, outputs, features = (batch.labels, *_NOTHING)
        if labels is not None and self._loss is not None:
            with torch.no_grad():
                losses = made = copied(per_sample(self._loss(found, labels)))
            labels = None
        elif labels is None and self._summary is not None:
            with torch.no_grad():
                outputs = made = copied(self._summary(found))
        elif labels is None and not self._keeps_outputs:
            raise InvalidProblem(
                "labels are None and the folder stores no outputs, so that no loss will ever be "
                "known; give labels, or make a folder with Layout(outputs=C) for C classes"
            )
        else:
            require_logits(found)
            self._classes = self._classes.of(found.shape[1])
            if found.device.type == "cpu":
                # A copy is quick, and in memory of before even where there is much of it.
                logits = made = self._room(found.shape).copy_(found.detach())
            else:
                scores = made = torch.log_softmax(found.detach(), 1, dtype=torch.float32)
                if isinstance(labels, Tensor) and labels.device == made.device:
                    losses, scores = cross_entropy_of(made, labels), None
        if self._features is not None:
            with torch.no_grad():
                features = copied(self._features(inputs, output))
        ids = snapshot(batch.ids)
        labels = None if labels is None else snapshot(labels)
        given = (ids, labels, logits, scores, losses, outputs, features)
        ready = None
        if made.is_cuda:
            if torch.cuda.is_current_stream_capturing():
                return  # nothing is computed now, and a replay runs no hook
            given, ready = on_the_way(given)
        self._pending.append(Served(now(), self.model, *given, ready))
        if not self._thread.is_alive() and not self._closed:  # in a process that was forked
            self._thread = self._started()
        if 2 * len(self._pending) > self.capacity:
            self._wake.set()

    def _room(self, shape: torch.Size) -> Tensor:
        """Return memory that nothing else uses."""
        try:
            room = self._spare.pop()
            if room.shape == shape:
                return room
        except IndexError:
            pass
        with torch.inference_mode(False):  # else it could not be filled outside of that mode
            return torch.empty(shape, dtype=torch.float32, device="cpu")

    # -- on the thread that writes ----------------------------------------------------------------

    def _started(self) -> threading.Thread:
        thread = threading.Thread(
            target=_work, args=(weakref.ref(self), self._wake), name="recording", daemon=True
        )
        thread.start()
        return thread

    def _drain(self) -> None:
        """Give the writer what waits, several batches at once."""
        with self._draining:
            while self._pending:
                count = min(len(self._pending), _TOGETHER)
                served = [self._pending.popleft() for _ in range(count)]
                served.sort(key=lambda one: one.time)  # threads may have overtaken each other
                for model, times, columns in groups(served, self._classes, self._counters):
                    self._append(model, times, columns)
                self._spare.extend(one.logits for one in served if one.logits is not None)

    def _append(self, model: str, times: list[float], columns: list[Columns]) -> None:
        """Append batches at once; each for itself, where one of them spoils it."""
        try:
            together = Columns(*(joined(parts) for parts in zip(*columns, strict=True)))
            each = np.repeat(times, [len(one.ids) for one in columns])
            held = self._writer.append(
                together.ids,
                together.losses,
                outputs=together.outputs,
                features=together.features,
                model=model,
                time=each,
            )
        except Exception as error:
            if len(columns) == 1:
                self._counters.failed(error)
                return
            for time, one in zip(times, columns, strict=True):
                self._append(model, [time], [one])
            return
        if held:
            self._counters.note(batches=len(columns), records=held)
        elif len(each):
            self._counters.dropped(len(each), "the writer is full")


recording = Recording
"""The hook by the verb that it is: ``with recording(module, writer) as hook``."""


class Batch:
    """Names of the samples of the pass within a ``with`` statement."""

    __slots__ = ("_token", "ids", "labels", "outer", "owner", "passed")

    def __init__(self, owner: Recording, ids: Any, labels: Any) -> None:
        self.owner, self.ids, self.labels = owner, ids, labels
        self.passed = False
        """Whether there has been a pass."""
        self.outer: Batch | None = None
        """The one around it, of this hook or of another one."""
        self._token: Token[Batch | None] | None = None

    def __enter__(self) -> Self:
        self.outer = _CURRENT.get()
        self._token = _CURRENT.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._token is not None:
                _CURRENT.reset(self._token)
            if kind is None and not self.passed and not self.owner._closed:
                raise InvalidProblem(
                    "no pass was seen within batch(ids); call the module that was given to "
                    "recording(), the compiled one if it is compiled, in the same thread"
                )
        except Exception as wrong:  # of a context that was left in another one, too
            self.owner._counters.failed(wrong)


def _work(of: "weakref.ref[Recording]", wake: threading.Event) -> None:
    """Drain now and then, until the hook is closed or forgotten."""
    while True:
        wake.wait(_INTERVAL)
        wake.clear()
        hook = of()
        if hook is None:
            return
        try:
            hook._drain()
        except Exception as error:
            hook._counters.failed(error)
        if hook._closed:
            return
        del hook  # it may be forgotten meanwhile


def _finish(closing: "weakref.WeakMethod[Any]") -> None:
    close = closing()
    if close is not None:
        close()
