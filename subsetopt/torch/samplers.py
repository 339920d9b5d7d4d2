"""Base of batch samplers, which a DataLoader takes as ``batch_sampler``."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import require_integer
from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidOption
from subsetopt.problems._identity import fingerprint

from ._prepared import Prepared, prepared

__all__ = ["EpochBatchSampler"]

Item = TypeVar("Item")


class EpochBatchSampler(ABC):
    """Base of the batch samplers: epochs that are counted, resumed and shared out among ranks.

    Give it as ``DataLoader(dataset, batch_sampler=...)``. An epoch that has been handed out to its
    end is followed by the next one, unless `set_epoch` says otherwise. A subclass sets the
    attributes, and says what its epochs consist of.

    There is no attribute ``batch_size``, on purpose: Lightning takes what has one for a batch
    sampler that can be built anew from indices, and Accelerate fills up smaller batches to it.
    """

    drop_last: bool
    seed: int
    rank: int
    world_size: int
    _next: tuple[int, int] = (0, 0)  # epoch, and how many of its batches have been there already
    _reached: tuple[int, int] = (0, 0)
    _began: tuple[int, int] | None = None  # what the last iteration began with
    _counted = False  # whether the loop says what has been trained on
    _restored = False
    _learns: ClassVar[bool] = False  # whether epochs depend on what the sampler is told in between
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
        loader = prepared(self)
        if loader is not None:
            loader.require_usable(self.world_size, first)
        self._next = (epoch, 0)  # whoever breaks off and begins again gets a whole epoch
        batches = self._batches_of(epoch)
        self._laid_out, self._began, self._counted = (epoch, batches), (epoch, first), False
        for position in range(first, self._handed_out(len(batches), loader)):
            self._reached = (epoch, min(position + 1, len(batches)))
            yield batches[position % len(batches)].tolist()
        if self._next == (epoch, 0):  # else set_epoch or load_state_dict has been called meanwhile
            self._next = (epoch + 1, 0)

    def _handed_out(self, count: int, loader: Prepared | None) -> int:
        """Return how many batches an epoch of `count` takes, so that they go round.

        Accelerate would repeat the first batches that it has seen, which in a resumed epoch are not
        the first ones of the epoch.
        """
        if loader is None or self.drop_last or not loader.padded or loader.dispatched:
            return count
        return -(-count // loader.processes) * loader.processes

    def set_epoch(self, epoch: int, *, rewind: bool = False) -> None:
        """Let the next iteration be of that epoch, from its first batch on.

        A state that has been loaded is not undone: the remaining batches of its epoch stay the next
        ones, and an earlier epoch is passed over. So is one that Accelerate asks for, whose loaders
        count from 0 wherever the sampler stands.

        Parameters
        ----------
        epoch : int
        rewind : bool
            Go back all the same.
        """
        require_integer("epoch", epoch, "[0, inf)")
        own, done = self._next
        if not rewind and epoch <= own:
            if epoch == own and done:
                return
            if epoch < own and (self._restored or prepared(self) is not None):
                return
        self._restored &= not rewind
        self._next = self._reached = (int(epoch), 0)
        self._laid_out = None

    def batch(self, number: int) -> list[int]:
        """Return the indices in a batch of the epoch under way, counted from 0 on this rank."""
        epoch = self._reached[0]
        if self._laid_out is None or self._laid_out[0] != epoch:
            self._laid_out = (epoch, self._batches_of(epoch))
        batches = self._laid_out[1]
        require_integer("number", number, f"[0, {len(batches) - 1}]")
        found: list[int] = batches[number].tolist()
        return found

    def track(self, loader: Iterable[Item]) -> Iterator[Item]:
        """Iterate over the DataLoader, counting each batch when the loop receives it.

        Needed for an exact `state_dict` with ``num_workers > 0`` or a loader of Accelerate: they
        fetch ahead, so that the sampler alone knows what it has handed out but not what has been
        trained on.

        Raises
        ------
        InvalidOption
            If the loader does not take its batches from this sampler, or has them dispatched by one
            process.
        """
        made = prepared(self, loader)
        dealt = 1 if made is None else made.processes
        if made is not None and made.dispatched and dealt > 1:
            raise InvalidOption(
                "dispatch_batches is True, so that one process alone knows how many batches there "
                "have been; leave it out: DataLoaderConfiguration(dispatch_batches=False)"
            )
        self._began = began = None
        for done, item in enumerate(loader, start=1):
            began = began or self._began
            if began is None:
                raise InvalidOption(
                    "the loader does not take its batches from this sampler; give "
                    "DataLoader(..., batch_sampler=sampler), and keep frameworks from replacing "
                    "it: ray.train.torch.prepare_data_loader(loader, add_dist_sampler=False)"
                )
            epoch, before = began
            self._reached = (epoch, min(before + done * dealt, self._length(epoch)))
            self._counted = True
            yield item

    def mark(self, done: int) -> None:
        """Say how many batches of the epoch under way have been trained on.

        For loops that cannot go through `track`, those of trainers. They do not ask for one more
        batch than there are either, so that the last one ends the epoch here.
        """
        epoch, length = self._reached[0], self._length(self._reached[0])
        require_integer("done", done, f"[0, {length}]")
        self._reached, self._counted = (epoch, int(done)), True
        if done == length and self._next == (epoch, 0):
            self._next = (epoch + 1, 0)

    def state_dict(self) -> dict[str, Any]:
        """Return where the iteration stands and what it goes through, as plain values.

        Raises
        ------
        InvalidOption
            In a loop over a loader of Accelerate, which is a batch ahead: without `track`, or if
            the loader is to keep the state of a sampler that learns.
        """
        loader = prepared(self)
        if loader is not None and loader.stateful and self._learns:
            raise InvalidOption(
                "use_stateful_dataloader is True, which keeps the state of the sampler from before "
                "it learns the losses of a batch; leave it out, and keep sampler.state_dict()"
            )
        if loader is not None and not loader.stateful and not self._counted:
            raise InvalidOption(
                "Accelerate fetches a batch ahead, so that the sampler does not know what has been "
                "trained on; loop over sampler.track(loader)"
            )
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
        require_integer("epoch of the state", epoch, "[0, inf)")
        most = self._length(int(epoch)) - 1  # type: ignore[arg-type]
        require_integer("batches_done of the state", done, f"[0, {most}]")
        self._next = self._reached = (int(epoch), int(done))  # type: ignore[arg-type]
        self._laid_out, self._counted, self._restored = None, False, True


def as_indices(values: Any) -> NDArray[np.int64]:
    """Return an order as int64, or raise InvalidOption."""
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iu" or not array.size or array.min() < 0:
        raise InvalidOption(
            f"the order must be indices >= 0 (n,), at least one; got shape {array.shape} and dtype "
            f"{array.dtype}"
        )
    return array.astype(np.int64)


def checksum(indices: NDArray[np.int64]) -> str:
    """Return a text that tells orders apart."""
    return fingerprint(indices.astype("<i8"))[2].hex()


def permutation(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Draw an order from ``(seed, epoch)``, whatever the state of torch's global generator."""
    torch: Any = OptionalDependency("torch", "torch", extra="torch").load()
    mixed = int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0])
    generator = torch.Generator().manual_seed(mixed)
    drawn: NDArray[np.int64] = torch.randperm(count, generator=generator).numpy()
    return drawn
