"""Selection rules: objects that know losses and k, and no model."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Generator, Tensor

from subsetopt import _options
from subsetopt._options import documented, option
from subsetopt.errors import InvalidOption, InvalidProblem, UnsupportedProblem

from ._candidates import (
    Candidates,
    checked,
    dtype_of,
    expected_features,
    place_of,
    subset_size,
)
from ._class_quotas import (
    ClassQuota,
    chances_of,
    checked_labels,
    choose_by_class,
    choose_by_quota,
    require_quotas,
)
from ._replaying import Replays

__all__ = ["Rule", "RuleFunction"]

RuleFunction = Callable[..., Any]
"""``f(losses, k)``: see `rule`."""
Needs = Literal["nothing", "losses", "features"]
PROBABILITIES = "'uniform' does, also with quotas, 'prob' and 'selective_backprop' do for k=None"
"""Which rules define them, for messages."""


@documented
@dataclass(kw_only=True, eq=False)
class Rule(ABC):
    """Base of all rules: declare the class variables, implement `_choose`.

    A subclass is a dataclass whose fields are its options. With `quotas` the candidates that
    `_choose` is given are on the CPU, one row and of one class at a time; what a rule learns from
    the whole batch belongs into `_remember`.

    """

    name: ClassVar[str]
    """The name that `rule` knows it by."""
    needs: ClassVar[Needs] = "losses"
    """Input from a selection pass; "nothing": no pass is necessary."""
    takes_features: ClassVar[bool] = False
    """Whether features may be given that are not needed."""
    fixed_size: ClassVar[bool] = True
    """Whether k has to be given; where not, k=None leaves the number to the rule, and to chance."""
    has_probabilities: ClassVar[bool] = False
    """Whether `probabilities` is defined."""
    equal_chances: ClassVar[bool] = False
    """Whether all samples have the same, so that they are known under quotas as well."""
    waits: ClassVar[bool] = False
    """Whether a choice on a GPU waits for it, so that no graph can be made of it."""

    seed: int = option(
        "Seed of the rule's own generators, one per device, for calls without a generator.", 0, ge=0
    )
    check: bool = option(
        "Look for losses that are not finite on a GPU as well, which waits for the GPU; on the CPU "
        "it is always done. Without it such losses are chosen only when nothing else is left.",
        False,
    )
    graph: bool = option(
        "On a GPU, record a choice as a CUDA graph once its shape has come three times: one launch "
        "instead of 10 to 200. Choices with a generator of the caller's, or without k, are not "
        "recorded.",
        True,
    )
    quotas: str | int | None = option(
        "How many of each class are chosen, by the `labels` of a call. proportional: the share of "
        "the class, k of n, rounded up or down at random, so that on average it is kept. An "
        "integer: at least so many of each class in the batch, or all where it has fewer; where k "
        "is too small for that, as many as it allows, evenly, and of random classes one more. "
        "Negative labels are one class in proportions, and none that has a minimum. Rules that "
        "match a mean do so over the whole choice; others choose within each class, and then the "
        "rest. It is done on the CPU, so a GPU waits, and losses have to be finite there too.",
        None,
    )
    _generators: dict[torch.device, Generator] = field(init=False, repr=False, default_factory=dict)
    _resumed: dict[str, Tensor] = field(init=False, repr=False, default_factory=dict)
    _replays: Replays = field(init=False, repr=False, default_factory=Replays)

    def __post_init__(self) -> None:
        require_quotas(self.quotas)
        _options.check(self)

    def __call__(
        self,
        losses: Tensor | None = None,
        k: int | float | None = None,
        *,
        features: Tensor | None = None,
        labels: Tensor | None = None,
        n: int | None = None,
        device: torch.device | str | None = None,
        generator: Generator | None = None,
    ) -> Tensor:
        """Choose k of n; of losses and features give what the rule `needs`.

        Parameters
        ----------
        losses : Tensor, (n,) or (B, n), optional
            One floating-point number per sample, of any precision; rows are independent. A rule
            that does not need losses looks only at the shape and the device.
        k : int or float, optional
            How many; or a share 0 < r <= 1, which means ``max(1, int(r * n))``.
        features : Tensor, (n, d) or (B, n, d), optional
            For the rules that need them.
        labels : Tensor of integers, (n,) or (B, n), optional
            The class of each sample, for a rule with `quotas`; on any device.
        n : int, optional
            How many there are, for a rule that needs neither, where neither is given, nor labels.
        device : torch.device or str, optional
            Where the indices are to be then; None is the CPU.
        generator : torch.Generator, optional
            On the device of the samples; None is the rule's own. The global one is never used.

        Returns
        -------
        Tensor of int64, (k,) or (B, k)
            Sorted, unique indices on the device of the samples; (m,) where chance decides on m.

        Raises
        ------
        InvalidProblem
            For losses, features or labels that are missing, no such tensor, not finite (see
            `check`), or k outside 1..n.
        InvalidOption
            If k is missing, or the generator is on another device.
        """
        if n is None and self.quotas is not None and isinstance(labels, Tensor):
            n, device = labels.numel(), device or labels.device  # for want of anything else
        shape, at = self._placed(losses, features, n, device)
        given = self._given(losses, features, shape, at, self.check or self.quotas is not None)
        if self.quotas is not None:
            given = given._replace(labels=checked_labels(labels, shape, self._asking))
        size: Any = self.size(k, given.shape[1])  # None only where the rule allows it
        if size is None and given.shape[0] != 1:
            raise InvalidProblem(
                f"losses have shape {tuple(shape)}, but without k rule {self.name!r} keeps a "
                "random number of each row; give k, or one row at a time"
            )
        if generator is not None and generator.device.type != at.type:
            raise InvalidOption(
                f"generator is on {generator.device}, but the losses are on {at}; make "
                f"it with torch.Generator(device={at.type!r})"
            )
        chosen = self._replays(self, given, size, generator)
        return chosen if len(shape) == 2 else chosen[0]

    @abstractmethod
    def _choose(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        """Return the sorted indices (B, k); `given` has what the rule needs, and takes."""

    def _choose_by_quota(
        self, one: Candidates, quota: ClassQuota, k: int, generator: Generator
    ) -> Tensor:
        """Return k indices of one row on the CPU, in any order, that keep the quota."""
        return choose_by_class(self, one, quota, k, generator)

    def _remember(self, given: Candidates) -> None:
        """Take in what a call gives before it chooses, of a rule that learns from it."""
        return

    def _chosen(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        """Return the sorted indices (B, k), under the quotas where labels are given."""
        self._remember(given)
        if given.labels is None:
            return self._choose(given, k, generator)
        return choose_by_quota(self, given, k, generator)

    def size(self, k: int | float | None, n: int) -> int | None:
        """Return how many of n are chosen; None where chance decides.

        Raises
        ------
        InvalidOption
            If the rule needs k, and there is none.
        InvalidProblem
            If k is outside 1..n.
        """
        if k is not None:
            return subset_size(k, n)
        if self.fixed_size or self.quotas is not None:
            raise InvalidOption(f"{self._asking} needs k, an integer or a share of n")
        return None

    def takes_all(self, k: int | float | None, n: int) -> bool:
        """Return whether there is nothing to choose; raises as `size` does."""
        return self.size(k, n) == n

    def probabilities(
        self,
        losses: Tensor | None = None,
        k: int | float | None = None,
        *,
        labels: Tensor | None = None,
        n: int | None = None,
        device: torch.device | str | None = None,
    ) -> Tensor:
        """Return the probability of each sample of being chosen, shaped as `losses` or (n,).

        With them the gradient is unbiased: weigh a chosen loss by ``1 / (n * p)``. The arguments
        are those of a call; proportional quotas need no labels, as they change no probability.

        Raises
        ------
        UnsupportedProblem
            If the rule defines none.
        """
        if not self._has_probabilities(given=k is not None):
            raise UnsupportedProblem(
                f"{self._asking} defines no probabilities of being chosen for k = {k!r}; "
                f"{PROBABILITIES}"
            )
        shape, at = self._placed(losses, None, n, device)
        if self.quotas is None or self.quotas == "proportional":
            return self._probabilities(losses, k, shape, at)
        rows, size = checked_labels(labels, shape, self._asking), self.size(k, shape[-1])
        assert size is not None
        found = [chances_of(row, size, int(self.quotas)) for row in rows.numpy()]
        return torch.tensor(np.stack(found), dtype=dtype_of(losses), device=at).view(shape)

    def _probabilities(
        self,
        losses: Tensor | None,
        k: int | float | None,
        shape: torch.Size,
        device: torch.device,
    ) -> Tensor:
        """Return them, of rules that define any."""
        raise NotImplementedError

    def weights(
        self,
        indices: Tensor,
        losses: Tensor | None,
        k: int | float | None,
        *,
        reweight: bool,
        n: int | None = None,
        labels: Tensor | None = None,
    ) -> Tensor | None:
        """Return what to weigh the losses just chosen with, for their sum; None: take their mean.

        Parameters
        ----------
        indices : Tensor, (m,)
            What the rule has chosen last, with this k.
        losses : Tensor (n,) or None
            What it has chosen by.
        reweight : bool
            By ``1 / (n p)``, so that the expected gradient is that of all n.
        n : int, optional
            How many samples there were, where there are no losses.
        labels : Tensor (n,), optional
            Theirs, for a rule with quotas.
        """
        if not reweight:
            return None
        chances = self.probabilities(losses, k, labels=labels, n=n, device=indices.device)
        return 1.0 / (len(chances) * chances[indices])

    def state_dict(self) -> dict[str, Any]:
        """Return what the rule remembers: the state of its generators, and what it has learned."""
        states = {str(device): made.get_state() for device, made in self._generators.items()}
        return {"rule": self.name, "generators": {**self._resumed, **states}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` returned, on any device of the same type.

        Raises
        ------
        InvalidOption
            If it is the state of another rule.
        """
        if state.get("rule") != self.name:
            raise InvalidOption(
                f"the state is of rule {state.get('rule')!r}, but this one is {self.name!r}"
            )
        self._generators.clear()
        self._replays.clear()
        # Until they are asked for: this machine may not have these devices.
        self._resumed = {device: saved.cpu() for device, saved in state["generators"].items()}

    @property
    def _asking(self) -> str:
        """The rule and its quotas, for messages."""
        with_them = "" if self.quotas is None else f" with quotas={self.quotas!r}"
        return f"rule {self.name!r}{with_them}"

    def _has_probabilities(self, *, given: bool) -> bool:
        """Return whether `probabilities` is defined, with k given or not."""
        known = self.quotas is None or self.equal_chances
        return self.has_probabilities and known and (self.fixed_size or not given)

    # -- for subclasses ---------------------------------------------------------------------------

    def _placed(
        self,
        losses: Tensor | None,
        features: Tensor | None,
        n: int | None,
        device: torch.device | str | None,
    ) -> tuple[torch.Size, torch.device]:
        """Return the shape of the samples and where they are, of whatever is given."""
        if losses is None and features is None and self.needs != "nothing":
            raise InvalidProblem(f"rule {self.name!r} needs {self.needs}; none are given")
        return place_of(losses, features, n, device)

    def _given(
        self,
        losses: Tensor | None,
        features: Tensor | None,
        shape: torch.Size,
        device: torch.device,
        check: bool,
    ) -> Candidates:
        """Return what the rule looks at, checked; see `check` of the rule."""
        takes = self.needs == "features" or self.takes_features
        if self.needs == "losses" and losses is None and not (takes and features is not None):
            raise InvalidProblem(f"rule {self.name!r} needs losses; none are given")
        if takes and features is None:
            wanted = expected_features(shape, device)
            raise InvalidProblem(f"rule {self.name!r} needs features, a tensor of shape {wanted}")
        seen = losses if self.needs == "losses" else None
        return checked(seen, features if takes else None, shape, device, finite=check)

    def _own_generator(self, device: torch.device) -> Generator:
        """Return the rule's own generator on that device."""
        if device not in self._generators:
            made = self._generators[device] = Generator(device).manual_seed(self.seed)
            alike = (name for name in self._resumed if torch.device(name).type == device.type)
            name = str(device) if str(device) in self._resumed else next(alike, None)
            if name is not None:
                made.set_state(self._resumed.pop(name))
        return self._generators[device]
