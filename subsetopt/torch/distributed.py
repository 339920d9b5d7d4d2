"""Choosing in several processes: each from its own batch, or one choice from the batches of all."""

from itertools import accumulate
from typing import Any, Literal, NamedTuple

import torch
import torch.distributed as dist
from torch import Generator, Tensor

from subsetopt._checks import require
from subsetopt.errors import InvalidOption, InvalidProblem, UnsupportedProblem

from ._balancing import Asked, asked, balanced, generator_of_rank, on_all_ranks
from ._ranks import DistributedChoice, exchanged_sizes, gathered, mixed_seed, require_same, world_of
from .rules import Rule, RuleFunction
from .rules import rule as made_rule
from .rules._candidates import Candidates
from .rules._class_quotas import checked_labels

__all__ = ["DistributedRule"]

_MATCHING = ("obftf", "obftf_exact", "vector", "frank_wolfe")
"""Rules whose chosen samples are to have the mean of all, so that ranks can make up for another."""


_SHARED = ("name", "needs", "fixed_size", "takes_features", "has_probabilities", "equal_chances")
"""What a rule declares of itself, which holds in several processes too."""


class _Everyone(NamedTuple):
    """Candidates and sizes of all ranks."""

    given: Candidates  # (1, N), rank after rank
    sizes: list[int]
    wanted: list[int | None]


