"""Selection in the Trainer of transformers: a callback, and a Trainer that selects in batches."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader

from subsetopt._dependencies import OptionalDependency
from subsetopt._files import replacing
from subsetopt.errors import InvalidOption, InvalidProblem, UnsupportedProblem
from subsetopt.torch._importance import ImportanceSampler
from subsetopt.torch._watching import Watcher, Writer
from subsetopt.torch.samplers import EpochBatchSampler
from subsetopt.torch.step import StepResult, SubsetStep

from ._selection import Selection

__all__ = ["SelectionTrainerCallback", "SubsetTrainer"]

TRANSFORMERS = OptionalDependency("transformers", "transformers", ">=4.57", extra="huggingface")
ACCELERATE = OptionalDependency("accelerate", "accelerate", extra="huggingface")
_transformers: Any = TRANSFORMERS.load()
ACCELERATE.load()


class SelectionTrainerCallback(_transformers.TrainerCallback):  # type: ignore[misc]
    """Carries a selection along in a Trainer of transformers; `SubsetTrainer` makes its own.

    It sets the epoch of the batch sampler, counts the batches, and keeps sampler, step and watcher
    in a file of each checkpoint, so that a run that is resumed in the middle of an epoch goes on
    with exactly the remaining batches.

    Parameters
    ----------
    selection : Selection
    restore : bool or path
        The checkpoint whose selection a resumed run goes on with. True is the one of that step in
        the output folder, False begins anew.
    """

    def __init__(self, selection: Selection, restore: bool | str | Path = True) -> None:
        self.selection, self.restore = selection, restore
        self.told: tuple[Any, StepResult | None, Tensor | None] = (None, None, None)
        """Of the batch under way: the batch, what was chosen of it, its losses."""
        self._done = 0
        self._batches = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Check the ranks, and restore what a checkpoint holds."""
        self.selection.require_ranks(args.world_size, args.process_index)
        loader = others.get("train_dataloader")
        self._batches = 0 if loader is None else len(loader)
        self._done = 0
        if state.global_step and self.restore is not False:
            self._load(args, state)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Set the epoch."""
        epoch, sampler = int(state.epoch or 0), self.selection.sampler
        fix = "give a budget that stays the same"
        self.selection.begin_epoch(epoch, self._batches, fix)
        more = epoch + 1 < state.num_train_epochs  # the Trainer finds out by division which it is
        if sampler is not None and len(sampler) < self._batches and more:
            raise InvalidOption(
                f"epoch {epoch} has {len(sampler)} batches, but the trainer counts on "
                f"{self._batches} in each; {fix}"
            )

    def on_substep_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Count a batch whose gradient is only accumulated."""
        self.on_step_end(args, state, control, **others)

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Count the batch, and feed watcher and sampler."""
        self.selection.batch_done(self._done, *self.told)
        self._done += 1
        self.told = (None, None, None)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Exchange what the ranks have learned, and write the summary."""
        self.selection.end_epoch(state.global_step, args.world_size)
        self._done = 0

    def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Save the state of this rank with the others of the checkpoint."""
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / _name(args)) as file:
            torch.save(self.selection.state_dict(), file)

    def _load(self, args: Any, state: Any) -> None:
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if not isinstance(self.restore, bool):
            folder = Path(self.restore)
        path = folder / _name(args)
        if not path.exists():
            raise InvalidOption(
                f"{path} does not exist, which holds the selection of the resumed run; give the "
                "folder of the checkpoint as restore=, or restore=False to begin anew"
            )
        held = torch.load(path, map_location="cpu", weights_only=True)
        self.selection.load_state_dict(held, args.world_size)
        sampler = self.selection.sampler
        if sampler is not None:
            sampler.set_epoch(
                sampler.epoch, rewind=True
            )  # the Trainer itself skips what has been there
            self._done = 0 if args.ignore_data_skip else held["sampler"]["batches_done"]


class SubsetTrainer(_transformers.Trainer):  # type: ignore[misc]
    """The Trainer of transformers, training on selected samples only.

    Takes the arguments of Trainer, and keyword arguments of its own. Evaluation is left as it is.

    Parameters
    ----------
    step : SubsetStep, optional
        Chooses within each batch: ``SubsetStep(model, model_losses, "obftf", k=0.25)``.
    sampler : EpochBatchSampler, optional
        The batches of the training data set; its batch size stands for that of the arguments, and
        it has to be made with the rank.
    losses : callable, optional
        Without `step`: ``losses(model, batch)`` returns one loss per sample, and their mean is
        trained on. An importance sampler has to know them; `model_losses` is its default.
    watcher : Watcher, optional
        Its summary is logged with the loss.
    writer : Writer, optional
    ids : callable, optional
        ``ids(batch)`` returns the indices of its samples; with a sampler they are known without.

    Raises
    ------
    MissingDependency
        On import of the module, if transformers or accelerate are not installed.
    InvalidOption
        If the parts do not fit each other, the ranks, or a checkpoint.
    """

    def __init__(
        self,
        *arguments: Any,
        step: SubsetStep | None = None,
        sampler: EpochBatchSampler | None = None,
        losses: Callable[[Any, Any], Tensor] | None = None,
        watcher: Watcher | None = None,
        writer: Writer | None = None,
        ids: Callable[[Any], Any] | None = None,
        **options: Any,
    ) -> None:
        if step is not None and losses is not None:
            raise InvalidOption("give either losses or step, which has its own loss function")
        if isinstance(sampler, ImportanceSampler) and step is None and losses is None:
            losses = model_losses
        self.losses = losses
        self.carried = SelectionTrainerCallback(Selection(sampler, step, watcher, writer, ids))
        super().__init__(*arguments, **options)
        self.add_callback(self.carried)
        if step is not None or losses is not None:
            self.model_accepts_loss_kwargs = False  # ours is a mean over samples of one batch

    def train(self, resume_from_checkpoint: str | bool | None = None, **options: Any) -> Any:
        """Train as Trainer does."""
        if resume_from_checkpoint and not isinstance(resume_from_checkpoint, bool):
            self.carried.restore = resume_from_checkpoint
        return super().train(resume_from_checkpoint=resume_from_checkpoint, **options)

    def get_train_dataloader(self) -> Any:
        """Return the loader of Trainer, with the sampler's batches where there is one."""
        made = super().get_train_dataloader()
        sampler = self.carried.selection.sampler
        if sampler is None:
            return made
        kept = ("collate_fn", "num_workers", "pin_memory", "persistent_workers", "worker_init_fn")
        options = {name: getattr(made, name) for name in (*kept, "prefetch_factor")}
        return DataLoader(made.dataset, batch_sampler=sampler, **options)

    def compute_loss(
        self,
        model: Any,
        inputs: Any,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the mean loss of the chosen samples in training, that of Trainer else."""
        step = self.carried.selection.step
        if return_outputs or not model.training or (step is None and self.losses is None):
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        if step is not None:
            step.model = model  # wrapped by now, where there are several devices
            result = step(inputs)
            self.carried.told = (inputs, result, None)
            return result.loss
        assert self.losses is not None
        losses = self.losses(model, inputs)
        self.carried.told = (inputs, None, losses.detach())
        return losses.mean()

    def log(self, logs: dict[str, float], *rest: Any, **others: Any) -> None:
        """Log as Trainer does, the summary of the watcher included."""
        watcher = self.carried.selection.watcher
        if watcher is not None and "loss" in logs:
            known = watcher.summary().items()
            logs |= {f"selection_{name}": value for name, value in known if value == value}
        super().log(logs, *rest, **others)


def model_losses(model: Any, batch: Any, *, shift: bool = True) -> Tensor:
    """Return the cross-entropy of each sample, from the logits of a model of transformers.

    Logits (n, C) are of classes. Logits (n, T, V) are of tokens: the mean over those of the sample
    whose label is not -100; 0 where there are none.

    Parameters
    ----------
    model : nn.Module
        Called without the labels.
    batch : mapping
        Its keyword arguments, and ``labels``.
    shift : bool
        The logits of a token foretell the next label, as in causal language models. False for
        masked language models, token classification and sequence-to-sequence models.
    """
    if "labels" not in batch:
        raise InvalidProblem(f"the batch has {', '.join(batch)}, but no labels")
    labels = batch["labels"]
    outputs = model(**{name: value for name, value in batch.items() if name != "labels"})
    logits = outputs["logits"]
    if labels.is_floating_point() or logits.ndim != labels.ndim + 1 or logits.ndim > 3:
        raise UnsupportedProblem(
            f"logits have shape {tuple(logits.shape)} and labels {tuple(labels.shape)}, "
            f"{labels.dtype}; write losses(model, batch), which returns one loss per sample"
        )
    if logits.ndim == 2:
        return functional.cross_entropy(logits.float(), labels, reduction="none")
    if shift:
        logits, labels = logits[:, :-1], labels[:, 1:]
    tokens = functional.cross_entropy(logits.float().transpose(1, 2), labels, reduction="none")
    means: Tensor = tokens.sum(1) / (labels != -100).sum(1).clamp(min=1)
    return means


def _name(args: Any) -> str:
    return f"subsetopt-{args.process_index}.pt"
