"""One pass over a stream: each window is served, recorded, and then trained on."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import asdict
from functools import lru_cache
from math import nan
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import torch
from torch import Tensor, nn

from subsetopt._machine import Machine
from subsetopt._spec import Spec
from subsetopt.records import RecordStore, RecordStream, RecordWriter
from subsetopt.torch._streaming import StreamedBatch, StreamedSamples
from subsetopt.torch.rules import Rule, rule, subset_size
from subsetopt.training._run_grid import keep
from subsetopt.training.data._splits import Batch, Data
from subsetopt.training.run import Run, Settings
from subsetopt.training.run_result import Passes, Result
from subsetopt.training.tasks import task as made_task

from .methods import NONE, REFERENCES, WindowMethod
from .streams import DRIFTS, Drift, Stream

EPOCHS = 10
"""Of the training before deployment."""
Seen = Callable[[Tensor], None]
"""Called with the ids of each step."""


def follow_run(run: Run, settings: Settings, threads: int) -> Result:
    """Follow the stream of a run, and keep the result: what `execute` calls in place of training.

    An epoch of the run is a window.
    """
    torch.set_num_threads(threads)
    stream, model = _begun(run.task, settings.data, run.seed, run.epochs)
    result = followed(run, stream, model)
    keep(result, settings)
    return result


@lru_cache(maxsize=4)
def _begun(text: str, folder: Path | None, seed: int, windows: int) -> tuple[Stream, nn.Module]:
    """Return a stream and the model deployed on it, which all methods have in common."""
    spec = Spec.parse(text)
    drift = DRIFTS[spec.name]
    stream = drift.stream(folder, seed, windows, spec.options["size"])
    return stream, deployed(drift, stream, seed)


def deployed(drift: Drift, stream: Stream, seed: int) -> nn.Module:
    """Return a model trained on the start of a stream."""
    task, split = made_task(drift.task), stream.split
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = task.model(Data(split, split))
        optimizer = torch.optim.SGD(model.parameters(), lr=drift.lr)
        for _ in range(EPOCHS):
            for ids in torch.split(torch.randperm(stream.start), drift.batch_size):
                inputs, targets = split.take(ids)
                _descend(optimizer, task.losses(model(inputs), targets))
    return model


def followed(run: Run, stream: Stream, model: nn.Module, seen: Seen | None = None) -> Result:
    """Serve and train along a stream; the model given, as it was deployed, is left as it was.

    The rule of the run is a `WindowMethod`. The metrics are always those of the model that is
    trained, before it is trained on the window, so that the lag of the deployed copy, which
    records, reaches nothing but the choice. Records are written to a folder and read back as
    windows of their own, one for each step: of each the rule chooses its share.
    """
    follower = _Follower(run, stream, deepcopy(model), seen or (lambda ids: None))
    with follower.recording() as (writer, samples):
        for number in range(stream.windows):
            if not follower.serve(number, writer):
                break
            if samples is not None:
                follower.train(samples)
            follower.note(number + 1)
    return follower.result()


class _Follower:
    def __init__(self, run: Run, stream: Stream, model: nn.Module, seen: Seen) -> None:
        self.run, self.stream, self.model, self.seen = run, stream, model, seen
        self.drift = DRIFTS[Spec.parse(run.task).name]
        self.task, self.method = made_task(self.drift.task), WindowMethod.of(run.rule)
        named = "uniform" if self.method.rule in REFERENCES else self.method.rule
        self.rule: Rule = rule(named, seed=run.seed)
        self.optimizer = torch.optim.SGD(model.parameters(), lr=run.lr)
        self.copies: deque[tuple[int, nn.Module]] = deque(maxlen=self.method.lag + 1)
        self.scores: list[dict[str, float]] = []
        self.history: list[dict[str, float]] = []
        self.seconds = {"selection": 0.0, "backward": 0.0}
        self.looked = self.trained = self.steps = 0

    @contextmanager
    def recording(self) -> Iterator[tuple[RecordWriter, StreamedSamples | None]]:
        """Open the records, and what is trained on of them; None where nothing is."""
        k = subset_size(float(self.run.budget), self.stream.size)
        steps = -(-k // self.run.batch_size)
        with ExitStack() as opened:
            folder = opened.enter_context(TemporaryDirectory())
            writer = opened.enter_context(RecordWriter(folder, "server", durable=False))
            if self.method.rule == NONE:
                yield writer, None
                return
            records = RecordStream(
                RecordStore(folder),
                "trainer",
                window=max(1, self.stream.size // steps),
                k=1.0 if self.method.own_pass else float(self.run.budget),
            )
            opened.callback(records.close)
            chosen = rule("uniform") if self.method.own_pass else self.rule
            yield writer, StreamedSamples(records, self._fetched, rule=chosen)

    def serve(self, number: int, writer: RecordWriter) -> bool:
        """Score a window and record its losses; False where they are NaN or infinite."""
        ids = self.stream.window(number)
        outputs, losses = self._served(self.model, ids)
        if not losses.isfinite().all():
            return False
        sums = self.task.sums(outputs, self.stream.split.take(ids)[1])
        self.scores.append(self.task.metrics({k: float(v) for k, v in sums.items()}, len(ids)))
        if self.method.lag:
            self.copies.append((number, deepcopy(self.model)))
            losses = self._served(self.copies[0][1], ids)[1]
        version = self.copies[0][0] if self.method.lag else number
        writer.append(ids.numpy(), losses.numpy(), model=f"window {version}")
        writer.flush()
        return True

    def train(self, samples: StreamedSamples) -> None:
        """Take a step on the chosen share of each part that has been recorded."""
        begun = process_time()
        for part in samples:
            if (chosen := self._chosen(part)) is None:
                continue
            ids, (inputs, targets) = chosen
            ready = process_time()
            _descend(self.optimizer, self.task.losses(self.model(inputs), targets))
            self.seconds["selection"] += ready - begun
            begun = process_time()
            self.seconds["backward"] += begun - ready
            self.steps, self.trained = self.steps + 1, self.trained + len(ids)
            self.seen(ids)
        self.seconds["selection"] += process_time() - begun

    def note(self, windows: int) -> None:
        """Add a row to the history: means over the windows since the last one."""
        if windows % self.run.evaluate_every and windows < self.stream.windows:
            return
        since = int(self.history[-1]["epoch"]) if self.history else 0
        means = {f"test_{name}": value for name, value in _means(self.scores[since:]).items()}
        row = {
            "epoch": windows,
            "steps": self.steps,
            "passes": self.passes.budget(self.stream.size),
        }
        self.history.append(row | {"seconds": sum(self.seconds.values())} | means)

    def result(self) -> Result:
        """Return what has come of it; the metric is NaN where losses became NaN or infinite."""
        whole = len(self.scores) == self.stream.windows
        return Result(
            run=self.run,
            metric=self.drift.metric,
            better=self.drift.better,
            final=_means(self.scores) if whole else {self.drift.metric: nan},
            history=self.history,
            steps=self.steps,
            passes=self.passes,
            full=self.stream.windows * self.stream.size,
            seconds=self.seconds,
            facts={**asdict(Machine.here()), "torch": torch.__version__},
        )

    @property
    def passes(self) -> Passes:
        """Those to choose by, and those to train."""
        return Passes(selection=self.looked, forward=self.trained, backward=self.trained)

    def _fetched(self, ids: Any) -> Batch:
        return self.stream.split.take(torch.from_numpy(ids))

    def _chosen(self, part: StreamedBatch) -> tuple[Tensor, Batch] | None:
        """Return what a step trains on: what records chose, or a share by a pass of its own.

        None where the losses of that pass are NaN or infinite.
        """
        if self.method.own_pass:
            losses = self._served(self.model, part.ids)[1]
            self.looked += len(losses)
            if not losses.isfinite().all():
                return None
            rows = self.rule(losses, float(self.run.budget))
            return part.ids[rows], (part.batch[0][rows], part.batch[1][rows])
        return part.ids, part.batch

    def _served(self, model: nn.Module, ids: Tensor) -> tuple[Tensor, Tensor]:
        inputs, targets = self.stream.split.take(ids)
        with torch.no_grad():
            outputs = model(inputs)
            return outputs, self.task.losses(outputs, targets)


def _means(scores: list[dict[str, float]]) -> dict[str, float]:
    return {name: fmean(score[name] for score in scores) for name in (scores or [{}])[0]}


def _descend(optimizer: torch.optim.Optimizer, losses: Tensor) -> None:
    optimizer.zero_grad()
    torch.autograd.backward(losses.mean())
    optimizer.step()
