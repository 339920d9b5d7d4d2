"""Training in several processes, as torchrun starts them, and its checkpoints."""

import atexit
import gc
import io
import os
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import torch
import torch.distributed as dist
from torch import nn

from subsetopt._files import replacing
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.torch._importance import ImportanceSampler

from .methods.base import Ranks


class ProcessGroup:
    """The processes that train one model together."""

    def __init__(self) -> None:
        ready = dist.is_available() and dist.is_initialized()
        self.ranks = Ranks(dist.get_rank(), dist.get_world_size()) if ready else Ranks()

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.ranks.rank == 0

    @property
    def alone(self) -> bool:
        """Whether there is no other."""
        return self.ranks.world_size == 1

    def device(self, name: str) -> torch.device:
        """Return the device of this process."""
        try:
            found = torch.device(name)
        except RuntimeError:
            raise InvalidOption(f"device must be cpu, cuda or cuda:1; got {name!r}") from None
        if found.type == "cuda" and not torch.cuda.is_available():
            raise InvalidOption(f"device is {name!r}, but torch finds no GPU here; use cpu")
        if name == "cuda" and not self.alone:
            return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        return found

    def wrap(self, model: nn.Module, device: torch.device) -> nn.Module:
        """Return the model, whose gradients are averaged over the processes."""
        if self.alone:
            return model
        own = [device] if device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(model, device_ids=own)

    def share(self, sampler: Any) -> None:
        """Let samplers that learn exchange what they have learned."""
        if not self.alone and isinstance(sampler, ImportanceSampler):
            sampler.exchange()

    def mean(self, *values: float) -> tuple[float, ...]:
        """Return the means over the processes."""
        if self.alone:
            return values
        found: list[Any] = [None] * self.ranks.world_size
        dist.all_gather_object(found, values)
        return tuple(sum(column) / len(found) for column in zip(*found, strict=True))

    def agreed(self, value: bool) -> bool:
        """Return what the first process says."""
        if self.alone:
            return value
        told = [value]
        dist.broadcast_object_list(told, src=0)
        return bool(told[0])

    def any(self, value: bool) -> bool:
        """Return whether one of the processes says so; for those that train on the CPU."""
        if self.alone:
            return value
        told = torch.tensor(int(value))
        dist.all_reduce(told, dist.ReduceOp.MAX)
        return bool(told)

    def gathered(self, value: Any) -> list[Any]:
        """Return the values of all processes, in their order."""
        if self.alone:
            return [value]
        found: list[Any] = [None] * self.ranks.world_size
        dist.all_gather_object(found, value)
        return found


def join(device: str) -> ProcessGroup:
    """Return the processes that torchrun has started, joined at the first call; or this one alone.

    They part at the end of the process: a group that is made anew between two runs can meet the
    remains of the last one.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        if device == "cuda":
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group("nccl" if device == "cuda" else "gloo")
        atexit.register(_part)
    return ProcessGroup()


def _part() -> None:
    """Leave the group, once nothing holds it any more.

    A training refers to itself in circles, and its model to the group: collected only while the
    interpreter ends, the threads of gloo abort the process.
    """
    gc.collect()
    dist.destroy_process_group()


EVERY = 20.0
"""Seconds between checkpoints, at least; an epoch that takes longer is always kept."""
NAME = "checkpoint.pt"


class Describable(Protocol):
    """A run that tells one training from another."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""


class Checkpointed(Protocol):
    """A training that checkpoints save and restore."""

    @property
    def run(self) -> Describable:
        """The run; a checkpoint of another one is refused."""

    def state(self) -> dict[str, Any]:
        """Return all that going on needs."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""


class Checkpoint:
    """The file ``checkpoint.pt`` in the folder of a run; of several ranks, a state of each.

    Parameters
    ----------
    folder : Path or None
        None keeps nothing.
    kept : Checkpointed
    group : Group
    """

    def __init__(self, folder: Path | None, kept: Checkpointed, group: ProcessGroup) -> None:
        self._path = None if folder is None else folder / NAME
        self._kept, self._group = kept, group
        self._written = monotonic()

    def note(self) -> None:
        """Take note of the end of an epoch: write, unless it has just been done."""
        if self._path is not None and self._group.agreed(monotonic() - self._written >= EVERY):
            self.write()

    def write(self) -> None:
        """Write the state, whole or not at all."""
        assert self._path is not None
        states = self._group.gathered(self._kept.state())
        if self._group.first:
            content = io.BytesIO()
            torch.save({"run": self._kept.run.to_dict(), "states": states}, content)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._path) as stream:
                stream.write(content.getbuffer())
        self._written = monotonic()

    def load(self) -> None:
        """Restore the state, if there is one."""
        if self._path is None or not self._path.exists():
            return
        try:
            saved = torch.load(self._path, map_location="cpu", weights_only=True)
            run, states = saved["run"], saved["states"]
        except Exception as error:
            raise InvalidFile(f"{self._path} is not a checkpoint: {error}; remove it") from error
        if run != self._kept.run.to_dict() or len(states) != self._group.ranks.world_size:
            raise InvalidFile(
                f"{self._path} is of another run, or of {len(states)} processes; remove it, or "
                "choose another folder"
            )
        try:
            self._kept.restore(states[self._group.ranks.rank])
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            why = f"{type(error).__name__}: {error}"
            raise InvalidFile(f"{self._path} does not fit this run ({why}); remove it") from error
