"""One pass over a stream: each window is served, recorded, and then trained on within a budget."""

from collections import deque
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from subsetopt.records import LatestLosses, RecordStore, RecordWriter
from subsetopt.torch.recorded import RecordedLosses
from subsetopt.torch.rules import Rule, subset_size
from subsetopt.training.result import Passes

from .methods import Method
from .streams import Stream, Task, Window

EPOCHS = 10
"""Of the training before deployment."""


class Records(Protocol):
    """Where serving leaves its losses, and training finds them."""

    def record(self, ids: Tensor, losses: Tensor, model: str) -> None:
        """Take in what serving has computed."""

    def lookup(self, ids: Tensor) -> Tensor:
        """Return the latest loss of each instance."""


class InMemory:
    """Records of one process."""

    def __init__(self, instances: int) -> None:
        self._losses = RecordedLosses(instances)

    def record(self, ids: Tensor, losses: Tensor, model: str) -> None:
        """Take in what serving has computed; the version of the model is not kept."""
        self._losses.update(ids, losses)

    def lookup(self, ids: Tensor) -> Tensor:
        """Return the latest loss of each instance."""
        return self._losses.lookup(ids)


class InFolder:
    """Records as two processes would share them: written as Parquet, read back."""

    def __init__(self, folder: Path) -> None:
        self._writer = RecordWriter(folder, "server", durable=False)
        self._latest = LatestLosses(RecordStore(folder))

    def record(self, ids: Tensor, losses: Tensor, model: str) -> None:
        """Write, and wait until it can be read."""
        self._writer.append(ids.numpy(), losses.numpy(), model=model)
        self._writer.flush()

    def lookup(self, ids: Tensor) -> Tensor:
        """Return the latest loss of each instance."""
        self._latest.refresh()
        return torch.from_numpy(self._latest.lookup(ids.numpy()).losses)

    def close(self) -> None:
        """Stop writing."""
        self._writer.close()


@dataclass(frozen=True, kw_only=True)
class Course:
    """What has become of a stream.

    Parameters
    ----------
    scores : tuple of float
        The metric of each window, of the model before it was trained on it; NaN from where on the
        losses were no numbers any more.
    selection, training : float
        Seconds of processor time: looking up or computing losses and choosing; and the steps.
        Serving is not counted, for it happens with any method.
    passes : Passes
    steps : int
    chosen : tuple of array
        The ids trained on in each window, in the order of the steps.
    """

    scores: tuple[float, ...]
    selection: float
    training: float
    passes: Passes
    steps: int
    chosen: tuple[np.ndarray, ...]


def deployed(task: Task, stream: Stream, seed: int) -> nn.Module:
    """Return a model trained on the start of a stream."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = task.model()
        optimiser = torch.optim.SGD(model.parameters(), lr=task.lr)
        start = stream.start
        for _ in range(EPOCHS):
            for rows in torch.split(torch.randperm(len(start)), task.batch_size):
                _step(model, optimiser, task, start.inputs[rows], start.targets[rows])
    return model


def followed(
    task: Task,
    stream: Stream,
    model: nn.Module,
    method: Method,
    *,
    budget: float,
    lr: float,
    seed: int = 0,
    records: Records | None = None,
) -> Course:
    """Serve and train along a stream; the model given is left as it was.

    The metric is always that of the model that is trained, so that the lag of the deployed copy,
    which records, reaches nothing but the choice. Each window is cut into as many parts as there
    are steps, and each step trains on the share of one part that the rule chooses.

    Parameters
    ----------
    task : Task
    stream : Stream
    model : Module
        As it was deployed.
    method : Method
    budget : float
        The share of each window that is trained on; without meaning for the references.
    lr : float
    seed : int
        Of the rule.
    records : Records, optional
        None keeps them in memory.
    """
    model = deepcopy(model)
    optimiser = torch.optim.SGD(model.parameters(), lr=lr)
    pick = method.made(seed)
    total = len(stream.start) + sum(map(len, stream.windows))
    records = records or InMemory(total)
    copies: deque[tuple[str, nn.Module]] = deque(maxlen=method.lag + 1)
    scores: list[float] = []
    chosen: list[np.ndarray] = []
    selection = training = 0.0
    looked = steps = 0
    for number, window in enumerate(stream.windows):
        outputs = _served(model, window.inputs)
        losses = task.losses(outputs, window.targets)
        if not losses.isfinite().all():
            break
        scores.append(task.score(outputs, window.targets))
        if method.reads_records:
            if method.lag:
                copies.append((f"window {number}", deepcopy(model)))
                losses = task.losses(_served(copies[0][1], window.inputs), window.targets)
            version = copies[0][0] if method.lag else f"window {number}"
            records.record(window.ids, losses, version)
        taken = []
        for part, k in _parts(method, len(window), budget, task.batch_size):
            begun = process_time()
            rows = _choice(task, model, method, pick, window, part, k, records)
            if rows is None:
                break
            ready = process_time()
            _step(model, optimiser, task, window.inputs[rows], window.targets[rows])
            selection += ready - begun
            training += process_time() - ready
            looked += len(part) if method.own_pass else 0
            steps += 1
            taken.append(window.ids[rows].numpy())
        chosen.append(np.concatenate(taken) if taken else np.empty(0, np.int64))
    trained = sum(map(len, chosen))
    lost = len(stream.windows) - len(scores)
    return Course(
        scores=(*scores, *(float("nan"),) * lost),
        selection=selection,
        training=training,
        passes=Passes(selection=looked, forward=trained, backward=trained),
        steps=steps,
        chosen=tuple(chosen),
    )


def _parts(
    method: Method, count: int, budget: float, batch_size: int
) -> Iterator[tuple[Tensor, int]]:
    """Yield the rows that each step chooses from, and how many it takes of them."""
    if method.rule == "none":
        return
    k = count if method.rule == "all" else subset_size(float(budget), count)
    steps = -(-k // batch_size)
    for j, part in enumerate(torch.arange(count).tensor_split(steps)):
        yield part, k // steps + (j < k % steps)


def _choice(
    task: Task,
    model: nn.Module,
    method: Method,
    pick: Rule | None,
    window: Window,
    part: Tensor,
    k: int,
    records: Records,
) -> Tensor | None:
    """Return the rows of the window that a step trains on; None where losses are no numbers."""
    if pick is None:
        return part
    if method.own_pass:
        losses = task.losses(_served(model, window.inputs[part]), window.targets[part])
    elif method.chooses_by_losses:
        losses = records.lookup(window.ids[part])
    else:
        losses = torch.zeros(len(part))
    return part[pick(losses, k)] if losses.isfinite().all() else None


def _served(model: nn.Module, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        outputs: Tensor = model(inputs)
    return outputs


def _step(
    model: nn.Module, optimiser: torch.optim.Optimizer, task: Task, inputs: Tensor, targets: Tensor
) -> None:
    optimiser.zero_grad()
    task.losses(model(inputs), targets).mean().backward()  # type: ignore[no-untyped-call]
    optimiser.step()
