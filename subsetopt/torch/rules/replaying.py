"""Choices on a GPU as CUDA graphs: one launch in the place of tens."""

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

import torch
from torch import Generator, Tensor

from subsetopt._announcing import Announcement

Choice = Callable[..., Tensor]

_MOST = 8
"""Graphs that one rule keeps; other shapes are chosen from without."""
_BEFORE = 3
"""How often a shape comes before it is recorded: the last batch of an epoch is not worth it."""


class Replays:
    """What one rule has recorded, by the shapes that it was asked for.

    Searches of tens of small operations take a GPU microseconds, and the host that launches them
    milliseconds. A recorded one is copied its losses, launched once, and its choice copied out, so
    that the next call does not write over it. Whatever cannot be recorded goes on as before.
    """

    def __init__(self) -> None:
        self._seen: Counter[Hashable] = Counter()
        self._recorded: dict[Hashable, _Recorded | None] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> "Replays":
        return Replays()

    def __reduce__(self) -> Any:  # a graph belongs to one process
        return Replays, ()

    def clear(self) -> None:
        """Forget all: what they read or draw from is no more what it was."""
        self._seen.clear()
        self._recorded.clear()

    def __call__(
        self, choose: Choice, losses: Tensor, k: int, features: Tensor | None, generator: Generator
    ) -> Tensor:
        """Return ``choose(losses, k, features=features)``, which draws from `generator` only."""
        key = self._key(losses, k, features)
        if key not in self._recorded:
            self._seen[key] += 1
            full = len(self._recorded) >= _MOST
            if self._seen[key] <= _BEFORE or full or torch.cuda.is_current_stream_capturing():
                return choose(losses, k, generator=None, features=features)
            self._recorded[key] = _record(choose, losses, k, features, generator)
        recorded = self._recorded[key]
        if recorded is None or torch.cuda.is_current_stream_capturing():
            return choose(losses, k, generator=None, features=features)
        return recorded(losses, features)

    @staticmethod
    def _key(losses: Tensor, k: int, features: Tensor | None) -> Hashable:
        stream = torch.cuda.current_stream(losses.device).cuda_stream
        held = None if features is None else (features.shape, features.dtype)
        return losses.device, stream, losses.shape, losses.dtype, k, held


_RECORDING = Announcement("recording choices as CUDA graphs, once for each shape of the batches")


class _Recorded:
    """One graph, the tensors that it reads, and the one that it writes."""

    def __init__(
        self, choose: Choice, losses: Tensor, k: int, features: Tensor | None, generator: Generator
    ) -> None:
        self.losses = losses.clone()
        self.features = None if features is None else features.clone()
        self.graph = torch.cuda.CUDAGraph()
        self.graph.register_generator_state(generator)
        # Other threads may allocate meanwhile, loaders of data among them.
        with torch.cuda.graph(self.graph, capture_error_mode="thread_local"):
            self.chosen = choose(self.losses, k, generator=None, features=self.features)

    def __call__(self, losses: Tensor, features: Tensor | None) -> Tensor:
        self.losses.copy_(losses)
        if self.features is not None and features is not None:
            self.features.copy_(features)
        self.graph.replay()
        return self.chosen.clone()


def _record(
    choose: Choice, losses: Tensor, k: int, features: Tensor | None, generator: Generator
) -> _Recorded | None:
    """Return the graph; None where the choice waits for the device, or does what graphs cannot."""
    state = generator.get_state()
    try:
        with _RECORDING, torch.cuda.device(losses.device), torch.no_grad():
            return _Recorded(choose, losses, k, features, generator)
    except RuntimeError:
        generator.set_state(state)
        return None
