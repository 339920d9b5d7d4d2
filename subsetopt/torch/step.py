"""One training step on a part of the batch: choose, forward the chosen, return their loss."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn

from subsetopt._checks import is_integer, require
from subsetopt.errors import InvalidOption, InvalidProblem

from ._batch_labels import LabelSource, labels_of
from ._batches import batch_size as size_of
from ._batches import device_of_batch, take
from ._isolation import Isolation, Mode, device_of, plain_model
from .budgets import Budget, as_budget
from .recorded import RecordedLosses
from .rules import Rule, RuleFunction, rule
from .rules._candidates import require_shape
from .rules.base import PROBABILITIES

__all__ = ["StepResult", "SubsetStep", "supervised"]

LossFunction = Callable[[Any, Any], Tensor]


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """The chosen samples, and the loss to differentiate."""

    loss: Tensor
    """The mean of the chosen losses; with weights, their weighted sum. Call `backward` on it."""
    indices: Tensor
    """The places (m,) of the chosen samples in the batch, sorted."""
    batch: Any
    """The chosen samples, built as the batch is."""
    batch_size: int
    """How many samples there were."""
    losses: Tensor | None
    """Losses (n,) that the rule chose by, of the selection pass or recorded; or None."""
    trained: Tensor
    """The losses (m,) of the training pass, without graph."""
    weights: Tensor | None
    """Weight of each chosen loss in `loss`, ``1 / (n p)``; None for the mean."""

    @property
    def size(self) -> int:
        """How many samples were chosen."""
        return len(self.indices)

    @property
    def whole(self) -> bool:
        """Whether all were, without a choice."""
        return self.size == self.batch_size


class SubsetStep:
    """Chooses the samples of a batch that are worth a backward pass, and forwards only these.

    ``result = step(batch)``, then ``result.loss.backward()``. Optimizer, scaler, clipping and
    logging stay yours. Where the rule needs losses a selection pass over the whole batch comes
    first, without gradients and without a trace: see `Isolation`. A batch that is to be trained on
    whole is neither passed twice nor copied.

    Parameters
    ----------
    model : nn.Module
        Compiled or wrapped in DistributedDataParallel as it may be; the selection pass goes past
        the wrapper.
    loss_fn : callable
        ``loss_fn(model, batch)`` returns the losses (n,), one per sample, for batches of any build
        and any size; call the model that is given. `supervised` makes one for ``(x, y)``.
    rule : Rule, str or function
    k : int, float, Budget or None
        How many, a share of the batch, or a schedule. An integer above the size of a batch
        means all of it. None leaves it to the rules that choose the number themselves.
    features : callable, optional
        ``features(model, batch)`` returns (n, d), for the rules that need them. What needs no model
        is ``features(batch)``, a function of one argument that must not call it: no selection pass
        is made, and of the model nothing is put back but the state of the random numbers.
    recorded : RecordedLosses, optional
        Choose by these instead of a selection pass, and record the losses of each training pass.
    reweight : bool
        Weigh the chosen losses so that the expected gradient is that of the whole batch, for rules
        with probabilities.
    selection_mode : {"train", "eval"}
        Leave the model in its mode for the selection pass, or put it into evaluation.
    autocast : torch.dtype, optional
        The precision of the selection pass, such as ``torch.bfloat16``.
    transform : callable, optional
        Makes the batch cheaper for the selection pass, a lower resolution for example.
    total_steps : int, optional
        How many steps there will be, for schedules in shares of the training.
    generator : torch.Generator, optional
        Passed to the rule, on the device of the losses; None is the rule's own.
    quotas : "proportional" or int, optional
        How many of each class are chosen, see `Rule`, for a rule given by its name.
    labels : callable or key, optional
        Where the classes are, for a rule with quotas: ``labels(batch)`` returns (n,) integers, or
        they are ``batch[labels]``. None: the last part of a tuple or list, "labels" of a mapping.

    Raises
    ------
    InvalidOption
        At once, for options that do not fit each other.
    """

    def __init__(
        self,
        model: nn.Module,
        loss_fn: LossFunction,
        rule: Rule | str | RuleFunction = "obftf",
        k: int | float | Budget | None = None,
        *,
        features: LossFunction | Callable[[Any], Tensor] | None = None,
        recorded: RecordedLosses | None = None,
        reweight: bool = False,
        selection_mode: Mode = "train",
        autocast: torch.dtype | None = None,
        transform: Callable[[Any], Any] | None = None,
        total_steps: int | None = None,
        generator: Generator | None = None,
        quotas: str | int | None = None,
        labels: LabelSource = None,
    ) -> None:
        require(
            "selection_mode", selection_mode, selection_mode in ("train", "eval"), "train or eval"
        )
        self.model, self.loss_fn = model, loss_fn
        self.rule = _ready(rule, quotas)
        self.budget = None if k is None else as_budget(k)
        self.features, self.recorded, self.reweight = features, recorded, reweight
        self.transform, self.generator, self.labels = transform, generator, labels
        self.total_steps = total_steps
        self.steps = 0
        """How many steps have been made."""
        self._isolated = Isolation(selection_mode, autocast)
        self._calls_model = features is None or not _of_one(features)
        self._require_fit()

    def __call__(self, batch: Any, *, ids: Any = None, batch_size: int | None = None) -> StepResult:
        """Choose from `batch` and forward what is chosen.

        Parameters
        ----------
        batch
            Tensors, or anything built of them: see `subsetopt.torch._batches`.
        ids : Tensor or sequence, optional
            The names of its samples, for `recorded`.
        batch_size : int, optional
            How many samples it holds, where its tensors do not agree.

        Raises
        ------
        InvalidProblem
            For a batch whose size is unclear, or losses that are not one per sample.
        """
        n = size_of(batch) if batch_size is None else batch_size
        self._require_ids(ids)
        k = self._size(n)
        if self._whole(k, n, ids):
            indices, losses = torch.arange(n, device=self._device(batch)), None
            chosen, weights = batch, None
        else:
            labels = None if self.rule.quotas is None else labels_of(batch, self.labels, n)
            indices, losses = self._choose(batch, k, n, ids, labels)
            chosen = take(batch, indices, n)
            weights = self._weights(indices, losses, k, n, labels)
        trained = _per_sample(self.loss_fn(self.model, chosen), len(indices))
        self._record(ids, indices, trained, n)
        self.steps += 1
        return StepResult(
            loss=trained.mean() if weights is None else (weights.to(trained) * trained).sum(),
            indices=indices,
            batch=chosen,
            batch_size=n,
            losses=losses,
            trained=trained.detach(),
            weights=weights,
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the steps made, and the states of the rule, its generator and the records."""
        return {
            "steps": self.steps,
            "rule": self.rule.state_dict(),
            "generator": None if self.generator is None else self.generator.get_state(),
            "recorded": None if self.recorded is None else self.recorded.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` returned.

        Raises
        ------
        InvalidOption
            If it is of another rule, or one has records or a generator and the other has not.
        """
        for name in ("generator", "recorded"):
            if (state[name] is None) != (getattr(self, name) is None):
                raise InvalidOption(f"{name} is part of only one: the state or this step")
        self.rule.load_state_dict(state["rule"])
        if self.generator is not None:
            self.generator.set_state(state["generator"].cpu())
        if self.recorded is not None:
            self.recorded.load_state_dict(state["recorded"])
        self.steps = state["steps"]

    # -- the parts of a step ----------------------------------------------------------------------

    def _size(self, n: int) -> int | float | None:
        if self.budget is None:
            return None
        k = self.budget(self.steps, self.total_steps)
        return min(k, n) if is_integer(k) else k

    def _whole(self, k: int | float | None, n: int, ids: Any) -> bool:
        """Return whether there is nothing to choose."""
        if self.rule.takes_all(k, n):
            return True
        recorded = self.recorded
        if recorded is None or recorded.unknown != "keep":
            return False
        return not bool(recorded.known(ids).all())

    def _choose(
        self, batch: Any, k: int | float | None, n: int, ids: Any, labels: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Return the chosen places, and the losses they were chosen by."""
        given: dict[str, Any] = {"generator": self.generator}
        if labels is not None:
            given["labels"] = labels
        if self.rule.needs == "nothing":
            return self.rule(k=k, n=n, device=self._device(batch), **given), None
        if self.recorded is not None:
            losses = _per_sample(self.recorded.lookup(ids), n)
            return self.rule(losses, k, **given), losses
        model = plain_model(self.model)
        found = self._isolated(self._scores, model, batch, called=self._calls_model)
        if self.features is None:
            losses = _per_sample(found, n)
            return self.rule(losses, k, **given), losses
        if len(found) != n:
            raise InvalidProblem(
                f"features must have a row for each of {n} samples; got shape {tuple(found.shape)}"
            )
        return self.rule(k=k, features=found, **given), None

    def _scores(self, model: Any, batch: Any) -> Tensor:
        """Return what the rule chooses by: losses or features."""
        seen = batch if self.transform is None else self.transform(batch)
        function: Any = self.features or self.loss_fn
        scores: Tensor = function(model, seen) if self._calls_model else function(seen)
        return scores

    def _weights(
        self,
        indices: Tensor,
        losses: Tensor | None,
        k: int | float | None,
        n: int,
        labels: Tensor | None,
    ) -> Tensor | None:
        # After the choice: a rule with a memory has then taken in these losses, as when it chose.
        given: dict[str, Any] = {} if labels is None else {"labels": labels}
        return self.rule.weights(indices, losses, k, n=n, reweight=self.reweight, **given)

    def _record(self, ids: Any, indices: Tensor, trained: Tensor, n: int) -> None:
        if self.recorded is not None:
            self.recorded.update(ids if len(indices) == n else take(ids, indices, n), trained)

    def _device(self, batch: Any) -> torch.device:
        return device_of_batch(batch) or device_of(self.model)

    def _require_ids(self, ids: Any) -> None:
        if (ids is None) != (self.recorded is None):
            raise InvalidOption(
                "ids are missing; recorded losses are found by them: step(batch, ids=...)"
                if ids is None
                else "ids are given, but no recorded=RecordedLosses(...) to look them up in"
            )

    def _require_fit(self) -> None:
        made = self.rule
        given, needed = self.features is not None, made.needs == "features"
        if needed > given or given > (needed or made.takes_features):
            verb = "does not take" if given else "needs"
            raise InvalidOption(f"rule {made.name!r} {verb} features=")
        if self.recorded is not None and (made.needs != "losses" or given):
            raise InvalidOption(
                f"rule {made.name!r} does not choose by losses; leave out recorded="
            )
        keeps = self.recorded is not None and self.recorded.unknown == "keep"
        if keeps and getattr(made, "scope", "local") == "global":
            raise InvalidOption(
                "recorded losses with unknown='keep' train whole batches on some ranks, while "
                "scope='global' chooses on all at once; give unknown='mean' or a number"
            )
        if self.budget is None:
            made.size(None, 2)
        else:
            self.budget(0, self.total_steps)
        if self.labels is not None and made.quotas is None:
            raise InvalidOption(
                f"labels are given, but rule {made.name!r} has no quotas that would look at them; "
                "give quotas='proportional', or so many of each class, or leave out labels="
            )
        if self.reweight and not made._has_probabilities(given=self.budget is not None):
            raise InvalidOption(
                f"{made._asking} defines no probabilities to weigh by for this k; {PROBABILITIES}"
            )


def supervised(criterion: Callable[[Any, Any], Tensor]) -> LossFunction:
    """Return the loss function ``criterion(model(*inputs), target)`` of ``(*inputs, target)``.

    Losses of several dimensions, one per pixel or token, are averaged for each sample.

    Parameters
    ----------
    criterion : callable
        With ``reduction="none"``, such as ``nn.CrossEntropyLoss(reduction="none")``.

    Raises
    ------
    InvalidOption
        If it has another reduction.
    """
    reduction = getattr(criterion, "reduction", "none")
    require("reduction of the criterion", reduction, reduction == "none", "'none'")

    def losses(model: Any, batch: Any) -> Tensor:
        if not isinstance(batch, tuple | list) or len(batch) < 2:
            raise InvalidProblem(
                f"the batch is a {type(batch).__name__}, not (*inputs, target); write a function "
                "loss_fn(model, batch) that returns one loss per sample"
            )
        *inputs, target = batch
        found = criterion(model(*inputs), target)
        return found.flatten(1).mean(1) if found.ndim > 1 else found

    return losses


def _of_one(function: Callable[..., Any]) -> bool:
    """Return whether a function takes one argument by its place, and no other."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    by_place = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(by_place) == 1 and all(p.kind != p.VAR_POSITIONAL for p in parameters)


def _ready(given: Rule | str | RuleFunction, quotas: str | int | None) -> Rule:
    if not isinstance(given, Rule):
        return rule(given, quotas=quotas)
    if quotas is not None:
        raise InvalidOption(
            f"quotas={quotas!r} are given with a rule; set them where it is made, as in "
            f"rule({given.name!r}, quotas={quotas!r})"
        )
    return given


def _per_sample(losses: Any, n: int) -> Tensor:
    """Return `losses` if there is one per sample."""
    require_shape(losses)
    if losses.shape != (n,):
        raise InvalidProblem(
            f"losses must have shape ({n},), one per sample; got {tuple(losses.shape)}: average "
            f"over tokens or pixels, or give batch_size= if {n} is wrong"
        )
    checked: Tensor = losses
    return checked
