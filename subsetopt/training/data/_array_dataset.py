"""What the readers of standard files return: arrays, and where they come from."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidFile
from subsetopt.formats import _sources

from ._splits import Data, TensorSplit

Pair = tuple[NDArray[Any], NDArray[Any]]

PILLOW = OptionalDependency("pillow", "PIL", extra="train")
SCIPY = OptionalDependency("scipy", "scipy", extra="train")
SKLEARN = OptionalDependency("scikit-learn", "sklearn", extra="train")
POOCH = OptionalDependency("pooch", "pooch", extra="train")


class ArrayDataset(NamedTuple):
    """Inputs and targets, as the files have them."""

    train: Pair
    test: Pair
    source: str
    """What was read, for reports."""
    validation: Pair | None = None
    subset: bool = False
    """Whether these are fewer training samples than the data set is known for."""

    def data(self, classes: int | None, **facts: Any) -> Data:
        """Return splits of tensors that share the memory of the arrays where they can."""
        return Data(
            _split(self.train),
            _split(self.test),
            classes,
            None if self.validation is None else _split(self.validation),
            facts={
                "n_train": len(self.train[1]),
                "n_test": len(self.test[1]),
                "source": self.source,
                "subset": self.subset,
                **facts,
            },
        )


def _split(pair: Pair) -> TensorSplit:
    return TensorSplit(
        *(torch.from_numpy(np.require(each, requirements=["C", "W"])) for each in pair)
    )


def require_labels(labels: NDArray[Any], classes: int, where: Path | str) -> NDArray[np.int64]:
    """Return the labels as int64.

    Raises
    ------
    InvalidFile
        If there are none, or one is not in 0..classes-1.
    """
    if not labels.size:
        raise InvalidFile(f"{where} holds no samples")
    if labels.min() < 0 or labels.max() >= classes:
        raise InvalidFile(
            f"{where} holds labels {labels.min()}..{labels.max()}; 0..{classes - 1} are known"
        )
    return labels.astype(np.int64)


def content(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    InvalidFile
        If it cannot be read, or is larger than fits.
    """
    return _sources.content(path)[0]
