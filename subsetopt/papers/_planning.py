"""Parts that can be run here, and an estimate of how long they take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from time import perf_counter

import torch

from subsetopt._spec import Spec
from subsetopt.errors import InvalidFile, MissingDependency
from subsetopt.training.data._splits import Data
from subsetopt.training.loop import Training
from subsetopt.training.networks import build_model
from subsetopt.training.run import Run
from subsetopt.training.tasks import task

from ._parts import Part

OPTIONAL = ("alexnet", "googlenet", "mobilenet_v2", "resnet50")
"""Networks that may be missing."""
Fault = InvalidFile | MissingDependency


def ready(parts: Sequence[Part], folder: Path | None = None, download: bool = False) -> list[Part]:
    """Return the parts, those whose data are missing without runs, and with the reason.

    Raises InvalidFile, MissingDependency if no part can be run: what the first of them lacks.
    """
    tasks = {part.label: sorted({run.task for run in part.cells}) for part in parts}
    every = dict.fromkeys(name for names in tasks.values() for name in names)
    faults = {name: fault for name in every if (fault := _fault(name, folder, download))}
    found = []
    for part in parts:
        missing = next((faults[name] for name in tasks[part.label] if name in faults), None)
        found.append(part if missing is None else replace(part, cells={}, without=str(missing)))
    if not any(part.cells for part in found) and faults:
        raise next(iter(faults.values()))
    return found


def _fault(name: str, folder: Path | None, download: bool) -> Fault | None:
    """Return what a task lacks: its data, or its network."""
    network = Spec.parse(name).options.get("network")
    try:
        if network in OPTIONAL:
            build_model(network)
        task(name).load(folder, download=download)
    except (InvalidFile, MissingDependency) as fault:
        return fault
    return None


def left_out(parts: Iterable[Part]) -> list[str]:
    """Return a sentence for each part that is not run."""
    reasons: dict[str, list[str]] = {}
    for part in parts:
        if part.without:
            reasons.setdefault(part.without, []).append(part.label)
    return [
        f"Left out: {'; '.join(labels)}. {why[:1].upper()}{why[1:]}."
        for why, labels in reasons.items()
    ]


STEPS = 4
SMALL = 4
"""Samples in the batches by which the cost of a step itself is told from that of its samples."""
_RULE, _PASS = 0.4, 0.8
"""What a rule, and a pass to choose by, cost in steps of small models, as measured for a line."""
_BEGIN = 0.1
_WITHIN_BATCHES = ("sb", "obftf", "stride", "prob", "mink", "max_loss", "selective_backprop")
SEQUENCES = ("mmd", "submodular", "k-dpp")


@dataclass(frozen=True)
class Pace:
    """Seconds of a step, and of each sample in it; samples and batches of full training."""

    step: float
    sample: float
    train: int
    test: int

    def of(self, run: Run) -> float:
        """Return the seconds of a run, its evaluations included."""
        name = Spec.parse(run.rule).name
        share = 1.0 if name in ("full", *SEQUENCES) else run.budget
        looked = 1.0 if name in _WITHIN_BATCHES else share if name == "osgd" else 0.0
        within = name in (*_WITHIN_BATCHES, "uniform")
        samples = run.epochs * self.train
        steps = samples / run.batch_size * (1.0 if within else share)
        tests = -(-run.epochs // run.evaluate_every) * self.test
        overhead = 1.0 + (_RULE if within else 0.0) + (_PASS if looked else 0.0)
        passes = samples * (share + looked / 3) + tests / 3
        return _BEGIN + self.step * steps * overhead + self.sample * passes


def estimated(runs: Sequence[Run], jobs: int, threads: int, folder: Path | None = None) -> float:
    """Return the seconds that runs will take, so many at a time; those of sequences left out."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        paces = {key: _pace(run, folder) for key, run in _kinds(runs).items()}
    finally:
        torch.set_num_threads(before)
    seconds = [paces[_kind(run)].of(run) for run in runs]
    return max(sum(seconds) / jobs, max(seconds, default=0.0))


def _kind(run: Run) -> tuple[str, int, str, str]:
    return run.task, run.batch_size, run.augmentation, run.device


def _kinds(runs: Iterable[Run]) -> dict[tuple[str, int, str, str], Run]:
    return {_kind(run): run for run in runs}


def _pace(run: Run, folder: Path | None) -> Pace:
    data = task(run.task).load(folder, seed=run.seed)
    size = min(run.batch_size, len(data.train))
    like = run.but(rule="full", budget=1.0)
    full = _seconds(like.but(batch_size=size), data)
    few = _seconds(like.but(batch_size=min(SMALL, size)), data)
    sample = max(0.0, full - few) / max(1, size - SMALL)
    return Pace(max(0.0, few - SMALL * sample), sample, len(data.train), len(data.test))


def _seconds(run: Run, data: Data) -> float:
    """Return the median time of a step, the first of them not counted."""
    training = Training(run, data)
    times = []
    training.model.train()
    training.timer.start()
    start = _now(training.device)
    for ids, batch in islice(training.train.batches(training.sampler), STEPS):
        if run.augmentation != "none":
            batch = training.augment(*batch, generator=training.generator)
        for chosen in training.step(ids, batch):
            training.optimizer.zero_grad()
            torch.autograd.backward(chosen.loss)
            training.optimizer.step()
        times.append(_now(training.device) - start)
        start = _now(training.device)
    return sorted(times[1:] or times)[len(times[1:] or times) // 2]


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter()
