"""Sequences of mini-batches, handed to a DataLoader."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._checks import require_integer
from subsetopt.errors import InvalidOption

from .samplers import EpochBatchSampler, as_indices, checksum, permutation

if TYPE_CHECKING:
    from subsetopt.sequencing import MiniBatchSequence

__all__ = ["SequenceBatchSampler"]


class SequenceBatchSampler(EpochBatchSampler):
    """Hands a sequence of mini-batches to a DataLoader, the same in every epoch.

    Parameters
    ----------
    sequence : MiniBatchSequence or array_like of int
        Its batches; or an order of the samples, which `batch_size` cuts into batches.
    batch_size : int, optional
        Cuts the order anew; None keeps the batches of a sequence.
    shuffle_batches : bool
        Visit the batches, each of them left whole, in an order drawn from ``(seed, epoch)``.
    seed : int
    drop_last : bool
        Leave out a last batch that is smaller than the first; and with several ranks the last
        batches of an epoch that would not go round. Otherwise an epoch begins again from its first
        batch until every rank has as many.
    rank, world_size : int
        This process and their number: it gets every `world_size`-th batch of an epoch.

    Raises
    ------
    InvalidOption
        For an order that is empty or no array of indices, one without `batch_size`, or a number
        outside its domain.
    """

    def __init__(
        self,
        sequence: "MiniBatchSequence | ArrayLike",
        batch_size: int | None = None,
        *,
        shuffle_batches: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        require_integer("seed", seed, "[0, inf)")
        require_integer("world_size", world_size, "[1, inf)")
        require_integer("rank", rank, f"[0, {world_size - 1}]")
        batches = _batches(sequence, batch_size)
        if drop_last and len(batches[-1]) < len(batches[0]):
            del batches[-1]
        if drop_last and len(batches) < world_size:
            raise InvalidOption(
                f"world_size is {world_size}, but there are {len(batches)} batches; make them "
                "smaller, or leave out drop_last"
            )
        self.drop_last = drop_last
        self.shuffle_batches, self.seed = shuffle_batches, int(seed)
        self.rank, self.world_size = int(rank), int(world_size)
        self._batches = batches
        self._checksum: str | None = None

    def _length(self, epoch: int) -> int:
        rounded = 0 if self.drop_last else self.world_size - 1
        return (len(self._batches) + rounded) // self.world_size

    def _batches_of(self, epoch: int) -> list[NDArray[np.int64]]:
        numbers = np.arange(len(self._batches))
        if self.shuffle_batches:
            numbers = numbers[permutation(len(numbers), self.seed, epoch)]
        own = np.resize(numbers, len(self) * self.world_size)[self.rank :: self.world_size]
        return [self._batches[number] for number in own]

    def _identity(self) -> dict[str, Any]:
        if self._checksum is None:  # some loaders ask for it at every batch
            sizes = np.array([len(batch) for batch in self._batches])
            self._checksum = checksum(np.concatenate([sizes, *self._batches]))
        return {
            "batches": len(self._batches),
            "checksum": self._checksum,
            "seed": self.seed,
            "shuffle_batches": self.shuffle_batches,
            "world_size": self.world_size,
        }


def _batches(sequence: Any, batch_size: int | None) -> list[NDArray[np.int64]]:
    if batch_size is not None:
        require_integer("batch_size", batch_size, "[1, inf)")
    elif not hasattr(sequence, "batches"):
        raise InvalidOption("batch_size is None; an order needs one, only a sequence has its own")
    else:
        return [as_indices(batch) for batch in sequence.batches]
    order = as_indices(getattr(sequence, "order", sequence))
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
