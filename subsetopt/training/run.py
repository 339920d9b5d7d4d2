"""Options of training without torch: recipes, runs, how runs are carried out and tuned."""

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self
from zlib import crc32

from subsetopt._options import check, documented, option
from subsetopt._spec import Spec
from subsetopt.errors import InvalidOption

__all__ = ["Recipe", "Run", "StreamRun"]


SCHEDULES = ("constant", "step", "three_steps", "linear", "cosine", "warmup_exponential")
AUGMENTATIONS = ("none", "standard", "randaugment", "mixup", "ricap")


@documented
@dataclass(frozen=True, kw_only=True)
class OptimizerOptions:
    """Batches and the optimizer: SGD with momentum."""

    batch_size: int = option("Number of samples in a batch.", ge=1)
    lr: float = option("Initial learning rate of SGD.", gt=0, lt=float("inf"))
    momentum: float = option("Momentum of SGD.", 0.0, ge=0, lt=1)
    weight_decay: float = option("Weight decay of SGD.", 0.0, ge=0, lt=float("inf"))

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def of(cls, task: str, **given: Any) -> Self:
        """Return what the recipe of a task says, except for what is given and not None."""
        from subsetopt.training import task as made

        recipe, known = made(task).recipe, {one.name for one in fields(cls)}
        chosen = {key: value for key, value in given.items() if value is not None}
        if unknown := set(chosen) - known:
            raise InvalidOption(f"{cls.__name__} has no {', '.join(sorted(unknown))}")
        same = {one.name: getattr(recipe, one.name) for one in fields(recipe) if one.name in known}
        return cls(**(same | {"task": task} | chosen))


@documented
@dataclass(frozen=True, kw_only=True)
class TrainingOptions(OptimizerOptions):
    """How a model is trained from its initial weights: epochs, batches and the optimizer."""

    epochs: int = option("Number of epochs of full training.", ge=1)
    nesterov: bool = option("Use Nesterov's momentum.", False)
    schedule: str = option(
        "Schedule of the learning rate over the budgeted training.", "constant", choices=SCHEDULES
    )
    augmentation: str = option(
        "Augmentation of the training samples.", "none", choices=AUGMENTATIONS
    )
    ema: float | None = option(
        "Decay of the average of the weights that is evaluated; None evaluates the weights.",
        None,
        gt=0,
        lt=1,
    )


@documented
@dataclass(frozen=True, kw_only=True)
class Recipe(TrainingOptions):
    """How a task is trained where nothing else is said."""

    quick_epochs: int = option("Number of epochs that are enough for a first look.", 1, ge=1)


BASELINES = ("uniform", "unif_sgd")
"""Uniform sampling, which rules are compared with: B * n of each batch of n, and whole batches."""
_IN_WHOLE_BATCHES = (
    *("unif_sgd", "p_sgd", "c_sgd", "scan_sgd", "coreset", "osgd", "sb"),
    *("mmd", "submodular", "k-dpp", "facility", "poisson-disk", "random_order"),
)
"""Rules that make few steps of whole batches, whatever `Run.select_from`."""
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
    def in_whole_batches(self) -> bool:
        """Whether steps are of whole batches, B * N * T / n of them; else N * T / n of B * n."""
        if self.select_from == "pool":
            return True
        return self.budget < 1 and Spec.parse(self.rule).name in _IN_WHOLE_BATCHES

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
    """A training on a stream of records; a checkpoint of another one is refused."""

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


FOLDER = "runs"


@documented
@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where data come from, where results go, and how many runs there are at a time."""

    data: Path | None = option("Folder of the data sets.", None, unset="SUBSETOPT_DATA")
    download: bool = option("Download files that are missing from the data folder.", False)
    out: Path | None = option("Folder for results and, while runs train, checkpoints.", None)
    resume: bool = option("Resume from what the output folder holds.", False, needs="out")
    jobs: int | None = option(
        "Number of runs at a time.", None, ge=1, unset="one per processor; 1 on a GPU"
    )
    threads: int | None = option(
        "Number of threads of each run.",
        None,
        ge=1,
        unset="OMP_NUM_THREADS, else processors / jobs",
    )
    tensorboard: bool = option(
        "Also write scalars for TensorBoard to the output folder.", False, needs="out"
    )

    def __post_init__(self) -> None:
        check(self)

    def folder(self, run: "Run") -> Path | None:
        """Return where a run is kept."""
        return None if self.out is None else self.out / FOLDER / run.key


@documented
@dataclass(frozen=True, kw_only=True)
class TuningOptions:
    """How learning rates are tuned: the same number of runs for each rule."""

    factors: tuple[float, ...] = option(
        "Factors that the recipe's learning rate is multiplied by. Where the best of them is the "
        "first or the last, the next ones beyond are tried, until a best one has neighbours.",
        (0.25, 0.5, 1.0, 2.0, 4.0),
        gt=0,
        lt=float("inf"),
        needs="tune_lr",
        flags=("--lr-factors",),
        metavar="F,...",
    )
    repeats: int = option(
        "Number of runs with each learning rate; with 3 the choice of the best still moves results "
        "by 0.2 points, with fewer it is mostly chance.",
        5,
        ge=1,
        needs="tune_lr",
        flags=("--tuning-runs",),
    )

    def __post_init__(self) -> None:
        check(self)
