"""Batch selection across ranks: sums and a few candidates are exchanged, not batches."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Generator, Tensor

from subsetopt._checks import is_integer
from subsetopt.errors import InvalidProblem

from ._ranks import gathered, mixed_seed, require_same, world_of
from .rules._candidates import Candidates
from .search._joint import Around, exchange_jointly

_CANDIDATES = 512
"""Samples of each rank that others see; of more candidates as many exchanges are looked at."""


class Asked(NamedTuple):
    """What a rank is asked to choose from, and how many."""

    losses: Tensor | None
    features: Tensor | None  # where the rule looks at them
    seen: Tensor | None  # those of both that it chooses by
    n: int
    device: torch.device
    size: int | None


def asked(
    rule: Any,
    losses: Tensor | None,
    k: int | float | None,
    features: Tensor | None,
    n: int | None,
    device: torch.device | str | None,
) -> Asked:
    """Return what a distributed rule looks at on this rank; raises where its shape is wrong."""
    shape, at = rule._placed(losses, features, n, device)
    if len(shape) != 1:
        raise InvalidProblem(
            f"losses have shape {tuple(shape)}; scope='global' takes one batch (n,)"
        )
    features = features if rule.needs == "features" or rule.takes_features else None
    if features is not None and features.shape[:1] != shape:
        raise InvalidProblem(f"features have shape {tuple(features.shape)} for {shape[0]} losses")
    k = min(k, shape[0]) if rule.ragged and k is not None and is_integer(k) else k
    seen = losses if features is None else features
    seen = None if rule.needs == "nothing" else seen
    return Asked(losses, features, seen, shape[0], at, rule.rule.size(k, shape[0]))


class _Own(NamedTuple):
    """What a rank tells the others, as rows of one tensor (rows, d) of float64."""

    sums: Tensor  # (5, d): how many are finite, their mean, squares; chosen ones, their sum
    seen: Tensor  # (m, d): candidates for exchanges, the chosen ones first


def on_all_ranks(work: Callable[[], Any], asks: bool, group: Any) -> Any:
    """Return what `work` does; what it refuses on one rank, all refuse, if the others are asked."""
    refused = None
    try:
        done = work()
    except InvalidProblem as error:
        refused = error
    world = world_of(group)[1]
    if world > 1 and asks:
        everyone = gathered(torch.tensor([int(refused is not None)]), [1] * world, group)
        if everyone.any():
            told: list[Any] = [None] * world
            dist.all_gather_object(told, None if refused is None else str(refused), group=group)
            first = next(at for at, one in enumerate(told) if one is not None)
            raise InvalidProblem(f"{told[first]}; on rank {first}") from refused
    if refused is not None:
        raise refused
    return done


def generator_of_rank(own: Generator, group: Any) -> Generator:
    """Return one for this rank, drawn from one that is in the same state on all of them.

    On a GPU, which would be waited for, they draw alike: each from its own batch.
    """
    rank, world = world_of(group)
    if world == 1 or own is None or own.device.type != "cpu":
        return own
    drawn = int(torch.randint(2**31, (), generator=own))
    return Generator().manual_seed(mixed_seed(drawn, rank))


def balanced(given: Candidates, chosen: Tensor, scale: str, check: bool, group: Any) -> Tensor:
    """Return this rank's choice (k,) after exchanges that bring the mean of all to that of all.

    One collective of some 512 rows a rank, whatever n is; up to that n it is as if all were sent.

    Parameters
    ----------
    given : Candidates, (1, n)
        Of this rank; n and k are the same on all. Where they have labels, exchanges are within a
        class.
    chosen : Tensor of int64, (k,)
        Sorted places that this rank has chosen by itself.
    scale : {"standardise", "none"}
        Whether each feature counts in standard deviations over all ranks.
    check : bool
        Compare what the ranks have come to.
    """
    points = given.needed[0][:, None] if given.features is None else given.features[0]
    rank, world = world_of(group)
    n, k = len(points), len(chosen)
    if world == 1 or k == n:
        return chosen
    places, out = _candidates(chosen, n)
    own = _of_rank(points, chosen, places)
    sent = torch.cat([own.sums, own.seen])
    kinds = None
    if given.labels is not None:  # integers: not to be rounded as numbers are
        kinds = given.labels[0].to(points.device)[places].view(torch.float64)
        sent = torch.cat([sent, kinds[:, None].expand(-1, points.shape[1])])
    everyone = gathered(sent, [len(sent)] * world, group).view(world, *sent.shape)
    sums, seen = everyone[:, :5], everyone[:, 5 : 5 + len(places)]
    if kinds is not None:
        kinds = everyone[:, 5 + len(places) :, 0].contiguous().view(torch.int64)
    mean, factor = _mean(sums), None
    if given.features is not None and scale == "standardise":
        factor = _factors(sums, mean, points.dtype)
    start = torch.arange(out, device=points.device).expand(world, out).contiguous()
    found = exchange_jointly(seen, start, kinds, _around(sums, seen[:, :out], mean, factor))
    if check:
        require_same(found, world, group)
    kept = torch.ones(n, dtype=torch.bool, device=points.device)
    kept[places[:out]] = False
    stays = torch.where(kept[chosen], 0, n)  # those that were no candidates stay; no waiting here
    both = torch.cat([chosen + stays, places[found[rank]]])
    return both.sort().values[:k]


def _candidates(chosen: Tensor, n: int) -> tuple[Tensor, int]:
    """Return up to 512 places, evenly spread over the chosen and then the free; how many are."""
    k = len(chosen)
    out = min(k, max(_CANDIDATES // 2, _CANDIDATES - (n - k)))
    coming = min(n - k, _CANDIDATES - out)
    taken = torch.zeros(n, dtype=torch.int64, device=chosen.device)
    before = taken.index_fill(0, chosen, 1).bitwise_xor_(1).cumsum(0)  # free ones up to each place
    wanted = _spread(coming, n - k, chosen.device) + 1
    free = torch.searchsorted(before, wanted)
    return torch.cat([chosen[_spread(out, k, chosen.device)], free]), out


def _spread(count: int, size: int, device: torch.device) -> Tensor:
    return torch.arange(count, device=device) * size // max(1, count)


def _of_rank(points: Tensor, chosen: Tensor, places: Tensor) -> _Own:
    """Return sums over what is finite, each row for each coordinate, and the candidates."""
    exact = points.double()
    finite = torch.isfinite(exact.sum(1, keepdim=True)).expand_as(exact)
    count = finite.sum(0).double()
    mean = torch.where(finite, exact, 0.0).sum(0) / count.clamp(min=1)
    squares = torch.where(finite, exact - mean, 0.0).square().sum(0)
    taken = torch.where(finite, exact, 0.0)[chosen].sum(0)
    sums = torch.stack([count, mean, squares, finite[chosen].sum(0).double(), taken])
    return _Own(sums, exact[places])


def _mean(sums: Tensor) -> Tensor:
    """Return the mean of all ranks (d,)."""
    return (sums[:, 0] * sums[:, 1]).sum(0) / sums[:, 0].sum(0).clamp(min=1)


def _factors(sums: Tensor, mean: Tensor, dtype: torch.dtype) -> Tensor:
    """Return one over the standard deviation over all ranks (d,), of a constant 0."""
    apart = sums[:, 0] * (sums[:, 1] - mean).square()
    variance = (sums[:, 2] + apart).sum(0) / sums[:, 0].sum(0).clamp(min=1)
    constant = variance <= (mean * (8.0 * torch.finfo(dtype).eps)).square()
    return torch.where(constant, 0.0, variance.rsqrt())


def _around(sums: Tensor, out: Tensor, mean: Tensor, scale: Tensor | None) -> Around:
    """Return the mean, and what the chosen that are no candidates have more than their share."""
    counted = torch.isfinite(out.sum(2, keepdim=True)).expand_as(out)
    total = sums[:, 4].sum(0) - torch.where(counted, out, 0.0).sum((0, 1))
    rest = total - (sums[:, 3].sum(0) - counted.sum((0, 1))) * mean
    return Around(mean, rest if scale is None else rest * scale, scale)
