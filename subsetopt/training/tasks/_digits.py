"""The small digits of scikit-learn: a task of seconds that needs no files."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from subsetopt.training.data._digits_files import read_digits
from subsetopt.training.data._splits import Data, require_noise
from subsetopt.training.networks import build_model
from subsetopt.training.recipe import Recipe

from .base import Classification


@dataclass(kw_only=True, eq=False)
class Digits(Classification):
    """1,433 training and 364 test images of 8 x 8 pixels.

    Parameters
    ----------
    label_noise : float
        Share of the training labels that are made wrong.
    """

    name = "digits"
    recipe = Recipe(
        epochs=30, batch_size=64, lr=0.1, momentum=0.9, schedule="linear", quick_epochs=5
    )

    label_noise: float = 0.0

    def __post_init__(self) -> None:
        require_noise(self.label_noise)

    def load(self, folder: Path | None = None, *, download: bool = False, seed: int = 0) -> Data:
        """Return the digits, always split in the same way."""
        return read_digits().data(10).mislabelled(self.label_noise)

    def model(self, data: Data) -> nn.Module:
        """Return a perceptron with one hidden layer of 128."""
        return build_model("mlp", inputs=64, classes=10, hidden=(128,))

    def prepare(self, inputs: Tensor) -> Tensor:
        """Return the brightness, 0..1, as it is."""
        return inputs
