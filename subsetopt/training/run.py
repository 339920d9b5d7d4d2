"""One training run, as plain values: what names it, and what it is repeated by."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any
from zlib import crc32

from subsetopt._options import documented, option

from .recipe import OptimizerOptions, TrainingOptions

__all__ = ["Run", "StreamRun"]

BASELINES = ("uniform", "unif_sgd")
"""Uniform sampling, which rules are compared with: the first of these that takes part."""
_TASK = "Name of the task, with options where there are any: linreg:outliers=20."
_RULE = "Name of the rule that chooses samples, with options: vector:features=labels."
_DEVICE = "Device to train on: cpu or cuda."


@documented
@dataclass(frozen=True, kw_only=True)
class Run(TrainingOptions):
    """A task, a rule, a budget, a seed, and how it is trained."""

    task: str = option(_TASK)
    rule: str = option(_RULE, "uniform")
    budget: float = option("Share of full training's backward passes.", 1.0, gt=0, le=1)
    seed: int = option(
        "Seed of the initial weights, the order of samples, the rule, augmentation and synthetic "
        "data.",
        0,
        ge=0,
    )
    select_from: str = option(
        "What rules within batches choose from: B * N samples of each batch of N, as One Backward "
        "from Ten Forward does (batch), or N samples of a pool of N / B, so that steps are as "
        "large and as few as those of rules that choose by epochs (pool).",
        "batch",
        choices=("batch", "pool"),
        metavar="WHAT",
    )
    evaluate_every: int = option(
        "Number of epochs between evaluations; the last epoch is always evaluated.", 1, ge=1
    )
    device: str = option(_DEVICE, "cpu")
    precision: str = option(
        "Precision of the passes; float16 scales the loss.",
        "float32",
        choices=("float32", "bfloat16", "float16"),
    )
    compile: bool = option("Compile the model with torch.compile.", False)
    tuning: bool = option(
        "Evaluate on samples held out of the training set, instead of the test set.", False
    )

    @classmethod
    def of(cls, task: str, rule: str = "uniform", **given: Any) -> "Run":
        """Return a run by the recipe of the task, except for what is given and not None."""
        return super().of(task, rule=rule, **given)

    def but(self, **changes: Any) -> "Run":
        """Return the run with these changes."""
        return replace(self, **changes)

    @property
    def key(self) -> str:
        """A name for files: readable, and another one for every other run."""
        plain = json.dumps(asdict(self), sort_keys=True)
        text = f"{self.task}-{self.rule}-{self.budget:g}-{self.seed}"
        readable = "".join(c if c.isalnum() or c in "-._=" else "_" for c in text)
        return f"{readable}-{crc32(plain.encode()):08x}"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Run":
        """Return the run that `to_dict` was called on."""
        return cls(**values)


@documented
@dataclass(frozen=True, kw_only=True)
class StreamRun(OptimizerOptions):
    """What is trained on a stream of records; a checkpoint of anything else is refused."""

    task: str = option(f"{_TASK} Ids of records are numbers of its training samples.")
    rule: str = option(_RULE, "obftf")
    budget: float = option(
        "Share of a window's samples with a known loss that is trained on.", 0.1, gt=0, le=1
    )
    window: int = option("Number of records in a window.", 1024, ge=1)
    seed: int = option("Seed of the initial weights and of synthetic data.", 0, ge=0)
    device: str = option(_DEVICE, "cpu")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self)
