"""All methods on all streams, and the learning rates they are given."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import product
from math import isfinite
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import torch

from .loop import Course, InFolder, deployed, followed
from .methods import BASELINE, REFERENCES, Method
from .report import Outcome
from .streams import Task

Told = Callable[[str], None]
Rates = dict[tuple[str, float | None], float]

TUNING_SEEDS = (1000, 1001)
"""Of the streams on which learning rates are tuned; those that are reported should be others."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Which methods follow which streams.

    Parameters
    ----------
    task : Task
    folder : Path or None
        Of the data.
    methods : sequence of Method
        Uniform sampling is added, and the references.
    budgets : sequence of float
    in_folder : bool
        Write records to a folder and read them back, instead of keeping them in memory.
    """

    task: Task
    folder: Path | None
    methods: Sequence[Method]
    budgets: Sequence[float]
    in_folder: bool = False

    @property
    def entries(self) -> list[tuple[Method, float | None]]:
        """Each method with each budget, references with none."""
        given = [method for method in self.methods if not method.is_reference]
        methods = dict.fromkeys([Method(BASELINE), *given])
        pairs = [(Method(name), None) for name in REFERENCES]
        return [*pairs, *product(methods, self.budgets)]

    def run(self, seeds: Iterable[int], rates: Rates, told: Told) -> list[Outcome]:
        """Follow the streams of the seeds, each entry by its own learning rate."""
        made = []
        for seed in seeds:
            for method, budget, lr, course, count in self._followed(
                seed, [(*entry, rates[_key(*entry)]) for entry in self.entries], told
            ):
                what: dict[str, Any] = {"task": self.task.name, "method": str(method)}
                made.append(Outcome.of(course, count, budget=budget, seed=seed, lr=lr, **what))
        return made

    def tuned(self, told: Told, seeds: Iterable[int] = TUNING_SEEDS) -> tuple[Rates, list[Any]]:
        """Return the best learning rate of each entry, the same few tried for each; and all tried.

        The mean over the streams counts; a rate by which any of them diverges is out.
        """
        rates = [self.task.lr * factor for factor in self.task.factors]
        tried: dict[tuple[str, float | None], dict[float, list[float]]] = {}
        entries = [(*entry, lr) for entry in self._trained for lr in rates]
        for seed in seeds:
            for method, budget, lr, course, _ in self._followed(seed, entries, told):
                own = tried.setdefault(_key(method, budget), {})
                own.setdefault(lr, []).append(fmean(course.scores))
        sign = 1 if self.task.better == "higher" else -1
        best, notes = self.fixed(), []
        for (name, budget), values in tried.items():
            means = {lr: fmean(scores) for lr, scores in values.items()}
            known = {lr: mean for lr, mean in means.items() if isfinite(mean)}
            lr = max(known, key=lambda lr: sign * known[lr], default=self.task.lr)
            best[name, budget] = lr
            notes.append(
                {
                    "method": name,
                    "budget": budget,
                    "lr": lr,
                    "at_the_edge": lr in (min(rates), max(rates)),
                    "values": {f"{x:g}": v if isfinite(v) else None for x, v in means.items()},
                }
            )
        return best, notes

    def fixed(self) -> Rates:
        """Return the learning rate of the task for each entry."""
        return {_key(*entry): self.task.lr for entry in self.entries}

    def size(self, seeds: int, tuning: int = 0) -> int:
        """Return how many streams are followed."""
        return len(self.entries) * seeds + len(self._trained) * tuning * len(self.task.factors)

    def warm_up(self) -> None:
        """Let what is compiled on first use be compiled before seconds are counted."""
        for method in self.methods:
            pick = method.made(0)
            if pick is not None:
                pick(torch.rand(64), 8)

    @property
    def _trained(self) -> list[tuple[Method, float | None]]:
        return [entry for entry in self.entries if entry[0].rule != "none"]

    def _followed(
        self, seed: int, entries: Iterable[tuple[Method, float | None, float]], told: Told
    ) -> Iterable[tuple[Method, float | None, float, Course, int]]:
        stream = self.task.stream(self.folder, seed)
        model = deployed(self.task, stream, seed)
        count = sum(map(len, stream.windows))
        for method, budget, lr in entries:
            with ExitStack() as stack:
                records = None
                if self.in_folder and method.reads_records:
                    folder = Path(stack.enter_context(TemporaryDirectory()))
                    records = stack.enter_context(closing(InFolder(folder)))
                course = followed(
                    self.task,
                    stream,
                    model,
                    method,
                    budget=budget or 1.0,
                    lr=lr,
                    seed=seed,
                    records=records,
                )
            told(f"seed {seed}: {method} {budget or ''} {fmean(course.scores):.4f}")
            yield method, budget, lr, course, count


def _key(method: Method, budget: float | None) -> tuple[str, float | None]:
    return str(method), budget
