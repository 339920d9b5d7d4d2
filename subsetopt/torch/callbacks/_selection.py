"""Selection as trainers carry it along: samplers, steps and watchers fed, saved and restored."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from subsetopt.errors import InvalidOption
from subsetopt.torch._epochs import ids_of
from subsetopt.torch._importance import ImportanceSampler
from subsetopt.torch._watching import Watcher, Writer
from subsetopt.torch.samplers import EpochBatchSampler
from subsetopt.torch.step import StepResult, SubsetStep


class Selection:
    """The parts of a selection that a trainer has to carry along.

    Parameters
    ----------
    sampler : EpochBatchSampler, optional
        The ``batch_sampler`` of the training DataLoader.
    step : SubsetStep, optional
        Chooses within the batches.
    watcher : Watcher, optional
        Is fed with every batch.
    writer : Writer, optional
        Is handed the watcher's summary at the end of each epoch.
    ids : callable, optional
        ``ids(batch)`` returns the indices of its samples in the data set; with a sampler they are
        known without.
    """

    def __init__(
        self,
        sampler: EpochBatchSampler | None = None,
        step: SubsetStep | None = None,
        watcher: Watcher | None = None,
        writer: Writer | None = None,
        ids: Callable[[Any], Any] | None = None,
    ) -> None:
        if watcher is not None and sampler is None and ids is None:
            raise InvalidOption(
                "watcher is given, but nothing says which samples a batch holds; give the sampler, "
                "or ids=, a function of the batch"
            )
        if writer is not None and watcher is None:
            raise InvalidOption("writer is given, but no watcher whose summary it could write")
        self.sampler, self.step, self.watcher = sampler, step, watcher
        self.writer, self.ids = writer, ids

    def require_ranks(self, world_size: int, rank: int) -> None:
        """Raise InvalidOption unless the sampler deals out to as many ranks as there are."""
        sampler = self.sampler
        if sampler is not None and (sampler.world_size, sampler.rank) != (world_size, rank):
            raise InvalidOption(
                f"the sampler has rank {sampler.rank} of {sampler.world_size}, but the trainer "
                f"{rank} of {world_size}; make it with rank={rank}, world_size={world_size}"
            )

    def begin_epoch(self, epoch: int, batches: float, fix: str) -> None:
        """Set the sampler to an epoch that begins, unless it has got there by itself."""
        if self.sampler is None:
            return
        if self.sampler.epoch != epoch:
            self.sampler.set_epoch(epoch, rewind=True)
        if len(self.sampler) > batches:
            raise InvalidOption(
                f"epoch {epoch} has {len(self.sampler)} batches, but the trainer stops after "
                f"{batches}, the number in the first; {fix}"
            )

    def batch_done(
        self, number: int, batch: Any, result: StepResult | None, losses: Tensor | None
    ) -> None:
        """Take in a batch that has been trained on: its number in the epoch, and what is known."""
        sampler = self.sampler
        ids: Any = None
        if self.ids is not None:
            ids = self.ids(batch)
        elif sampler is not None and (self.watcher or isinstance(sampler, ImportanceSampler)):
            ids = sampler.batch(number)
        if sampler is not None:
            sampler.mark(number + 1)
        if self.watcher is not None:
            self._watch(self.watcher, ids, result, losses)
        if isinstance(sampler, ImportanceSampler):
            _teach(sampler, ids, result, losses)

    def _watch(
        self, watcher: Watcher, ids: Any, result: StepResult | None, losses: Tensor | None
    ) -> None:
        if result is None:
            watcher.update(ids, losses=losses)
        else:
            watcher.update(ids, result.indices, losses=result.losses, trained=result.trained)

    def end_epoch(self, step: int, world_size: int) -> dict[str, float]:
        """Exchange what ranks have learned; returns the summary, and hands it to the writer."""
        self._exchange(world_size)
        if self.watcher is None:
            return {}
        summary = self.watcher.summary()
        self.watcher.clear_losses()
        if self.writer is not None:
            self.writer.write(step, summary)
        return summary

    def _exchange(self, world_size: int) -> None:
        if world_size > 1 and isinstance(self.sampler, ImportanceSampler):
            self.sampler.exchange()

    def state_dict(self) -> dict[str, Any]:
        """Return the states of the parts."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, state: dict[str, Any], world_size: int) -> None:
        """Go on from a state that `state_dict` returned; all ranks together."""
        parts = self._parts()
        if set(parts) != set(state):
            raise InvalidOption(
                f"the checkpoint holds {', '.join(state) or 'nothing'} of a selection, but the "
                f"callback has {', '.join(parts) or 'nothing'}"
            )
        for name, part in parts.items():
            part.load_state_dict(state[name])
        if parts.get("sampler") and not state["sampler"]["batches_done"]:
            self._exchange(world_size)  # the end of the epoch may not have come before it was saved

    def _parts(self) -> dict[str, Any]:
        parts = {"sampler": self.sampler, "step": self.step, "watcher": self.watcher}
        return {name: part for name, part in parts.items() if part is not None}


def _teach(
    sampler: ImportanceSampler, ids: Any, result: StepResult | None, losses: Tensor | None
) -> None:
    if result is not None and result.losses is not None:
        sampler.update(ids, losses=result.losses)
    elif result is not None:
        samples = ids_of(ids).to(result.indices.device, non_blocking=True)
        sampler.update(samples[result.indices], losses=result.trained)
    elif losses is not None:
        sampler.update(ids, losses=losses)
    else:
        raise InvalidOption(
            f"sampler {sampler.name!r} learns from the losses of each sample, but the training "
            "step returned none; return {'loss': ..., 'losses': ...} or {..., 'selection': result}"
        )
