"""Selection in Lightning: epochs, checkpoints and logs of samplers, steps and watchers."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from subsetopt._dependencies import OptionalDependency
from subsetopt.torch._watching import Watcher, Writer
from subsetopt.torch.samplers import EpochBatchSampler
from subsetopt.torch.step import StepResult, SubsetStep

from ._selection import Selection

__all__ = ["SelectionCallback"]

LIGHTNING = OptionalDependency("lightning", "lightning", ">=2.5.1", extra="lightning")
# Before, its own counts of a run that is resumed in the middle of an epoch are wrong.
_Callback: Any = LIGHTNING.load("pytorch").Callback
_KEY = "subsetopt"


class SelectionCallback(_Callback):  # type: ignore[misc]
    """Carries a selection along in a Trainer of Lightning.

    It sets the epoch of the batch sampler, which the Trainer does for no batch sampler; keeps
    sampler, step and watcher in the checkpoints, so that a run that is resumed in the middle of an
    epoch goes on with exactly the remaining batches; and logs the watcher's summary as
    ``selection/...``. With several devices it needs ``Trainer(use_distributed_sampler=False)`` and
    a sampler made with the rank.

    For watchers and importance samplers ``training_step`` returns a dictionary: besides
    ``loss``, as ``selection`` what `SubsetStep` returned, or as ``losses`` one loss per sample.

    Parameters
    ----------
    sampler : EpochBatchSampler, optional
        The ``batch_sampler`` of the training DataLoader.
    step : SubsetStep, optional
        The one that ``training_step`` calls.
    watcher : Watcher, optional
    writer : Writer, optional
    ids : callable, optional
        ``ids(batch)`` returns the indices of its samples in the data set; with a sampler they are
        known without.

    Raises
    ------
    MissingDependency
        On import of the module, if Lightning is not installed.
    InvalidOption
        If the parts do not fit each other, the ranks of the trainer, or a checkpoint.
    """

    def __init__(
        self,
        sampler: EpochBatchSampler | None = None,
        step: SubsetStep | None = None,
        watcher: Watcher | None = None,
        writer: Writer | None = None,
        ids: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__()
        self.selection = Selection(sampler, step, watcher, writer, ids)

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Check the ranks."""
        self.selection.require_ranks(trainer.world_size, trainer.global_rank)

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Set the epoch."""
        fix = "let it look again, with Trainer(reload_dataloaders_every_n_epochs=1)"
        self.selection.begin_epoch(trainer.current_epoch, trainer.num_training_batches, fix)

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count the batch, and feed watcher and sampler."""
        told: Mapping[str, Any] = outputs if isinstance(outputs, Mapping) else {}
        result: StepResult | None = told.get("selection")
        losses: Tensor | None = told.get("losses")
        self.selection.batch_done(batch_idx, batch, result, losses)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Exchange what the ranks have learned, and log."""
        summary = self.selection.end_epoch(trainer.global_step, trainer.world_size)
        for name, value in summary.items():
            pl_module.log(f"selection/{name}", value, sync_dist=trainer.world_size > 1)

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Put the states of all ranks into the checkpoint."""
        states: list[Any] = [self.selection.state_dict()] * trainer.world_size
        if trainer.world_size > 1:
            torch.distributed.all_gather_object(states, self.selection.state_dict())
        checkpoint[_KEY] = states

    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Take the state of this rank out of it; a checkpoint without one is begun with."""
        states = checkpoint.get(_KEY)
        if states is not None:
            self.selection.require_ranks(len(states), trainer.global_rank)
            self.selection.load_state_dict(states[trainer.global_rank], trainer.world_size)
