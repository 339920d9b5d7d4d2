"""Quotas: how many of each class a rule chooses, and any rule class by class."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from subsetopt._checks import is_integer
from subsetopt.errors import InvalidOption, InvalidProblem, InvalidResult
from subsetopt.torch.search._class_counts import ClassCounts

from ._candidates import Candidates

if TYPE_CHECKING:
    from .base import Rule

_NO_CLASS = -1
_FEW = 1024
"""Up to so many classes more than samples are counted by their numbers."""


class ClassQuota(NamedTuple):
    """How many of each class of a batch have to be chosen, and whether these are all."""

    codes: NDArray[np.int64]
    """The class (n,) of each sample, 0..classes-1."""
    lower: NDArray[np.int64]
    """How many of each (classes,)."""
    exact: bool
    """Whether no more may be; else the rest of k is of any class."""

    @property
    def least(self) -> ClassCounts:
        """The minima as counts."""
        return ClassCounts(self.codes, self.lower)

    def repaired(self, chosen: Tensor) -> ClassCounts | None:
        """Return counts near those of a choice that keep the minima; None if it does itself.

        For what it lacks, classes lose that have most above their minimum.
        """
        found = np.bincount(self.codes[chosen.numpy()], minlength=len(self.lower))
        counts = np.maximum(found, self.lower)
        if (counts == found).all():
            return None
        for _ in range(int(counts.sum() - len(chosen))):
            counts[(counts - self.lower).argmax()] -= 1
        return ClassCounts(self.codes, counts)


def require_quotas(quotas: object) -> None:
    """Raise InvalidOption unless they are "proportional", an integer >= 1, or None."""
    if quotas is None or (isinstance(quotas, str) and quotas == "proportional"):
        return
    if is_integer(quotas) and int(quotas) >= 1:  # type: ignore[call-overload]
        return
    raise InvalidOption(
        "quotas must be 'proportional', an integer >= 1 for so many of each class at least, or "
        f"None; got {quotas!r}"
    )


def checked_labels(labels: object, shape: torch.Size, asking: str) -> Tensor:
    """Return class labels as (B, n) on the CPU; `asking` says in messages who needs them."""
    wanted = f"a tensor of integers of shape {tuple(shape)}, one class for each sample"
    if labels is None:
        raise InvalidProblem(f"{asking} needs labels, {wanted}; none are given")
    if not isinstance(labels, Tensor):
        raise InvalidProblem(
            f"labels must be {wanted}; got a {type(labels).__name__}: number the classes, and "
            "convert with torch.as_tensor(labels)"
        )
    got = f"{str(labels.dtype).removeprefix('torch.')} of shape {tuple(labels.shape)}"
    if labels.is_floating_point() or labels.is_complex():
        fix = "labels.argmax(-1)" if labels.shape[:-1] == shape else "labels.long()"
        raise InvalidProblem(f"labels must be {wanted}; got {got}: convert with {fix}")
    if labels.shape != shape:
        raise InvalidProblem(f"labels must be {wanted}; got {got}")
    rows = labels.detach().to("cpu", torch.int64)
    return rows if rows.ndim == 2 else rows[None]


def quota_of(
    labels: NDArray[np.int64], k: int, quotas: str | int, generator: Generator
) -> ClassQuota:
    """Return the quota of a batch; what k leaves undecided is drawn.

    Parameters
    ----------
    labels : ndarray of int64 (n,)
        Negative ones are all of no class.
    """
    codes, sizes, least = _minima(labels, 0 if quotas == "proportional" else int(quotas))
    drawn = torch.rand(len(sizes) + 1, generator=generator, dtype=torch.float64).numpy()
    if quotas == "proportional":
        return ClassQuota(codes, _proportional(sizes, k, drawn), True)
    return ClassQuota(codes, _within(least, k, drawn), False)


def chances_of(labels: NDArray[np.int64], k: int, least: int) -> NDArray[np.float64]:
    """Return the chance (n,) of each sample to be among k, of which `least` are of each class.

    For a rule under which all samples are alike: first of each class, then of all that is left.
    """
    codes, sizes, wanted = _minima(labels, least)
    level, spare = _even(wanted, k)
    first = np.minimum(wanted, level).astype(np.float64)
    above = wanted > level
    if above.any():
        first[above] += spare / np.count_nonzero(above)
        spare = 0
    chances = first / sizes
    chances += (1.0 - chances) * spare / max(1.0, len(labels) - first.sum())
    return chances[codes]


def _minima(
    labels: NDArray[np.int64], least: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the class (n,) of each sample, and how many each class has, and has to give."""
    known = np.maximum(labels, _NO_CLASS)
    most = int(known.max())
    if most < _FEW + len(known):  # numbers of classes, not of anything: no need to sort
        found = np.bincount(known + 1)
        places = found.nonzero()[0]
        classes, sizes = places - 1, found[places]
        codes = (found > 0).cumsum()[known + 1] - 1
    else:
        classes, codes = np.unique(known, return_inverse=True)
        sizes = np.bincount(codes)
    return codes, sizes, np.where(classes == _NO_CLASS, 0, np.minimum(sizes, least))


