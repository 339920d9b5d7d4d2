"""Data sets as arrays, which the readers of standard files return."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidFile

from ._splits import Data, TensorSplit

Pair = tuple[NDArray[Any], NDArray[Any]]

PILLOW = OptionalDependency("pillow", "PIL", extra="train")
SCIPY = OptionalDependency("scipy", "scipy", extra="train")
POOCH = OptionalDependency("pooch", "pooch", extra="train")


class ArrayDataset(NamedTuple):
    """Inputs and targets, as the files have them."""

    train: Pair
    test: Pair
    source: str
    """The source, for reports."""
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
    return TensorSplit(*(torch.from_numpy(np.require(part, None, ["C", "W"])) for part in pair))


def found_in(folder: Path, sub: str, name: str) -> Path:
    """Return ``folder/sub/name`` or ``folder/name``; InvalidFile if there is neither."""
    for path in (folder / sub / name, folder / name):
        if path.is_file():
            return path
    raise InvalidFile(f"no {name} in {folder / sub} or {folder}")
