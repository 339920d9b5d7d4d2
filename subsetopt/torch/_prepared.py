"""How Hugging Face Accelerate iterates over a batch sampler."""

import sys
from dataclasses import dataclass
from typing import Any

from subsetopt.errors import InvalidOption

_INNER = ("batch_sampler", "_batch_sampler", "sampler")
_DEEPEST = 8
"""Wrappers around wrappers that are looked into: no chain is that long, but one could be a ring."""
_FIX = (
    "keep rank and world_size, and prepare the loader by "
    "accelerate.data_loader.prepare_data_loader(loader, accelerator.device, num_processes=1, "
    "process_index=0, put_on_device=True), or leave both out and let prepare() shard the batches"
)


@dataclass(frozen=True)
class Prepared:
    """How Accelerate iterates over a sampler."""

    processes: int
    """Every process gets every `processes`-th batch; 1: all of them."""
    padded: bool
    """Whether all processes get equally many, by beginning again from the first batch."""
    skipped: int
    """How many of the first batches are left out."""
    dispatched: bool
    """Whether one process reads the batches of all."""
    stateful: bool
    """Whether the loader keeps the state of the sampler itself."""

    def require_usable(self, world_size: int, done: int) -> None:
        """Raise InvalidOption where batches would be lost."""
        if world_size > 1 and self.processes > 1:
            raise InvalidOption(
                f"the sampler has world_size={world_size}, so that its batches are those of one "
                f"rank, but Accelerate shards them over {self.processes} processes once more; "
                f"{_FIX}"
            )
        if self.skipped and done:
            raise InvalidOption(
                f"skip_first_batches({self.skipped}) comes on top of a loaded state that leaves "
                f"out {done} batches already; load the state alone"
            )


def prepared(sampler: Any, loader: Any = None) -> Prepared | None:
    """Return how Accelerate iterates over the sampler at this moment, None if it does not."""
    if loader is None:
        # Without Accelerate in use there is nothing to ask, and it is not imported for it.
        state: Any = sys.modules.get("accelerate.state")
        loader = None if state is None else state.GradientState().active_dataloader
    if loader is None:
        return None
    wrappers = _wrappers(loader, sampler)
    if not wrappers:
        return None
    processes = [getattr(one, "num_processes", 1) for one in wrappers]
    dispatched = type(loader).__name__ == "DataLoaderDispatcher"
    if dispatched:
        processes.append(loader.state.num_processes)
    return Prepared(
        processes=max(processes),
        padded=all(getattr(one, "even_batches", True) for one in wrappers),
        skipped=sum(getattr(one, "skip_batches", 0) for one in wrappers[1:]),
        dispatched=dispatched,
        stateful=bool(getattr(loader, "use_stateful_dataloader", False)),
    )


def _wrappers(loader: Any, sampler: Any) -> list[Any]:
    """Return the loader and what lies between it and the sampler; nothing if it has another one."""
    found, at = [], loader
    while at is not sampler:
        found.append(at)
        inner = [one for one in (getattr(at, name, None) for name in _INNER) if one is not None]
        if not inner or len(found) > _DEEPEST:
            return []
        at = sampler if any(one is sampler for one in inner) else inner[0]
    return found