def _even(least: NDArray[np.int64], k: int) -> tuple[int, int]:
    """Return at which level minima can be cut off to be no more than k, and what is left of k."""
    level = int(least.max())
    while np.minimum(least, level).sum() > k:
        level -= 1
    return level, k - int(np.minimum(least, level).sum())


def _proportional(
    sizes: NDArray[np.int64], k: int, drawn: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return k counts, each the share ``k size / n`` rounded up or down, on average the share.

    Systematic sampling: the remainders are laid end to end in random order, and a class gets one
    more where a point of a comb with a random start falls on its remainder.
    """
    n = int(sizes.sum())
    counts, remainders = np.divmod(k * sizes, n)
    order = drawn[:-1].argsort()
    ends = remainders[order].cumsum()
    teeth = -((int(drawn[-1] * n) - ends) // n)  # points of start + n Z, start >= 0, before the end
    teeth[1:] -= teeth[:-1].copy()
    counts[order] += teeth
    return counts


def _within(least: NDArray[np.int64], k: int, drawn: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the minima; where they exceed k, k in all, as even as can be and else at random."""
    level, spare = _even(least, k)
    counts, above = np.minimum(least, level), np.flatnonzero(least > level)
    if len(above):
        counts[above[drawn[above].argsort()[:spare]]] += 1
    return counts


def choose_by_quota(rule: "Rule", given: Candidates, k: int, generator: Generator | None) -> Tensor:
    """Return the sorted indices (B, k) that a rule chooses under its quotas, row by row.

    It is done on the CPU, wherever the samples are: the numbers of a class are known there alone,
    and small operations take a GPU longer.
    """
    if "torch._dynamo" in sys.modules and not _OUTSIDE:  # loaded by whoever compiles, in a second
        _OUTSIDE.append(torch.compiler.disable(_chosen_rows))  # type: ignore[no-untyped-call]
    chosen: Tensor = (_OUTSIDE[0] if _OUTSIDE else _chosen_rows)(rule, given, k, generator)
    return chosen


_OUTSIDE: list[Callable[..., Tensor]] = []
"""`_chosen_rows` as torch.compile leaves it alone: it has no graph, and calls compiled loops."""


def _chosen_rows(rule: "Rule", given: Candidates, k: int, generator: Generator | None) -> Tensor:
    assert given.labels is not None
    assert rule.quotas is not None
    here, own = given.to("cpu"), _on_the_cpu(rule, generator)
    chosen = []
    for row, labels in enumerate(given.labels.numpy()):
        one = here.row(row)
        quota = quota_of(labels, k, rule.quotas, own)
        found = rule._choose_by_quota(one, quota, k, own)
        found.numpy().sort()
        chosen.append(found)
    rows = chosen[0][None] if len(chosen) == 1 else torch.stack(chosen)
    return rows.to(given.device)


def _on_the_cpu(rule: "Rule", generator: Generator | None) -> Generator:
    """Return a generator on the CPU: the rule's own, that given, or one that it has seeded."""
    if generator is None:
        return rule._own_generator(torch.device("cpu"))
    if generator.device.type == "cpu":
        return generator
    seed = torch.randint(2**62, (), generator=generator, device=generator.device)
    return Generator().manual_seed(int(seed))


def choose_by_class(
    rule: "Rule", one: Candidates, quota: ClassQuota, k: int, generator: Generator
) -> Tensor:
    """Return k of a row: of each class what the rule chooses within it, and so of the rest."""
    order = torch.from_numpy(quota.least.order)
    begins, counts, ends = (part.tolist() for part in quota.least.ranges)
    chosen = torch.cat(
        [
            _of(rule, one, order[begin:end], count, generator)
            for begin, count, end in zip(begins, counts, ends, strict=True)
            if count
        ]
        or [order[:0]]
    )
    if len(chosen) < k:
        left = torch.ones(one.shape[1], dtype=torch.bool)
        left[chosen] = False
        rest = left.nonzero()[:, 0]
        chosen = torch.cat([chosen, _of(rule, one, rest, k - len(chosen), generator)])
    return chosen


def choose_by_counts(
    rule: "Rule",
    one: Candidates,
    quota: ClassQuota,
    k: int,
    generator: Generator,
    match: Callable[[ClassCounts], Tensor],
) -> Tensor:
    """Return what `match` chooses, under the exact counts of the quota.

    Of minima, under counts near those of the rule's own choice, or that where it keeps them.
    """
    if quota.exact:
        return match(quota.least)
    found = rule._choose(one, k, generator)[0]
    within = quota.repaired(found)
    return found if within is None else match(within)


def _of(rule: "Rule", one: Candidates, places: Tensor, count: int, generator: Generator) -> Tensor:
    """Return so many of the places, as the rule chooses."""
    if count == len(places):
        return places
    found = rule._choose(one.at(places), count, generator)
    if found.shape != (1, count):
        raise InvalidResult(
            f"rule {rule.name!r} chose indices of shape {tuple(found.shape)} where (1, {count}) "
            "was asked for; quotas are for rules whose _choose returns (B, k)"
        )
    return places[found[0]]
