"""Rules that rank losses, or draw uniformly."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Generator, Tensor

from subsetopt._checks import require
from subsetopt._options import documented, option
from subsetopt.errors import InvalidOption

from ._by_chance import ByChance, alone_too
from ._candidates import Candidates, by_numpy, dtype_of, subset_size
from ._class_quotas import ClassQuota
from .base import Needs, Rule


@documented
@dataclass(kw_only=True, eq=False)
class Uniform(ByChance):
    """Choose k of n without replacement, all subsets equally likely.

    By independent draws each of them has the chance k / n.
    """

    name: ClassVar[str] = "uniform"
    needs: ClassVar[Needs] = "nothing"
    has_probabilities: ClassVar[bool] = True
    equal_chances: ClassVar[bool] = True

    def __call__(
        self,
        losses: Tensor | None = None,
        k: int | float | None = None,
        *,
        n: int | None = None,
        device: torch.device | str | None = None,
        generator: Generator | None = None,
        **given: Any,
    ) -> Tensor:
        """Choose k of n, see `Rule`; from numbers alone, on the CPU, one row is drawn at once."""
        plain = losses is None and not given and generator is None and self.quotas is None
        if plain and type(n) is int and n > 0 and (device is None or torch.device(device) == _CPU):
            size: Any = k if type(k) is int and 0 < k <= n else self.size(k, n)
            return self._choose(Candidates((1, n), _CPU), size, None)[0]
        return super().__call__(losses, k, n=n, device=device, generator=generator, **given)

    def _choose(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        if self.draws == "independent":
            chances = torch.full(given.shape, k / given.shape[1], device=given.device)
            return self._each(given, chances, generator)
        own = generator or self._own_generator(given.device)
        return in_order(draw(given, k, own))

    def _choose_by_quota(
        self, one: Candidates, quota: ClassQuota, k: int, generator: Generator
    ) -> Tensor:
        """Choose the first of each class in a random order, and the rest by one more draw."""
        order = torch.randperm(one.shape[1], generator=generator).numpy()
        by_class = order[quota.codes[order].argsort(kind="stable")]
        first = quota.least.first
        chosen = by_class[first]
        if len(chosen) < k:
            rest = by_class[~first]
            drawn = torch.randperm(len(rest), generator=generator).numpy()[: k - len(chosen)]
            chosen = np.concatenate([chosen, rest[drawn]])
        return torch.from_numpy(chosen)

    def _probabilities(
        self, losses: Tensor | None, k: int | float | None, shape: torch.Size, device: torch.device
    ) -> Tensor:
        """Return k / n for every sample, and by independent draws what being the only one adds."""
        size: Any = self.size(k, shape[-1])
        chances = torch.full(shape, size / shape[-1], dtype=dtype_of(losses), device=device)
        if self.draws == "exactly":
            return chances
        rows = chances.view(-1, shape[-1])
        return alone_too(rows, torch.ones_like(rows, dtype=torch.bool)).view(shape)


def draw(given: Candidates, k: int, generator: Generator) -> Tensor:
    """Return k random places (B, k) of each row, in random order."""
    if given.shape[0] == 1 and given.device.type == "cpu":
        return torch.randperm(given.shape[1], generator=generator)[:k].unsqueeze(0)
    keys = torch.rand(given.shape, generator=generator, device=given.device)
    return keys.topk(k).indices


@dataclass(kw_only=True, eq=False)
class MaxLoss(Rule):
    """Choose the k highest losses.

    References
    ----------
    One Backward from Ten Forward, "max prob." of Table 3.
    """

    name: ClassVar[str] = "max_loss"

    def _choose(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        return highest(given.needed, k)


def highest(losses: Tensor, k: int) -> Tensor:
    """Return the sorted places (B, k) of the k highest losses; those not finite come last."""
    if not by_numpy(losses):  # else they are all finite
        losses = torch.where(torch.isfinite(losses), losses, -torch.inf)
    return in_order(losses.topk(k).indices)


def in_order(places: Tensor) -> Tensor:
    """Return places (..., k), fresh ones, in ascending order."""
    if not by_numpy(places):
        return places.sort(-1).values
    places.numpy().sort(-1)
    return places


_CPU = torch.device("cpu")


@dataclass(kw_only=True, eq=False)
class StrideRule(Rule):
    """Choose the places ``floor(i * n / (k + 1))``, i = 1..k, of the losses in descending order.

    Equal losses keep their order.

    References
    ----------
    One Backward from Ten Forward, OBFTF_prox in the listing of its appendix.
    """

    name: ClassVar[str] = "stride"

    def _choose(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        losses = given.needed
        finite = torch.isfinite(losses)
        last = torch.where(finite, losses, -torch.inf)
        order = last.sort(dim=1, descending=True, stable=True).indices
        count = finite.sum(1, keepdim=True).clamp(min=k)
        places = torch.arange(1, k + 1, device=losses.device) * count // (k + 1)
        return order.gather(1, places).sort(1).values


@documented
@dataclass(kw_only=True, eq=False)
class MinK(Rule):
    """Choose the k lowest losses, or the lowest of k drawn.

    References
    ----------
    Shah, Wu and Sanghavi, Choosing the Sample with Lowest Loss makes SGD Robust, AISTATS 2020; the
    listing of One Backward from Ten Forward.
    """

    name: ClassVar[str] = "mink"

    reading: Literal["lowest", "drawn"] = option(
        "lowest: the k lowest of the batch. drawn: draw k uniformly and keep the lowest, as "
        "published; so there is one index, whatever k.",
        "lowest",
        choices=("lowest", "drawn"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reading == "drawn" and self.quotas is not None:
            raise InvalidOption(
                f"reading='drawn' chooses one index, of which quotas={self.quotas!r} cannot be "
                "kept; give reading='lowest', or leave out quotas="
            )

    def takes_all(self, k: int | float | None, n: int) -> bool:
        """Return whether there is nothing to choose; one is, also of n drawn."""
        return super().takes_all(k, n) and (n == 1 or self.reading == "lowest")

    def _choose(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        losses = given.needed
        if self.reading == "lowest":
            return highest(-losses, k)
        drawn = draw(given, k, generator or self._own_generator(given.device))
        among = losses.gather(1, drawn)
        lowest = torch.where(torch.isfinite(among), among, torch.inf).argmin(1, keepdim=True)
        return drawn.gather(1, lowest)


@dataclass(kw_only=True, eq=False)
class OrderedSGD(Rule):
    """Choose the q highest losses: q = s, then s/2, s/4, s/8, s/16 as training accuracy rises.

    The k of a call is s, by default n. Each of the `thresholds` that the accuracy given to
    `observe` has reached halves q, which never rises again.

    Parameters
    ----------
    thresholds : tuple of float
        Ascending shares of training samples that are classified correctly.

    References
    ----------
    Kawaguchi and Lu, Ordered SGD, AISTATS 2020; How Important is Importance Sampling for Deep
    Budgeted Training?
    """

    name: ClassVar[str] = "ordered_sgd"

    thresholds: tuple[float, ...] = (0.80, 0.90, 0.95, 0.995)
    _passed: int = field(init=False, repr=False, default=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        rising = list(self.thresholds) == sorted(set(self.thresholds))
        within = all(0.0 < threshold <= 1.0 for threshold in self.thresholds)
        wanted = "ascending shares 0 < t <= 1"
        require("thresholds", self.thresholds, rising and within, wanted)

    def observe(self, *, accuracy: float) -> None:
        """Take note of the training accuracy, a share 0..1, as of the last epoch."""
        if not 0.0 <= accuracy <= 1.0:
            raise InvalidOption(
                f"accuracy must be a share in [0, 1]; got {accuracy!r}: divide percents by 100"
            )
        self._passed = max(self._passed, sum(accuracy >= limit for limit in self.thresholds))

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the generators and how many thresholds have been passed."""
        return {**super().state_dict(), "passed": self._passed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` returned."""
        super().load_state_dict(state)
        self._passed = state["passed"]

    def size(self, k: int | float | None, n: int) -> int:
        """Return q: k, or n without it, halved as often as thresholds have been passed."""
        return max(1, (n if k is None else subset_size(k, n)) >> self._passed)

    def _choose(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        return highest(given.needed, k)
