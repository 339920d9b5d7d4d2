"""One training run, as plain values: what names it, and what it is repeated by."""

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from zlib import crc32

from subsetopt.errors import InvalidOption

from .recipe import AUGMENTATIONS, SCHEDULES

SELECT_FROM = ("batch", "pool")
BASELINES = ("uniform", "unif_sgd")
"""Uniform sampling, which rules are compared with: the first of these that takes part."""
PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A task, a rule, a budget, a seed, and how it is trained.

    Parameters
    ----------
    task, rule : str
        Names, with options where there are any: ``linreg:outliers=20``, ``vector:features=labels``.
    budget : float
        B: the share of full training's backward passes.
    seed : int
        Of the initial weights, the order of samples, rules, augmentation and data that are made up.
    epochs, batch_size : int
    lr, momentum, weight_decay : float
    nesterov : bool
    schedule, augmentation : str
    ema : float, optional
        Decay of the average of the weights that is evaluated.
    select_from : {"batch", "pool"}
        For rules that choose within batches. "batch": B * batch_size of each batch, as One Backward
        from Ten Forward does. "pool": batch_size out of batch_size / B, so that steps are as large
        as those of rules that choose by epochs, and as few.
    device : str
    precision : str
        Of the passes: one of `PRECISIONS`; "float16" scales the loss.
    compile : bool
        Compile the model by ``torch.compile``.
    tuning : bool
        Judge by samples that are held out of the training set, instead of the test set.
    evaluate_every : int
        Epochs between evaluations; the last one is always evaluated.

    Raises
    ------
    InvalidOption
        For a value outside its domain.
    """

    task: str
    rule: str = "uniform"
    budget: float = 1.0
    seed: int = 0
    epochs: int
    batch_size: int
    lr: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False
    schedule: str = "constant"
    augmentation: str = "none"
    ema: float | None = None
    select_from: str = "batch"
    device: str = "cpu"
    precision: str = "float32"
    compile: bool = False
    tuning: bool = False
    evaluate_every: int = 1

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "evaluate_every"):
            value = getattr(self, name)
            good = isinstance(value, int) and not isinstance(value, bool) and value >= 1
            _require(name, value, good, "a whole number >= 1")
        _require("seed", self.seed, isinstance(self.seed, int) and self.seed >= 0, "a number >= 0")
        good = isinstance(self.budget, float | int) and 0 < self.budget <= 1
        _require("budget", self.budget, good, "a share 0 < budget <= 1")
        _require("lr", self.lr, 0 < self.lr < float("inf"), "a number > 0")
        _require("momentum", self.momentum, 0 <= self.momentum < 1, "a number 0 <= momentum < 1")
        good = 0 <= self.weight_decay < float("inf")
        _require("weight_decay", self.weight_decay, good, "a number >= 0")
        good = self.ema is None or 0 < self.ema < 1
        _require("ema", self.ema, good, "a number 0 < ema < 1, or None")
        for name, known in (
            ("schedule", SCHEDULES),
            ("augmentation", AUGMENTATIONS),
            ("select_from", SELECT_FROM),
            ("precision", PRECISIONS),
        ):
            _require(name, getattr(self, name), getattr(self, name) in known, _one_of(known))

    @classmethod
    def of(cls, task: str, rule: str = "uniform", **given: Any) -> "Run":
        """Return a run by the recipe of the task, except for what is given and not None."""
        from .tasks import task as made

        recipe = asdict(made(task).recipe)
        del recipe["quick_epochs"]
        chosen = {key: value for key, value in given.items() if value is not None}
        unknown = set(chosen) - {field.name for field in fields(cls)}
        if unknown:
            raise InvalidOption(f"a run has no {', '.join(sorted(unknown))}")
        return cls(task=task, rule=rule, **(recipe | chosen))

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


def _one_of(known: tuple[str, ...]) -> str:
    return f"one of {', '.join(known)}"


def _require(name: str, value: object, good: bool, wanted: str) -> None:
    if not good:
        raise InvalidOption(f"{name} is {value!r}; {wanted} is needed")