class DistributedRule(Rule):
    """A rule in each of several processes, called as the rule itself is.

    DistributedDataParallel averages gradients over ranks. With the weights of `choose`, or with the
    mean wherever all ranks train on equally many, that average is the gradient of the mean loss of
    all chosen samples. A world of one, also without `torch.distributed`, is served too.

    Parameters
    ----------
    rule : Rule, str or function
    scope : {"local", "global"}
        "local": each rank chooses its k of its own n; nothing is sent. Its generator is seeded with
        ``seed + 2654435769 * rank``, so that ranks do not draw alike. "global": losses, or features
        where the rule looks at those, are gathered in one collective, and every rank computes the
        same choice, of k for each rank.
    group : ProcessGroup, optional
        None is the default group.
    balance : bool
        With scope "global". False: what the rule chooses from all batches as one, however it falls
        on the ranks. A rank on which nothing falls gets one sample of weight zero, for its part in
        the backward pass. Use the weights; on a GPU the counts are waited for. True: k on each
        rank, for rules that match a mean; each rank's own mean is matched first, then up to 8
        exchanges within ranks bring the mean of all chosen closer to the mean of all.
    ragged : bool
        Ranks may have different n, which takes another collective and waits for the device; a whole
        number k counts as n where that is smaller. Without balance only.
    check : bool
        Compare n, k and the rule between ranks at each call, not only at the first, and what they
        have chosen; and see `Rule`.

    Raises
    ------
    InvalidOption
        For options that do not fit each other, a process group that is missing though WORLD_SIZE
        says there are others, and ranks that differ.
    """

    def __init__(
        self,
        rule: Rule | str | RuleFunction,
        scope: Literal["local", "global"] = "local",
        group: Any = None,
        *,
        balance: bool = True,
        ragged: bool = False,
        check: bool = False,
    ) -> None:
        require("scope", scope, scope in ("local", "global"), "'local' or 'global'")
        self.scope, self.group = scope, group
        self.balance, self.ragged = balance and scope == "global", ragged
        self.last: DistributedChoice | None = None
        """The last choice, with its weights."""
        self._agreed = False
        self._saved: dict[str, Tensor] = {}
        self._saved_by: int | None = None
        self.rule = rule if isinstance(rule, Rule) else made_rule(rule)
        given: dict[str, Any] = {"check": check or self.rule.check, "quotas": self.rule.quotas}
        super().__init__(seed=self.rule.seed, **given)
        for declared in _SHARED:
            setattr(self, declared, getattr(self.rule, declared))
        if isinstance(self.rule, DistributedRule):
            raise InvalidOption("rule is a DistributedRule already; give the rule inside it")
        if self.balance and self.name not in _MATCHING:
            raise InvalidOption(
                f"rule {self.name!r} with k on each rank is what each rank chooses by itself: use "
                "scope='local', or balance=False for the choice from the batches of all; balanced "
                f"are {', '.join(_MATCHING)}"
            )
        if ragged and (self.balance or scope == "local"):
            raise InvalidOption(
                "ragged=True is for scope='global' with balance=False: the same k out of different "
                "n would give the samples of small batches more weight"
            )

    def __repr__(self) -> str:
        return f"DistributedRule({self.rule!r}, scope={self.scope!r}, balance={self.balance})"

    def __call__(
        self,
        losses: Tensor | None = None,
        k: int | float | None = None,
        **given: Any,
    ) -> Tensor:
        """Return the indices of `choose`; its weights are then in `last`."""
        return self.choose(losses, k, **given).indices

    def choose(
        self,
        losses: Tensor | None = None,  # what `Rule.__call__` takes, spelled out for editors
        k: int | float | None = None,
        *,
        features: Tensor | None = None,
        labels: Tensor | None = None,
        n: int | None = None,
        device: torch.device | str | None = None,
        generator: Generator | None = None,
    ) -> DistributedChoice:
        """Choose, with scope "global" on all ranks at once: each of them has to call it.

        Parameters
        ----------
        losses : Tensor, (n,), optional
            Of this rank; with scope "local" also (B, n).
        k : int or float, optional
            How many on this rank, or on average over the ranks; or a share.
        features : Tensor, (n, d), optional
        labels : Tensor of integers, (n,), optional
            Classes, for a rule with quotas: of this rank's batch, or with scope "global" and
            without balance, of the batches of all.
        n : int, optional
        device : torch.device or str, optional
            As of `Rule`.
        generator : torch.Generator, optional
            With scope "global" in the same state on all ranks. None is the rule's own.

        Raises
        ------
        InvalidProblem
            As by the rule itself; with scope "global", for losses that are not finite on any rank,
            on all of them.
        """
        if self.scope == "global":
            own = self._own(losses, k, features, n, device)
            if self.balance:
                self.last = self._choose_balanced(own, labels, generator)
            else:
                everyone = self._labelled(self._everyone(own), labels)
                self.last = self._choose_from_all(everyone, generator)
        else:
            given: dict[str, Any] = {"features": features, "n": n, "device": device}
            indices = super().__call__(losses, k, labels=labels, generator=generator, **given)
            share = torch.full(indices.shape, 1.0 / indices.shape[-1], device=indices.device)
            self.last = DistributedChoice(indices=indices, weights=share, total=None, samples=None)
        return self.last

    def probabilities(
        self,
        losses: Tensor | None = None,
        k: int | float | None = None,
        *,
        labels: Tensor | None = None,
        n: int | None = None,
        device: torch.device | str | None = None,
    ) -> Tensor:
        """Return the probability of each sample of this rank; scope "global" gathers for it."""
        if self.scope == "local":
            return self.rule.probabilities(losses, k, labels=labels, n=n, device=device)
        everyone = self._labelled(self._everyone(self._own(losses, k, None, n, device)), labels)
        total = None if k is None else sum(size or 0 for size in everyone.wanted)
        rank, _ = world_of(self.group)
        first = sum(everyone.sizes[:rank])
        all_ = everyone.given
        known, classes = (None if one is None else one[0] for one in (all_.losses, all_.labels))
        chances = self.rule.probabilities(
            known, total, labels=classes, n=all_.shape[1], device=all_.device
        )
        return chances[first : first + everyone.sizes[rank]]

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
        reweight : bool
            By ``1 / (N p)``, so that the expected gradient is that of the N samples of all ranks.
        """
        if self.scope == "local" or self.last is None:
            return self.rule.weights(indices, losses, k, reweight=reweight, n=n, labels=labels)
        if not reweight:
            return None if self.balance else self.last.weights
        assert self.last.samples is not None
        chances = self.probabilities(losses, k, labels=labels, n=n, device=indices.device)
        chances = chances[indices]
        world = world_of(self.group)[1]
        scaled = world / (self.last.samples * chances)
        return torch.where(self.last.weights > 0, scaled, 0.0)  # a filler's chance may be none

    def observe(self, *, accuracy: float) -> None:
        """Pass the training accuracy on; with scope "global", the mean over the ranks.

        Raises
        ------
        UnsupportedProblem
            If the rule inside does not learn from it.
        """
        if not hasattr(self.rule, "observe"):
            raise UnsupportedProblem(f"rule {self.name!r} does not learn from the accuracy")
        if self.scope == "global" and world_of(self.group)[1] > 1:
            found: list[Any] = [None] * world_of(self.group)[1]
            dist.all_gather_object(found, float(accuracy), group=self.group)
            wrong = [share for share in found if not 0.0 <= share <= 1.0]  # told on all ranks
            accuracy = wrong[0] if wrong else sum(found) / len(found)
        self.rule.observe(accuracy=accuracy)

    def state_dict(self) -> dict[str, Any]:
        """Return the states of the rule and of the generator.

        With scope "global" it is the same on all ranks. With scope "local" each rank has its own;
        a rank that is given that of another goes on with random numbers of its own all the same.
        """
        made = {device.type: own.get_state() for device, own in self._generators.items()}
        return {
            "rule": self.name,
            "scope": self.scope,
            "rank": world_of(self.group)[0] if self.scope == "local" else None,
            "generators": {**self._saved, **made},
            "inside": self.rule.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` returned, on any rank and device of the same type.

        Raises
        ------
        InvalidOption
            If it is the state of another rule or scope.
        """
        if state.get("scope") != self.scope:
            raise InvalidOption(f"the state has scope {state.get('scope')!r}, not {self.scope!r}")
        self.rule.load_state_dict(state["inside"])
        self._generators.clear()
        self._saved = {kind: saved.cpu() for kind, saved in state["generators"].items()}
        self._saved_by = state["rank"]

    # -- the parts --------------------------------------------------------------------------------

    def _choose(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        return self.rule._chosen(given, k, generator or self._own_generator(given.device))

    def _chosen(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        return self._choose(given, k, generator)  # the rule inside keeps its quotas itself

    def _choose_from_all(
        self, everyone: _Everyone, generator: Generator | None
    ) -> DistributedChoice:
        rank, world = world_of(self.group)
        given, sizes = everyone.given, everyone.sizes
        size: Any = None if None in everyone.wanted else sum(filter(None, everyone.wanted))
        chosen = self._choose(given, size, generator)
        first = sum(sizes[:rank])
        ends = torch.tensor([first, first + sizes[rank]], device=chosen.device)
        start, stop = torch.searchsorted(chosen[0], ends).tolist()
        indices, total = chosen[0, start:stop] - first, chosen.shape[1]
        if self.check:
            require_same(chosen, world, self.group)
        weights = torch.full(indices.shape, world / total, device=indices.device)
        if not len(indices):
            indices = torch.zeros(1, dtype=torch.int64, device=chosen.device)
            if given.losses is not None:  # a finite loss: zero times another would be no zero
                own = torch.isfinite(given.losses[0, first : first + sizes[rank]])
                indices = own.int().argmax().view(1)
            weights = torch.zeros(1, device=chosen.device)
        return DistributedChoice(indices=indices, weights=weights, total=total, samples=sum(sizes))

    def _choose_balanced(
        self, own: Asked, labels: Tensor | None, generator: Generator | None
    ) -> DistributedChoice:
        """Choose k from this rank's batch, and exchange some for what is missing on all."""
        world = world_of(self.group)[1]
        self._sizes(own, world)
        shape = torch.Size((own.n,))
        drawing = generator_of_rank(generator or self._own_generator(own.device), self.group)

        def work() -> tuple[Candidates, Tensor]:
            check = self.check or self.quotas is not None
            given = self.rule._given(own.losses, own.features, shape, own.device, check)
            if self.quotas is not None:
                given = given._replace(labels=checked_labels(labels, shape, self._asking))
            size: Any = own.size
            return given, self._choose(given, size, drawing)

        asks = self.check or self.quotas is not None or own.device.type == "cpu"
        given, chosen = on_all_ranks(work, asks, self.group)
        scale = getattr(self.rule, "scale", "none")
        indices = balanced(given, chosen[0], scale, self.check, self.group)
        weights = torch.full(indices.shape, 1.0 / len(indices), device=indices.device)
        total = len(indices) * world
        return DistributedChoice(
            indices=indices, weights=weights, total=total, samples=own.n * world
        )

    def _labelled(self, everyone: _Everyone, labels: Tensor | None) -> _Everyone:
        """Return the same with the labels of all ranks, which takes a collective, for quotas."""
        if self.quotas is None:
            return everyone
        rank, _ = world_of(self.group)
        own = checked_labels(labels, torch.Size((everyone.sizes[rank],)), self._asking)[0]
        found = gathered(own, everyone.sizes, self.group)
        return everyone._replace(given=everyone.given._replace(labels=found[None]))

    def _own(self, *given: Any) -> Asked:
        """Return what the rule looks at on this rank."""
        return asked(self, *given)

    def _everyone(self, own: Asked) -> _Everyone:
        """Return what the rule looks at, of all ranks; one collective if their sizes agree."""
        _, world = world_of(self.group)
        seen = own.seen
        sizes, wanted = self._sizes(own, world)
        whole = None if seen is None else gathered(seen.detach(), sizes, self.group)
        total = torch.Size((sum(sizes),))
        try:
            check = self.check or self.quotas is not None
            both = (whole, None) if own.features is None else (None, whole)
            given = self.rule._given(both[0], both[1], total, own.device, check)
        except InvalidProblem as error:
            starts = list(accumulate(sizes, initial=0))[:-1]
            raise InvalidProblem(f"{error}; all ranks as one, from places {starts} on") from None
        return _Everyone(given, sizes, wanted)

    def _sizes(self, own: Asked, world: int) -> tuple[list[int], list[int | None]]:
        """Return n and k of all ranks; asks them only at the first call, if checked, or ragged."""
        seen, n, size = own.seen, own.n, own.size
        if world == 1 or (self._agreed and not self.check and not self.ragged):
            return [n] * world, [size] * world
        self._agreed = True
        kind = "" if seen is None else f"{seen.dtype} {tuple(seen.shape[1:])}"
        setting = f"{self.name} {self.seed} {self.ragged} {self.quotas} {kind}"
        return exchanged_sizes(n, size, setting, self.ragged, own.device, self.group)

    def takes_all(self, k: int | float | None, n: int) -> bool:
        """Return whether there is nothing to choose, on this rank and elsewhere."""
        return self.rule.takes_all(k, n) and super().takes_all(k, n)

    def _given(self, *given: Any) -> Candidates:
        return self.rule._given(*given)

    def size(self, k: int | float | None, n: int) -> int | None:
        """Return how many of n on each rank; None, also where ranks may differ in n."""
        size = self.rule.size(k, n)
        return None if self.ragged else size  # no rank may go on without the others

    def _own_generator(self, device: torch.device) -> Generator:
        if device in self._generators:
            return self._generators[device]
        made = super()._own_generator(device)
        rank, _ = world_of(self.group)
        if self.scope == "local":
            made.manual_seed(mixed_seed(self.seed, rank))
        saved = self._saved.pop(device.type, None)
        if saved is not None:
            made.set_state(saved)
            if self._saved_by not in (None, rank):
                drawn = torch.randint(2**31, (), generator=made, device=device)
                made.manual_seed(mixed_seed(int(drawn), rank))
        return made
