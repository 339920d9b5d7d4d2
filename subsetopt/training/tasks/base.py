"""What a task is: data, a model, one loss per sample, and what it is judged by."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from subsetopt.errors import InvalidFile
from subsetopt.training.data._array_dataset import ArrayDataset
from subsetopt.training.data._fetching import fetch
from subsetopt.training.data._splits import Data
from subsetopt.training.recipe import Recipe

__all__ = ["Classification", "Regression", "Task", "evaluated"]


class Task(ABC):
    """Base of all tasks: small objects without a state; a subclass may be a dataclass with options.

    The loop calls ``losses(model(prepare(inputs)), targets)``.
    """

    name: ClassVar[str]
    """What the command line knows it by."""
    metric: ClassVar[str]
    """The key of `metrics` that it is judged by."""
    better: ClassVar[Literal["higher", "lower"]]
    """Which way that one improves."""
    recipe: Recipe
    """How it is trained where nothing else is said; from the paper where there is one."""
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
            Of data that are made up.

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
        """Return what `metrics` needs, summed over the samples, on the device; "loss" among it."""

    @abstractmethod
    def metrics(self, sums: Mapping[str, float], count: int) -> dict[str, float]:
        """Return the numbers that people read, of `count` samples; "loss" among them."""

    def features(self, what: str, inputs: Tensor, targets: Tensor, data: Data) -> Tensor:
        """Return features (n, d) that need no model: "labels" or "inputs".

        Raises
        ------
        InvalidOption
            For a name that this task does not know.
        """
        from subsetopt.errors import InvalidOption
        from subsetopt.torch import features

        if what == "labels":
            if data.classes is not None and targets.ndim == 1:
                return features.labels(targets, data.classes)
            return features.projected(targets.float())
        if what == "inputs":
            return features.projected(self.prepare(inputs))
        raise InvalidOption(f"features is {what!r}; task {self.name!r} has labels and inputs")


class Classification(Task):
    """Base of tasks with one class per sample: cross-entropy, judged by accuracy."""

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
    """Base of tasks with a number per sample: squared error, judged by its mean."""

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


def evaluated(task: Task, model: nn.Module, split: Any, batch_size: int = 1000) -> dict[str, float]:
    """Return the metrics of a model on a split; in evaluation mode, and back."""
    from subsetopt.training.data._splits import in_order

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
    import os

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
    """Return what a reader finds in the folder of data, fetched before where that is asked for.

    Parameters
    ----------
    read : callable
    folder : Path or None
    what : str
        The data set, for messages.
    original : str
        Its name in `subsetopt.training.data._fetching.ORIGINALS`.
    download : bool
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
