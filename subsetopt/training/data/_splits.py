"""Data sets in memory: splits, batches of chosen samples, and changes for experiments."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from subsetopt._checks import require_integer, require_number
from subsetopt.errors import InvalidOption

Batch = tuple[Tensor, Tensor]
_WRONG = 1


class Split(Protocol):
    """Samples in a fixed order, read in batches of chosen ones."""

    @property
    def inputs(self) -> Tensor:
        """All inputs (n, ...), where they fit into memory."""

    @property
    def targets(self) -> Tensor:
        """All targets (n, ...)."""

    def __len__(self) -> int: ...

    def batches(
        self, chosen: "Sequence[list[int]] | BatchSource"
    ) -> Iterator[tuple[Tensor, Batch]]:
        """Yield the numbers of the samples in each batch, and (inputs, targets), on the device."""

    def to(self, device: torch.device) -> "Split":
        """Return the same samples, handed out on that device."""

    def subset(self, ids: Tensor) -> "Split":
        """Return only these samples, numbered anew."""

    def plain(self) -> "Split":
        """Return the same samples as they are evaluated: nothing about them is left to chance."""


class BatchSource(Protocol):
    """A sampler: yields the numbers of samples, batch by batch."""

    def __iter__(self) -> Iterator[list[int]]: ...

    def __len__(self) -> int: ...


@dataclass(frozen=True, eq=False)
class TensorSplit:
    """Samples held as two tensors.

    Parameters
    ----------
    inputs : Tensor, (n, ...)
        As the files have them, uint8 for images: `Task.prepare` makes numbers of them.
    targets : Tensor, (n, ...)
    """

    inputs: Tensor
    targets: Tensor

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.targets) or not len(self.inputs):
            raise InvalidOption(
                f"inputs and targets must be equally many, at least one; got {len(self.inputs)} "
                f"inputs and {len(self.targets)} targets"
            )

    def __len__(self) -> int:
        return len(self.inputs)

    def batches(self, chosen: Sequence[list[int]] | BatchSource) -> Iterator[tuple[Tensor, Batch]]:
        """Yield the numbers of the samples in each batch, and (inputs, targets)."""
        device = self.inputs.device
        for numbers in chosen:
            ids = torch.tensor(numbers)
            where = ids if device.type == "cpu" else ids.pin_memory().to(device, non_blocking=True)
            yield where, self.take(where)

    def take(self, ids: Tensor) -> Batch:
        """Return the samples of these numbers."""
        return self.inputs.index_select(0, ids), self.targets.index_select(0, ids)

    def to(self, device: torch.device) -> "TensorSplit":
        """Return the same samples on that device."""
        return TensorSplit(self.inputs.to(device), self.targets.to(device))

    def subset(self, ids: Tensor) -> "TensorSplit":
        """Return only these samples, numbered anew."""
        return TensorSplit(*self.take(ids))

    def plain(self) -> "TensorSplit":
        """Return itself."""
        return self


class Data(NamedTuple):
    """Training and test samples of a task."""

    train: Split
    test: Split
    classes: int | None = None
    """How many classes the targets are of; None for regression."""
    validation: Split | None = None
    """Samples that the data set itself sets aside for tuning."""
    facts: Mapping[str, Any] = MappingProxyType({})
    """Plain values for reports: `n_train`, `n_test`, `source`, `subset`, and more."""

    def for_tuning(self, share: float = 0.1, seed: int = 0) -> "Data":
        """Return data whose test samples come out of the training set: the test set stays unseen.

        Parameters
        ----------
        share : float
            Of the training set, where the data bring no validation samples of their own.
        """
        if self.validation is not None:
            return self._told(self.train, self.validation)
        order = torch.from_numpy(np.random.default_rng(seed).permutation(len(self.train)))
        count = max(1, int(share * len(self.train)))
        held_out, kept = order[:count].sort().values, order[count:].sort().values
        return self._told(self.train.subset(kept), self.train.subset(held_out).plain())

    def fewer(self, train: int | None, test: int | None) -> "Data":
        """Return so many of the samples, drawn once and for all; None, or more than there are: all.

        Samples set aside for tuning are left out, so that tuning takes its share of these.
        """
        if train is None and test is None:
            return self
        few, fewer = _drawn(self.train, train), _drawn(self.test, test)
        facts = {**self.facts, "n_train": len(few), "n_test": len(fewer), "subset": True}
        return self._replace(train=few, test=fewer, validation=None, facts=facts)

    def mislabelled(self, share: float, seed: int = 0) -> "Data":
        """Return data in whose training set this share of the labels is wrong.

        Parameters
        ----------
        share : float
            0 <= share < 1, drawn once and for all; each of the other classes is as likely. Labels
            of the test set stay as they are.
        """
        require_number("label_noise", share, "[0, 1)")
        if not share:
            return self
        if self.classes is None or not isinstance(self.train, TensorSplit):
            raise InvalidOption("label_noise is for classes held in memory")
        # A stream of its own: by that of `for_tuning` all that is held out would be wrong.
        generator = np.random.default_rng([_WRONG, seed])
        labels = self.train.targets.clone()
        wrong = generator.permutation(len(labels))[: round(share * len(labels))]
        further = torch.from_numpy(generator.integers(1, self.classes, len(wrong)))
        labels[wrong] = (labels[wrong] + further.to(labels.dtype)) % self.classes
        return self._replace(
            train=TensorSplit(self.train.inputs, labels), facts={**self.facts, "label_noise": share}
        )

    def _told(self, train: Split, test: Split) -> "Data":
        facts = {**self.facts, "n_train": len(train), "n_test": len(test), "tuning": True}
        return self._replace(train=train, test=test, validation=None, facts=facts)


def _drawn(split: Split, count: int | None) -> Split:
    if count is None or count >= len(split):
        return split
    require_integer("number of samples", count, "[1, inf)")
    order = np.random.default_rng(0).permutation(len(split))
    return split.subset(torch.from_numpy(np.sort(order[:count])))


def in_order(size: int, batch_size: int) -> list[list[int]]:
    """Return batches of all numbers below `size`, one after another."""
    return [list(range(i, min(i + batch_size, size))) for i in range(0, size, batch_size)]
