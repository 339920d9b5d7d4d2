"""Tasks: data, a model, one loss per sample, and the metric."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from subsetopt._registry import Registry
from subsetopt._spec import Spec
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats._declared import fitted
from subsetopt.torch import features
from subsetopt.training.data._array_dataset import ArrayDataset
from subsetopt.training.data._fetching import fetch
from subsetopt.training.data._splits import Data, Split, in_order
from subsetopt.training.run import Recipe

__all__ = ["TASKS", "Classification", "Regression", "Task", "evaluated", "task"]

TRAIN = "Number of training samples, a fixed sample; None is all."
TEST = "Number of test samples, a fixed sample; None is all."
LABEL_NOISE = "Share of the training labels that are made wrong."
TASKS = Registry(
    "task",
    __package__,
    {
        "linreg": "_linreg:LinearRegression",
        "mnist": "_images:MNIST",
        "fashion-mnist": "_images:FashionMNIST",
        "cifar10": "_images:CIFAR10",
        "cifar100": "_images:CIFAR100",
        "svhn": "_images:SVHN",
        "digits": "_digits:Digits",
        "tabular": "_tabular:Tabular",
        "segmentation": "_segmentation:ComposedDigits",
        "camvid": "_camvid:CamVid",
        "imagenet": "_imagenet:ImageNet",
    },
)
"""Tasks by name: the module in this package, and the class."""


class Task(ABC):
    """Base of all tasks: small objects without state; a subclass may be a dataclass with options.

    The loop calls ``losses(model(prepare(inputs)), targets)``.
    """

    name: ClassVar[str]
    """The name in `TASKS`."""
    metric: ClassVar[str]
    """The key of `metrics` that runs are compared by."""
    better: ClassVar[Literal["higher", "lower"]]
    """The direction in which the metric improves."""
    recipe: Recipe
    """Default training options; from the paper where there is one."""
    images: bool = False
    """Whether inputs are (n, channels, height, width), which can be augmented."""
    flips: ClassVar[bool] = False
    """Whether a mirrored image is as good as the image."""

    @abstractmethod
    def load(self, folder: Path | None = None, *, download: bool = False, seed: int = 0) -> Data:
        """Read or make the data, on the CPU.

        Parameters
        ----------
        folder : Path, optional
            Where the standard files are looked for; None is the variable SUBSETOPT_DATA.
        download : bool
            Fetch what is missing, where the files have a public address.
        seed : int
            Seed of synthetic data.

        Raises
        ------
        InvalidFile
            If the files are missing, and what to do about it; or damaged.
        """

    @abstractmethod
    def model(self, data: Data) -> nn.Module:
        """Return a new model, initialised from torch's global generator, which the caller seeds."""

    @abstractmethod
    def prepare(self, inputs: Tensor) -> Tensor:
        """Return inputs as the model takes them: floats, normalised."""

    @abstractmethod
    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the losses (n,), one per sample, with their graph."""

    @abstractmethod
    def sums(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Return the sums over samples that `metrics` needs, on the device, with "loss"."""

    @abstractmethod
    def metrics(self, sums: Mapping[str, float], count: int) -> dict[str, float]:
        """Return the metrics of `count` samples, with "loss"."""

    def features(self, what: str, inputs: Tensor, targets: Tensor, data: Data) -> Tensor:
        """Return features (n, d) that need no model: "labels" or "inputs".

        Raises
        ------
        InvalidOption
            For any other name.
        """
        if what == "labels":
            if data.classes is not None and targets.ndim == 1:
                return features.labels(targets, data.classes)
            return features.projected(targets.float())
        if what == "inputs":
            return features.projected(self.prepare(inputs))
        raise InvalidOption(
            f"features of task {self.name!r} must be labels or inputs; got {what!r}"
        )


class Classification(Task):
    """Base of tasks with one class per sample: cross-entropy, compared by accuracy."""

    metric: ClassVar[str] = "accuracy"
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return cross-entropies (n,); targets are classes (n,) or probabilities (n, classes)."""
        return nn.functional.cross_entropy(outputs, targets, reduction="none")

    def sums(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Return the summed loss, and how many are right."""
        correct = (outputs.argmax(1) == targets).sum()
        return {"loss": self.losses(outputs.float(), targets).sum(), "correct": correct}

    def metrics(self, sums: Mapping[str, float], count: int) -> dict[str, float]:
        """Return the mean loss, and the share of samples that are classified correctly."""
        return {"loss": sums["loss"] / count, "accuracy": sums["correct"] / count}


class Regression(Task):
    """Base of tasks with a number per sample: squared error, compared by its mean."""

    metric: ClassVar[str] = "loss"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return squared errors (n,)."""
        return (outputs.reshape(targets.shape) - targets).square()

    def sums(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Return the summed squared error, and what the share of variance explained needs."""
        return {
            "loss": self.losses(outputs.float(), targets).double().sum(),
            "target": targets.double().sum(),
            "square": targets.double().square().sum(),
        }

    def metrics(self, sums: Mapping[str, float], count: int) -> dict[str, float]:
        """Return the mean squared error, its root, and the coefficient of determination."""
        loss = sums["loss"] / count
        variance = sums["square"] / count - (sums["target"] / count) ** 2
        return {"loss": loss, "rmse": loss**0.5, "r2": 1 - loss / variance if variance else 0.0}


def evaluated(
    task: Task, model: nn.Module, split: Split, batch_size: int = 1000
) -> dict[str, float]:
    """Return the metrics of a model on a split; in evaluation mode, and back."""
    before = model.training
    model.eval()
    totals: dict[str, Tensor] = {}
    try:
        with torch.no_grad():
            for _, (inputs, targets) in split.batches(in_order(len(split), batch_size)):
                for name, value in task.sums(model(task.prepare(inputs)), targets).items():
                    totals[name] = totals.get(name, 0.0) + value.double()
    finally:
        model.train(before)
    return task.metrics({name: float(value) for name, value in totals.items()}, len(split))


def require_files(folder: Path | None, what: str) -> Path:
    """Return the folder of data: the given one, or what SUBSETOPT_DATA names."""
    found = folder or os.environ.get("SUBSETOPT_DATA")
    if not found:
        raise InvalidFile(
            f"{what} is read from a folder: --data DIR or the variable SUBSETOPT_DATA names it, "
            "and --download fetches what is missing there"
        )
    return Path(found)


def read_files(
    read: Callable[[Path], ArrayDataset],
    folder: Path | None,
    what: str,
    original: str,
    download: bool,
) -> ArrayDataset:
    """Return what a reader finds in the folder of data, after fetching it if `download`.

    `what` is the name for messages, `original` that in `data._fetching.ORIGINALS`.
    """
    where = require_files(folder, what)
    if download:
        fetch(where, original)
    try:
        return read(where)
    except InvalidFile as error:
        if download or not str(error).startswith("no "):  # there, and damaged
            raise
        raise InvalidFile(f"{error}; --download fetches what is missing") from None


def task(name: str, **options: Any) -> Task:
    """Return a task with options of its own.

    Parameters
    ----------
    name : str
        One of `TASKS`; options may follow it: ``linreg:outliers=20``.
    **options
        The fields of its class; they win over those in the name.

    Raises
    ------
    InvalidOption
        If no task has the name, it has no such option, or the value is outside its domain.

    Examples
    --------
    >>> task("linreg:outliers=20").outliers
    20
    """
    spec = Spec.parse(name)
    made: type[Task] = TASKS.load(spec.name)
    return made(**fitted(made, spec.options | options, f"task {spec.name!r}"))
