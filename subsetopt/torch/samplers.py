"""Batch samplers: what a DataLoader takes as ``batch_sampler``."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt.errors import InvalidOption

if TYPE_CHECKING:
    from subsetopt.sequencing import MiniBatchSequence

Item = TypeVar("Item")


class EpochBatchSampler(ABC):
    """Base of the batch samplers: epochs that are counted, resumed and shared out among ranks.

    Give it as ``DataLoader(dataset, batch_sampler=...)``. An epoch that has been handed out to its
    end is followed by the next one, unless `set_epoch` says otherwise. A subclass sets the
    attributes, and says what its epochs consist of.
    """

    batch_size: int
    drop_last: bool
    seed: int
    rank: int
    world_size: int
    _next: tuple[int, int] = (0, 0)  # epoch, and how many of its batches have been there already
    _reached: tuple[int, int] = (0, 0)
    _laid_out: tuple[int, Sequence[NDArray[np.int64]]] | None = None  # an epoch and its batches

    @abstractmethod
    def _batches_of(self, epoch: int) -> Sequence[NDArray[np.int64]]:
        """Return the batches that this rank gets in an epoch which begins, or has begun."""

    @abstractmethod
    def _length(self, epoch: int) -> int:
        """Return how many these are, without drawing them."""

    @abstractmethod
    def _identity(self) -> dict[str, Any]:
        """Return what a state must have in common with this sampler, as plain values."""

    @property
    def epoch(self) -> int:
        """The epoch that the next iteration begins with."""
        return self._next[0]

    def __len__(self) -> int:
        """Return the number of batches of this rank in the whole of `epoch`."""
        return self._length(self.epoch)

    def __iter__(self) -> Iterator[list[int]]:
        # A generator on purpose, so that nothing happens before the first batch is asked for: a
        # DataLoader with workers makes two iterators and throws the first one away.
        epoch, first = self._next
        self._next = (epoch, 0)  # whoever breaks off and begins again gets a whole epoch
        batches = self._batches_of(epoch)
        self._laid_out = (epoch, batches)
        for position, batch in enumerate(batches):
            if position >= first:
                self._reached = (epoch, position + 1)
                yield batch.tolist()
        if self._next == (epoch, 0):  # else set_epoch or load_state_dict has been called meanwhile
            self._next = (epoch + 1, 0)

    def set_epoch(self, epoch: int) -> None:
        """Let the next iteration be of that epoch, from its first batch on."""
        require_whole("epoch", epoch, 0)
        self._next = self._reached = (int(epoch), 0)
        self._laid_out = None

    def batch(self, number: int) -> list[int]:
        """Return the indices in a batch of the epoch under way, counted from 0 on this rank."""
        epoch = self._reached[0]
        if self._laid_out is None or self._laid_out[0] != epoch:
            self._laid_out = (epoch, self._batches_of(epoch))
        batches = self._laid_out[1]
        require_whole("number", number, 0, len(batches) - 1)
        found: list[int] = batches[number].tolist()
        return found

    def track(self, loader: Iterable[Item]) -> Iterator[Item]:
        """Iterate over the DataLoader, counting each batch when the loop receives it.

        Needed for an exact `state_dict` with ``num_workers > 0``: workers fetch ahead, so that the
        sampler alone knows what it has handed out but not what has been trained on.
        """
        epoch, before = self._next
        for done, item in enumerate(loader, start=before + 1):
            self._reached = (epoch, done)
            yield item

    def mark(self, done: int) -> None:
        """Say how many batches of the epoch under way have been trained on.

        For loops that cannot go through `track`, those of trainers. They do not ask for one more
        batch than there are either, so that the last one ends the epoch here.
        """
        epoch, length = self._reached[0], self._length(self._reached[0])
        require_whole("done", done, 0, length)
        self._reached = (epoch, int(done))
        if done == length and self._next == (epoch, 0):
            self._next = (epoch + 1, 0)

    def state_dict(self) -> dict[str, Any]:
        """Return where the iteration stands and what it goes through, as plain values."""
        epoch, done = self._reached
        if done >= self._length(epoch):
            epoch, done = epoch + 1, 0
        state = {**self._identity(), "epoch": epoch, "batches_done": done}
        return {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in state.items()
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Let the next iteration go on there: exactly the remaining batches follow.

        Raises
        ------
        InvalidOption
            If the state is of other batches, another seed, or another number of ranks.
        """
        for name, own in self._identity().items():
            if state.get(name) != own:
                raise InvalidOption(
                    f"the state has {name} {state.get(name)!r}, but this sampler has {own!r}"
                )
        epoch, done = state.get("epoch"), state.get("batches_done")
        require_whole("epoch of the state", epoch, 0)
        most = self._length(int(epoch)) - 1  # type: ignore[arg-type]
        require_whole("batches_done of the state", done, 0, most)
        self._next = self._reached = (int(epoch), int(done))  # type: ignore[arg-type]
        self._laid_out = None


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
        require_whole("seed", seed, 0)
        require_whole("world_size", world_size, 1)
        require_whole("rank", rank, 0, world_size - 1)
        batches = _batches(sequence, batch_size)
        self.batch_size = len(batches[0])
        if drop_last and len(batches[-1]) < self.batch_size:
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
        sizes = np.array([len(batch) for batch in self._batches])
        return {
            "batches": len(self._batches),
            "checksum": checksum(np.concatenate([sizes, *self._batches])),
            "seed": self.seed,
            "shuffle_batches": self.shuffle_batches,
            "world_size": self.world_size,
        }


def _batches(sequence: Any, batch_size: int | None) -> list[NDArray[np.int64]]:
    if batch_size is not None:
        require_whole("batch_size", batch_size, 1)
    elif not hasattr(sequence, "batches"):
        raise InvalidOption("batch_size is None; an order needs one, only a sequence has its own")
    else:
        return [as_indices(batch) for batch in sequence.batches]
    order = as_indices(getattr(sequence, "order", sequence))
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def as_indices(values: Any) -> NDArray[np.int64]:
    """Return an order as int64, or raise InvalidOption."""
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iu" or not array.size or array.min() < 0:
        raise InvalidOption(
            f"the order has shape {array.shape} and dtype {array.dtype}; indices from 0 on are "
            "needed, at least one"
        )
    return array.astype(np.int64)


def checksum(indices: NDArray[np.int64]) -> int:
    """Return a number that tells orders apart."""
    from zlib import crc32

    return crc32(indices.astype("<i8").tobytes())


def permutation(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Draw an order from ``(seed, epoch)``, whatever the state of torch's global generator."""
    from subsetopt.solvers.base import Requirement

    torch: Any = Requirement("torch", "torch", extra="torch").load()
    mixed = int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0])
    generator = torch.Generator().manual_seed(mixed)
    drawn: NDArray[np.int64] = torch.randperm(count, generator=generator).numpy()
    return drawn


def require_whole(name: str, value: Any, least: int, most: int | None = None) -> None:
    """Raise InvalidOption unless `value` is a whole number within the limits."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        limit = f"at least {least}" if most is None else f"from {least} to {most}"
        raise InvalidOption(f"{name} is {value!r}; a whole number {limit} is needed")
