"""Batch samplers: what a DataLoader takes as ``batch_sampler``."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt.errors import InvalidOption

if TYPE_CHECKING:
    from subsetopt.sequencing import MiniBatchSequence

Item = TypeVar("Item")


class SequenceBatchSampler:
    """Hands a sequence of mini-batches to a DataLoader, the same in every epoch.

    Give it as ``DataLoader(dataset, batch_sampler=...)``. An epoch that has been handed out to its
    end is followed by the next one, unless `set_epoch` says otherwise.

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
        _require_whole("seed", seed, 0)
        _require_whole("world_size", world_size, 1)
        _require_whole("rank", rank, 0, world_size - 1)
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
        self._next = (0, 0)  # epoch, and how many of its batches have been there already
        self._reached = (0, 0)

    @property
    def epoch(self) -> int:
        """The epoch that the next iteration begins with."""
        return self._next[0]

    def __len__(self) -> int:
        """Return the number of batches of this rank in a whole epoch."""
        rounded = 0 if self.drop_last else self.world_size - 1
        return (len(self._batches) + rounded) // self.world_size

    def __iter__(self) -> Iterator[list[int]]:
        # A generator on purpose, so that nothing happens before the first batch is asked for: a
        # DataLoader with workers makes two iterators and throws the first one away.
        epoch, first = self._next
        self._next = (epoch, 0)  # whoever breaks off and begins again gets a whole epoch
        for position, number in enumerate(self._numbers(epoch)):
            if position >= first:
                self._reached = (epoch, position + 1)
                yield self._batches[number].tolist()
        if self._next == (epoch, 0):  # else set_epoch or load_state_dict has been called meanwhile
            self._next = (epoch + 1, 0)

    def _numbers(self, epoch: int) -> NDArray[np.int64]:
        """Return which batches this rank visits in an epoch, in order."""
        numbers = np.arange(len(self._batches))
        if self.shuffle_batches:
            numbers = numbers[_permutation(len(numbers), self.seed, epoch)]
        return np.resize(numbers, len(self) * self.world_size)[self.rank :: self.world_size]

    def set_epoch(self, epoch: int) -> None:
        """Let the next iteration be of that epoch, from its first batch on."""
        _require_whole("epoch", epoch, 0)
        self._next = self._reached = (int(epoch), 0)

    def track(self, loader: Iterable[Item]) -> Iterator[Item]:
        """Iterate over the DataLoader, counting each batch when the loop receives it.

        Needed for an exact `state_dict` with ``num_workers > 0``: workers fetch ahead, so that the
        sampler alone knows what it has handed out but not what has been trained on.
        """
        epoch, before = self._next
        for done, item in enumerate(loader, start=before + 1):
            self._reached = (epoch, done)
            yield item

    def state_dict(self) -> dict[str, Any]:
        """Return where the iteration stands and what it goes through, as plain numbers."""
        epoch, done = self._reached
        if done >= len(self):
            epoch, done = epoch + 1, 0
        return {**self._identity(), "epoch": epoch, "batches_done": done}

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
        _require_whole("epoch of the state", epoch, 0)
        _require_whole("batches_done of the state", done, 0, len(self) - 1)
        self._next = self._reached = (int(epoch), int(done))  # type: ignore[arg-type]

    def _identity(self) -> dict[str, Any]:
        from zlib import crc32

        sizes = np.array([len(batch) for batch in self._batches])
        return {
            "batches": len(self._batches),
            "checksum": crc32(np.concatenate([sizes, *self._batches]).astype("<i8").tobytes()),
            "seed": self.seed,
            "shuffle_batches": self.shuffle_batches,
            "world_size": self.world_size,
        }


def _batches(sequence: Any, batch_size: int | None) -> list[NDArray[np.int64]]:
    if batch_size is not None:
        _require_whole("batch_size", batch_size, 1)
    elif not hasattr(sequence, "batches"):
        raise InvalidOption("batch_size is None; an order needs one, only a sequence has its own")
    else:
        return [_indices(batch) for batch in sequence.batches]
    order = _indices(getattr(sequence, "order", sequence))
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def _indices(values: Any) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iu" or not array.size or array.min() < 0:
        raise InvalidOption(
            f"the order has shape {array.shape} and dtype {array.dtype}; indices from 0 on are "
            "needed, at least one"
        )
    return array.astype(np.int64)


def _permutation(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Draw from a torch generator of its own, whatever the state of the global one."""
    from subsetopt.solvers.base import Requirement

    torch: Any = Requirement("torch", "torch", extra="torch").load()
    mixed = int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0])
    generator = torch.Generator().manual_seed(mixed)
    drawn: NDArray[np.int64] = torch.randperm(count, generator=generator).numpy()
    return drawn


def _require_whole(name: str, value: Any, least: int, most: int | None = None) -> None:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        limit = f"at least {least}" if most is None else f"from {least} to {most}"
        raise InvalidOption(f"{name} is {value!r}; a whole number {limit} is needed")
