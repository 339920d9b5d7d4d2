"""Choices on a GPU as CUDA graphs: one launch in the place of tens."""

from collections import Counter
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import torch
from torch import Generator, Tensor

from subsetopt._announcing import Announcement

from ._candidates import Candidates

if TYPE_CHECKING:
    from .base import Rule

_MOST = 8
"""Graphs that one rule keeps; other shapes are chosen from without."""
_BEFORE = 3
"""How often a shape comes before it is recorded: the last batch of an epoch is not worth it."""


class Replays:
    """How a rule's choices are launched: on a GPU recorded ones are, by the shapes asked for.

    Searches of tens of small operations take a GPU microseconds, and the host that launches them
    milliseconds. A recorded one is copied what it looks at, launched once, and its choice copied
    out, so that the next call does not write over it. Whatever cannot be recorded goes on as
    before.
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
        self, rule: "Rule", given: Candidates, k: int, generator: Generator | None
    ) -> Tensor:
        """Return ``rule._chosen(given, k, generator)``, from a graph where there is one."""
        if given.device.type != "cuda" or generator is not None or not _may_record(rule, given, k):
            return rule._chosen(given, k, generator)
        key = self._key(given, k)
        if key not in self._recorded and not torch.cuda.is_current_stream_capturing():
            self._seen[key] += 1
            if self._seen[key] > _BEFORE and len(self._recorded) < _MOST:
                self._recorded[key] = _record(rule, given, k)
        recorded = self._recorded.get(key)
        if recorded is None or torch.cuda.is_current_stream_capturing():
            return rule._chosen(given, k, None)
        return recorded(given)

    @staticmethod
    def _key(given: Candidates, k: int) -> Hashable:
        stream = torch.cuda.current_stream(given.device).cuda_stream
        losses, features = (
            None if one is None else (one.shape, one.dtype)
            for one in (given.losses, given.features)
        )
        return given.device, stream, given.shape, k, losses, features


def _may_record(rule: "Rule", given: Candidates, k: int | None) -> bool:
    """Return whether the choice is of plain tensors, on a GPU that is there, and never waits."""
    return (
        rule.graph
        and not rule.waits
        and given.labels is None
        and k is not None
        and not torch.compiler.is_compiling()
        and all(type(one) is Tensor for one in given.seen)
        and torch.cuda.is_available()
    )


_RECORDING = Announcement("recording choices as CUDA graphs, once for each shape of the batches")


class _Recorded:
    """One graph, the tensors that it reads, and the one that it writes."""

    def __init__(self, rule: "Rule", given: Candidates, k: int, generator: Generator) -> None:
        losses, features = (
            None if one is None else one.clone() for one in (given.losses, given.features)
        )
        self.given = given._replace(losses=losses, features=features)
        self.graph = torch.cuda.CUDAGraph()
        self.graph.register_generator_state(generator)
        # Other threads may allocate meanwhile, loaders of data among them.
        with torch.cuda.graph(self.graph, capture_error_mode="thread_local"):
            self.chosen = rule._chosen(self.given, k, None)

    def __call__(self, given: Candidates) -> Tensor:
        for held, fresh in zip(self.given.seen, given.seen, strict=True):
            held.copy_(fresh)
        self.graph.replay()
        return self.chosen.clone()


def _record(rule: "Rule", given: Candidates, k: int) -> _Recorded | None:
    """Return the graph; None where the choice waits for the device, or does what graphs cannot."""
    generator = rule._own_generator(given.device)
    state = generator.get_state()
    try:
        with _RECORDING, torch.cuda.device(given.device), torch.no_grad():
            return _Recorded(rule, given, k, generator)
    except RuntimeError:
        generator.set_state(state)
        return None
