"""The training loop: plain PyTorch, in which a method selects samples."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from subsetopt._machine import Machine

from ._accounting import CostLedger, Timer, peak_bytes
from ._optimization import Schedule, WeightAverage
from ._process_group import Checkpoint, ProcessGroup
from .augmentation import augmentation
from .data._splits import Batch, Data
from .methods import method
from .methods.base import Chosen, Setting
from .run import Run
from .run_result import Result
from .tasks import Task, evaluated
from .tasks import task as made_task

__all__ = ["Diverged", "Training", "train"]

Progress = Callable[[int, int, dict[str, float]], None]
"""Called after each epoch with the epochs done, all epochs, and the row of the history."""


class Diverged(Exception):
    """Losses became NaN or infinite."""


class Training:
    """One run: ``Training(run, data).fit()``.

    Parameters
    ----------
    run : Run
    data : Data
        What ``task(run.task).load(...)`` returned.
    folder : Path, optional
        Where checkpoints go; None keeps none.
    group : Group, optional
        The processes that train together; None is this one alone.

    Raises
    ------
    InvalidOption
        For parts that do not fit each other.
    """

    def __init__(
        self, run: Run, data: Data, folder: Path | None = None, group: ProcessGroup | None = None
    ) -> None:
        self.run, self.task = run, made_task(run.task)
        self.group = group or ProcessGroup()
        self.device = self.group.device(run.device)
        self.data = data.for_tuning() if run.tuning else data
        setting = Setting(run, self.task, self.data, self.group.ranks)
        self.train, self.test = self.data.train.to(self.device), self.data.test.to(self.device)
        self.timer = Timer(self.device)
        self.ledger = CostLedger(len(self.train), _classes(self.data), self.device)
        made = method(run.rule)
        made.warm_up(setting)
        self.model = self._model()
        begin = perf_counter()
        self.sampler = made.sampler(setting)
        self.preparation = perf_counter() - begin
        """Seconds of what is chosen before training, orders and strata, also where it was kept."""
        self.preparation = max(self.preparation, getattr(self.sampler, "preparation_seconds", 0.0))
        self.timer.seconds["selection"] += self.preparation
        self.step = made.step(setting, self.model, self.losses, self.sampler)
        self.epochs: int = getattr(self.sampler, "planned_epochs", None) or run.epochs
        self.schedule = Schedule(run.schedule, run.lr, self.epochs)
        self.augment = augmentation(run.augmentation, self.task.flips, self.data.classes)
        self.generator = torch.Generator(self.device).manual_seed(
            _mixed(run.seed, 1, self.group.ranks.rank)
        )
        self.optimizer = torch.optim.SGD(
            self.model.parameters(),
            lr=run.lr,
            momentum=run.momentum,
            weight_decay=run.weight_decay,
            nesterov=run.nesterov,
            fused=self.device.type in ("cpu", "cuda"),
        )
        self.scaler = torch.amp.GradScaler(
            self.device.type, enabled=run.precision == "float16" and self.device.type == "cuda"
        )
        self.average = None if run.ema is None else WeightAverage(self._plain, run.ema)
        self.history: list[dict[str, float]] = []
        self.diverged = 0
        """The epoch, counted from 1, in which losses became NaN or infinite; 0 for none."""
        self._selected = False
        self.checkpoint = Checkpoint(folder, self, self.group)

    def fit(self, progress: Progress | None = None) -> Result:
        """Train to the end, from the checkpoint where there is one.

        Raises
        ------
        KeyboardInterrupt
            At Ctrl-C; the checkpoint is that of an epoch which ended not long ago.
        """
        with self._own_random_numbers():
            self.checkpoint.load()
            for epoch in range(len(self.history), self.epochs):
                try:
                    self.train_epoch(epoch)
                except Diverged:
                    self.diverged = epoch + 1
                self.history.append(self._row(epoch + 1))
                if progress is not None:
                    progress(epoch + 1, self.epochs, self.history[-1])
                if self.diverged:
                    break
                self.checkpoint.note()
        return self.result()

    def train_epoch(self, epoch: int) -> None:
        """Train for one epoch."""
        self.model.train()
        self.timer.start()
        self.sampler.set_epoch(epoch)
        length = len(self.sampler)
        for number, (ids, batch) in enumerate(self.train.batches(self.sampler)):
            for group in self.optimizer.param_groups:
                group["lr"] = self.schedule((epoch + number / length) / self.epochs)
            if self.run.augmentation != "none":
                batch = self.augment(*batch, generator=self.generator)
            self._selected = False
            self.timer.lap("data")
            for chosen in self.step(ids, batch):
                self._descend(chosen)
            self.timer.lap("selection")  # that of a step which has trained on nothing
        self.group.share(self.sampler)

    def losses(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return one loss per sample, for choosing and for training alike."""
        inputs, targets = batch
        training = torch.is_grad_enabled()
        if training:
            self.timer.lap("selection")
        with self._autocast():
            outputs = model(self.task.prepare(inputs))
        found = self.task.losses(outputs.float(), targets)
        if self.step.learns_from_accuracy and not self._selected:  # each sample once
            self.ledger.look(outputs, targets)
        if training:
            self.timer.lap("forward")
        else:
            self._selected = True
            self._require_finite(found)
        return found

    def result(self) -> Result:
        """Return what the run has come to."""
        test = {name[5:]: v for name, v in self.history[-1].items() if name.startswith("test_")}
        counted = {"selection": self.step.selection_passes, **self.ledger.state_dict()}
        everyone = self.group.gathered(counted)
        self.ledger.join(everyone)
        facts = {**vars(Machine.here()), "torch": torch.__version__, "device": self._device_name()}
        return Result(
            run=self.run,
            metric=self.task.metric,
            better=self.task.better,
            final=test,
            history=self.history,
            steps=self.ledger.steps,
            passes=self.ledger.passes(sum(one["selection"] for one in everyone)),
            full=len(self.train) * self.run.epochs,
            seconds=self.timer.collect(),
            peak_bytes=peak_bytes(self.device),
            selected=self.ledger.watcher.summary(),
            facts={
                **facts,
                "threads": torch.get_num_threads(),
                "diverged": self.diverged,
                "preparation_seconds": self.preparation,
                **self.data.facts,
            },
        )

    def state(self) -> dict[str, Any]:
        """Return all that the next epoch depends on, and the costs so far."""
        return {
            **{name: part.state_dict() for name, part in self._parts().items()},
            "generator": self.generator.get_state(),
            "random": _random_states(self.device),
            "seconds": self.timer.collect(),
            "history": self.history,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.generator.set_state(state["generator"].cpu())
        _set_random_states(self.device, state["random"])
        self.timer.seconds.update(state["seconds"])
        self.history[:] = state["history"]

    def _parts(self) -> dict[str, Any]:
        parts = {
            "model": self._plain,
            "optimizer": self.optimizer,
            "scaler": self.scaler,
            "average": self.average,
            "sampler": self.sampler,
            "step": self.step,
            "ledger": self.ledger,
        }
        return {name: part for name, part in parts.items() if part is not None}

    # -- the parts --------------------------------------------------------------------------------

    def _descend(self, chosen: Chosen) -> None:
        self.optimizer.zero_grad()
        torch.autograd.backward(self.scaler.scale(chosen.loss))
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average is not None:
            self.average.update(self._plain)
        self.ledger.note(chosen)
        self.timer.lap("backward")

    def _row(self, epoch: int) -> dict[str, float]:
        """End an epoch: what is known of it, the test set included where it is the turn of it."""
        loss, accuracy = self.group.mean(*self.ledger.end_epoch())
        self.step.end_epoch(accuracy)
        seconds = self.timer.collect()
        row = {
            "epoch": float(epoch),
            "steps": float(self.ledger.steps),
            "lr": float(self.optimizer.param_groups[0]["lr"]),
            "train_loss": loss,
            "passes": self._spent(),
            "seconds": sum(s for part, s in seconds.items() if part != "evaluation"),
        }
        stepped = self.ledger.steps > (self.history[-1]["steps"] if self.history else 0)
        if stepped and loss != loss:
            self.diverged = self.diverged or epoch
        if epoch % self.run.evaluate_every == 0 or epoch == self.epochs or self.diverged:
            self.timer.start()
            model = self._plain if self.average is None else self.average.model
            found = evaluated(self.task, model, self.test)
            self.timer.lap("evaluation")
            row |= {f"test_{name}": value for name, value in found.items()}
        return row

    def _require_finite(self, losses: Tensor) -> None:
        # Rules refuse such losses, as they should; that a training diverges is a result.
        if losses.device.type != "cpu":
            return
        if self.group.any(not bool(torch.isfinite(losses).all())):  # else the others would wait
            raise Diverged

    def _spent(self) -> float:
        passes = self.ledger.passes(self.step.selection_passes)
        return passes.budget(len(self.train)) * self.group.ranks.world_size

    def _model(self) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_mixed(self.run.seed, 0))
            self._plain: nn.Module = self.task.model(self.data).to(self.device)
        compiled: Any = torch.compile(self._plain) if self.run.compile else self._plain
        return self.group.wrap(compiled, self.device)

    def _autocast(self) -> Any:
        dtype = getattr(torch, self.run.precision)
        return torch.autocast(self.device.type, dtype, enabled=dtype != torch.float32)

    @contextmanager
    def _own_random_numbers(self) -> Iterator[None]:
        """Seed torch's global generators, for dropout, and put them back in the end."""
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(_mixed(self.run.seed, 2, self.group.ranks.rank))
            yield

    def _device_name(self) -> str:
        if self.device.type == "cuda":
            return str(torch.cuda.get_device_name(self.device))
        return self.device.type


