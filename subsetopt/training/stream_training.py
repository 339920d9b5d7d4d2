"""Training of a task on records of serving: the chosen samples of each window, once."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from subsetopt._checks import require_integer
from subsetopt._files import locked_folder
from subsetopt._spec import Spec
from subsetopt.errors import InvalidOption, InvalidProblem
from subsetopt.records import RecordStream
from subsetopt.torch._streaming import StreamedBatch, StreamedSamples
from subsetopt.torch.rules import rule as made_rule

from ._process_group import NAME, Checkpoint, ProcessGroup
from .data._splits import Batch, Data
from .run import StreamRun
from .tasks import evaluated
from .tasks import task as made_task

if TYPE_CHECKING:
    from subsetopt.records import RecordStore

__all__ = ["StreamTraining"]

Row = dict[str, float]
Progress = Callable[[int, Row | None], None]
"""Called after each window with the windows finished, and the row of the history if there is one.
"""


class StreamTraining:
    """Trains on the chosen samples of a folder of records: ``StreamTraining(...).fit()``.

    The ids of records are numbers of samples in the training set of the task. A checkpoint holds
    the model and where the stream stands: whenever the process is killed, the next one goes on from
    there, and the model has been trained on each window exactly once.

    Parameters
    ----------
    run : StreamRun
    data : Data
    store : RecordStore
    name : str
        Of the stream.
    folder : Path, optional
        Where the checkpoint goes; None keeps none.
    evaluate_every : int, optional
        Windows between evaluations; None evaluates at the end.
    checkpoint_every : int, optional
        Windows between checkpoints; None is every 20 seconds.
    **options
        Of the `RecordStream`.

    Raises
    ------
    InvalidOption
        For parts that do not fit each other, or a name that another process reads by.
    """

    def __init__(
        self,
        run: StreamRun,
        data: Data,
        store: "RecordStore",
        name: str,
        folder: Path | None = None,
        *,
        evaluate_every: int | None = None,
        checkpoint_every: int | None = None,
        **options: Any,
    ) -> None:
        require_integer("evaluate_every", evaluate_every, "[1, inf)", none=True)
        require_integer("checkpoint_every", checkpoint_every, "[1, inf)", none=True)
        if store.layout.ids != "int64":
            raise InvalidOption(
                f"ids of {store.root} must be int64, numbers of training samples of {run.task}; "
                "got strings"
            )
        group = ProcessGroup()
        self.run, self.task = run, made_task(run.task)
        self.device = group.device(run.device)
        self.train, self.test = data.train.to(self.device), data.test.to(self.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.seed)
            self.model: nn.Module = self.task.model(data).to(self.device)
        self.optimizer = torch.optim.SGD(
            self.model.parameters(),
            lr=run.lr,
            momentum=run.momentum,
            weight_decay=run.weight_decay,
        )
        spec = Spec.parse(run.rule)
        rule = made_rule(spec.name, **spec.options)
        self.stream: RecordStream = _stream(store, name, run, rule.needs, options)
        self.samples = StreamedSamples(
            self.stream, self._fetch, rule=rule, batch_size=run.batch_size
        )
        self.evaluate_every, self.checkpoint_every = evaluate_every, checkpoint_every
        self.history: list[Row] = []
        self.counts = {"samples": 0, "steps": 0, "foreign": 0}
        """Samples trained on, steps, and ids beyond the training set."""
        self._loss = torch.zeros(2, dtype=torch.float64)
        self._started = monotonic()
        self.interrupted = False
        self.checkpoint = Checkpoint(folder, self, group)
        self._folder = folder

    def fit(self, progress: Progress | None = None) -> dict[str, Any]:
        """Train until no whole window is left, or until `stop`; return what has come of it.

        Raises
        ------
        InvalidFile
            If the checkpoint is damaged, or of another training.
        InvalidOption
            If another run writes to the folder.
        InvalidProblem
            If losses become NaN or infinite.
        """
        with ExitStack() as opened:
            opened.callback(self.stream.close)
            if self._folder is not None:
                opened.enter_context(locked_folder(self._folder))
            with torch.random.fork_rng(devices=[self.device] if self._on_gpu else []):
                torch.manual_seed(self.run.seed + 1)
                if self._folder is not None and (self._folder / NAME).exists():
                    self.checkpoint.load()
                elif self._folder is not None:
                    # Before anything is taken: else a kill would lose windows with their model.
                    self.checkpoint.write()
                self._train(progress)
        return self.result()

    def stop(self) -> None:
        """End after the window at hand; for signals."""
        self.interrupted = True
        self.stream.stop()

    def result(self) -> dict[str, Any]:
        """Return what was trained and counted, as plain values."""
        cursor = self.stream.cursor
        final = {key[5:]: value for key, value in self._last.items() if key.startswith("test_")}
        return {
            **self.run.to_dict(),
            "stream": self.stream.name,
            "windows": cursor.windows,
            "records": cursor.records,
            "chosen": cursor.chosen,
            "unknown": cursor.unknown,
            "dropped": cursor.dropped,
            "lost": cursor.lost,
            **self.counts,
            "backlog": self.stream.backlog,
            "metric": self.task.metric,
            "final": final,
            "history": self.history,
        }

    def state(self) -> dict[str, Any]:
        """Return all that the next batch depends on, and the counts so far."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "samples": self.samples.state_dict(),
            "random": torch.get_rng_state(),
            "counts": dict(self.counts),
            "loss": self._loss.cpu(),
            "history": self.history,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.samples.load_state_dict(state["samples"])
        torch.set_rng_state(state["random"].cpu())
        self.counts.update(state["counts"])
        self._loss.copy_(state["loss"])
        self.history[:] = state["history"]

    # -- in between -------------------------------------------------------------------------------

    def _train(self, progress: Progress | None) -> None:
        self.model.train()
        for part in self.samples:
            self._descend(part)
            if part.last:
                self._end_window(part.window + 1, progress)
        if not self.interrupted and (not self.history or self._is_new()):
            self.history.append(self._row(self.stream.cursor.windows))
            if progress is not None:
                progress(self.stream.cursor.windows, self.history[-1])
        if self._folder is not None:
            self.checkpoint.write()

    def _end_window(self, windows: int, progress: Progress | None) -> None:
        if not bool(torch.isfinite(self._loss).all()):
            raise InvalidProblem(
                f"losses became NaN or infinite in window {windows - 1}; choose lr below "
                f"{self.run.lr:g}"
            )
        row = None
        if self.evaluate_every is not None and windows % self.evaluate_every == 0:
            row = self._row(windows)
            self.history.append(row)
        if progress is not None:
            progress(windows, row)
        if self._folder is not None:
            if self.checkpoint_every is None:
                self.checkpoint.note()
            elif windows % self.checkpoint_every == 0:
                self.checkpoint.write()

    def _descend(self, part: StreamedBatch) -> None:
        inputs, targets = part.batch
        if not len(targets):
            return
        losses = self.task.losses(self.model(self.task.prepare(inputs)).float(), targets)
        self.optimizer.zero_grad()
        torch.autograd.backward(losses.mean())
        self.optimizer.step()
        total = losses.detach().double().sum().cpu()
        self._loss += torch.stack([total, torch.tensor(float(len(losses)), dtype=torch.float64)])
        self.counts["samples"] += len(losses)
        self.counts["steps"] += 1

    def _fetch(self, ids: Any) -> Batch:
        wanted = torch.from_numpy(ids)
        here = (wanted >= 0) & (wanted < len(self.train))
        self.counts["foreign"] += int((~here).sum())
        if not bool(here.any()):
            return torch.empty(0), torch.empty(0)
        ((_, batch),) = self.train.batches([wanted[here].tolist()])
        return batch

    def _row(self, windows: int) -> Row:
        """Return what is known now, the test set included."""
        total, count = self._loss.tolist()
        self._loss.zero_()
        found = evaluated(self.task, self.model, self.test)
        cursor = self.stream.cursor
        return {
            "windows": float(windows),
            "samples": float(self.counts["samples"]),
            "train_loss": total / count if count else float("nan"),
            "dropped": float(cursor.dropped),
            **{f"test_{name}": value for name, value in found.items()},
        }

    def _is_new(self) -> bool:
        return self.history[-1]["windows"] < self.stream.cursor.windows

    @property
    def _last(self) -> Row:
        return self.history[-1] if self.history else {}

    @property
    def _on_gpu(self) -> bool:
        return self.device.type == "cuda"


def _stream(
    store: "RecordStore", name: str, run: StreamRun, needs: str, options: dict[str, Any]
) -> "RecordStream":
    if needs == "features" and not store.layout.features:
        raise InvalidOption(
            f"rule {run.rule!r} needs features, but {store.root} stores none; record them, or take "
            "a rule that looks at losses: obftf, max_loss, uniform"
        )
    return RecordStream(
        store,
        name,
        window=run.window,
        k=float(run.budget),
        features=needs == "features",
        keep_choices=True,
        **options,
    )