def train(
    run: Run,
    *,
    data_folder: Path | None = None,
    download: bool = False,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> Result:
    """Load the data of a run, train, and return the result.

    Parameters
    ----------
    run : Run
    data_folder : Path, optional
        Where the files of the task are looked for; None is the variable SUBSETOPT_DATA.
    download : bool
        Fetch what is missing there.
    folder : Path, optional
        For checkpoints: a run that was killed goes on from there, on the CPU to the last bit.
    progress : callable, optional

    Raises
    ------
    InvalidFile
        If data are missing or damaged, or the checkpoint is of another run.
    InvalidOption
        For parts that do not fit each other.

    Examples
    --------
    >>> found = train(Run.of("digits", "obftf", budget=0.25, epochs=1))
    >>> found.passes.backward, found.passes.selection
    (336, 1347)
    """
    task: Task = made_task(run.task)
    data = task.load(data_folder, download=download, seed=run.seed)
    return Training(run, data, folder).fit(progress)


def _classes(data: Data) -> Tensor | None:
    targets = getattr(data.train, "targets", None)
    if data.classes is None or targets is None or targets.ndim != 1:
        return None
    labels: Tensor = targets.cpu()
    return labels


def _mixed(seed: int, *purpose: int) -> int:
    return int(np.random.SeedSequence([seed, *purpose]).generate_state(1, np.uint64)[0] >> 1)


def _random_states(device: torch.device) -> dict[str, Tensor]:
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def _set_random_states(device: torch.device, states: dict[str, Tensor]) -> None:
    torch.set_rng_state(states["cpu"].cpu())
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"].cpu(), device)
