"""Matching the mean of losses by exchanges, batched, with fixed shapes, in plain torch.

Losses are held as differences from their mean, ascending. A state is a permutation of their
positions, the first k of which are chosen, so that an exchange never changes a shape. No step reads
a value on the host: the same calls are made whatever the numbers are.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

_TILTS = 8  # starts tilted towards either end
_CANDIDATES = 1024  # exchanges looked at in each of two groups
_KEPT = 64  # plans
NEVER = 1e30  # stands for a loss that is not finite: no exchange with it helps


class SwapPlan(NamedTuple):
    """Starts, and the exchanges that are looked at; they depend on n and k alone."""

    slopes: Tensor
    """Positions of the starts are ``(slopes * finite + offsets) // divisor``, (2 T + 1, k)."""
    offsets: Tensor
    divisor: int
    groups: tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]
    """Two disjoint groups of places, each of chosen ones (a,) and free ones (b,); for k = 1 and
    n - 1, where only one exchange can be made, the first group holds all places."""
    turns: tuple[tuple[Tensor, Tensor], ...]
    """For even and for odd rounds, the exchanges of two groups: places out and in, (2, m)."""


_PLANS: dict[tuple[int, int, torch.device], SwapPlan] = {}


def match_mean(losses: Tensor, k: int, *, rounds: int = 2, noise: Tensor | None = None) -> Tensor:
    """Return k of n in each row, whose mean is close to the mean of the row.

    A start is improved by `rounds` double exchanges. Each is the best among the sums of two
    exchanges, one out of each of two groups of about a thousand: 10^6 combinations for one sort
    and one binary search.

    Parameters
    ----------
    losses : Tensor, (B, n)
        float32 or float64. Those that are not finite count for nothing, and are chosen only when
        fewer than k are finite.
    k : int
        How many, 1 <= k <= n.
    rounds : int
        How many double exchanges.
    noise : Tensor (B, n), optional
        Numbers from 0 to 1: start from the k positions where it is largest. None starts from the
        mid-points of k equal strata, or where the sum is far off, tilted towards an end.

    Returns
    -------
    Tensor of int64, (B, k)
        Sorted, unique indices; optimal up to rounding for k = 1 and n - 1.

    Notes
    -----
    One sort of each row, then O(n log n) time and O(n) memory a round: no n x n array.
    """
    n = losses.shape[1]
    if k == n:
        return torch.arange(n, device=losses.device).expand(losses.shape).contiguous()
    finite = losses - losses == 0
    count = finite.sum(1, keepdim=True)
    held = count.clamp(min=1)
    mean = torch.where(finite, losses, 0.0).sum(1, keepdim=True) / held
    centred = torch.where(finite, losses - mean, 0.0)
    total = centred.sum(1, keepdim=True)  # not quite zero, because the mean is rounded
    wanted = total * k / held
    if k == 1:
        error = (wanted - centred).abs()
        return torch.where(finite, error, torch.inf).argmin(1, keepdim=True)
    if k == n - 1:
        error = (wanted - (total - centred)).abs()
        return _without(torch.where(finite, error, -1.0).argmin(1, keepdim=True), n)
    plan = (_plan if torch.compiler.is_compiling() else kept_plan)(n, k, losses.device)
    values, order = torch.where(finite, centred, NEVER).sort(1)
    if noise is None:
        chosen = _stratified(values, wanted, count.clamp(min=k), plan)
    else:
        places = torch.arange(n, device=losses.device)
        chosen = torch.where(places < count, noise, -1.0).topk(k).indices.sort(1).values
    places = _chosen_first(chosen, n)
    for turn in range(rounds):
        places = _exchange(values.gather(1, places), places, wanted, k, *plan.turns[turn % 2])
    return order.gather(1, places[:, :k]).sort(1).values


def _without(left_out: Tensor, n: int) -> Tensor:
    """Return all places (B, n - 1) but one of each row."""
    places = torch.arange(n - 1, device=left_out.device)
    return places + (places >= left_out)


def _stratified(values: Tensor, wanted: Tensor, count: Tensor, plan: SwapPlan) -> Tensor:
    """Return the start (B, k), ascending, whose sum is closest: one in each of k strata."""
    starts = torch.addcmul(plan.offsets, plan.slopes, count[:, :, None]) // plan.divisor
    sums = values.gather(1, starts.flatten(1)).view(starts.shape).sum(2)
    best = (wanted - sums).abs().argmin(1)
    return starts.gather(1, best[:, None, None].expand(-1, 1, starts.shape[2])).squeeze(1)


def _chosen_first(chosen: Tensor, n: int) -> Tensor:
    """Return the permutation (B, n): the chosen positions, then the others, each ascending."""
    rows, k = chosen.shape
    free = torch.arange(n - k, device=chosen.device).expand(rows, -1).contiguous()
    before = (chosen - torch.arange(k, device=chosen.device)).contiguous()
    return torch.cat([chosen, free + torch.searchsorted(before, free, right=True)], 1)


def _exchange(
    values: Tensor, places: Tensor, wanted: Tensor, k: int, first: Tensor, second: Tensor
) -> Tensor:
    """Return the places after the best double exchange, if it helps."""
    missing = wanted - values[:, :k].sum(1, keepdim=True)
    gains, origin = _gains(values, second).sort(1)
    left = missing - _gains(values, first)
    # The nearest gain lies on this side or the other of the middles between neighbours.
    nearest = torch.searchsorted((gains[:, 1:] + gains[:, :-1]) * 0.5, left)
    error, best = (left - gains.gather(1, nearest)).abs().min(1)
    helps = error < missing.abs()[:, 0]
    other = origin.gather(1, nearest.gather(1, best[:, None]))[:, 0]
    moves = torch.stack([first[:, best], second[:, other]])  # (group, out or in, B)
    moved = torch.where(helps, moves.flip(1), moves)
    source, to = moved.flatten(0, 1).T, moves.flatten(0, 1).T
    return places.scatter(1, to, places.gather(1, source))


def _gains(values: Tensor, exchanges: Tensor) -> Tensor:
    """Return by how much each exchange raises the sum, (B, m)."""
    return values.index_select(1, exchanges[1]) - values.index_select(1, exchanges[0])


def _plan(n: int, k: int, device: torch.device) -> SwapPlan:
    """Lay out starts and exchanges on the device; O(T k + n)."""
    tilt = torch.arange(-_TILTS, _TILTS + 1, device=device)[:, None]
    odd = 2 * torch.arange(k, device=device) + 1
    weight, up = tilt.abs(), (tilt > 0) * (2 * k)
    budget = max(_CANDIDATES, n)
    step = 2 if 1 < k < n - 1 else 1
    out, into = -(-k // step), -(-(n - k) // step)
    out = min(out, max(math.isqrt(budget), budget // into))
    into = min(into, budget // out)
    out_a, out_b = (_spread(range(first, k, step), out, device) for first in (0, 1))
    in_a, in_b = (_spread(range(first, n, step), into, device) for first in (k, k + 1))
    return SwapPlan(
        slopes=(_TILTS - weight) * odd + weight * up,
        offsets=weight * k * (odd - up),
        divisor=2 * k * _TILTS,
        groups=((out_a, in_a), (out_b, in_b)),
        turns=tuple(
            (_exchanges(out_a, first), _or_none(_exchanges(out_b, second)))
            for first, second in ((in_a, in_b), (in_b, in_a))
            if step == 2
        ),
    )


def _exchanges(out: Tensor, into: Tensor) -> Tensor:
    """Return all pairs of a place out and a place in, (2, a * b)."""
    return torch.stack([out.repeat_interleave(len(into)), into.repeat(len(out))])


def _or_none(exchanges: Tensor) -> Tensor:
    """Add the exchange of a place for itself."""
    return torch.cat([exchanges, exchanges[:1, :1].expand(2, 1)], 1)


def _spread(places: range, most: int, device: torch.device) -> Tensor:
    """Return at most so many of the places: a quarter from each end, the rest evenly spread.

    The ends count because few large losses carry much of the sum.
    """
    size = len(places)
    if size <= most:
        chosen = torch.arange(size, device=device)
    else:
        low = torch.arange(most // 4, device=device)
        middle, end = most - 2 * len(low), size - len(low)
        inner = torch.arange(middle, device=device) * (end - len(low)) // middle
        chosen = torch.cat([low, len(low) + inner, end + low])
    return places.start + places.step * chosen


def kept_plan(n: int, k: int, device: torch.device) -> SwapPlan:
    """Return the plan, kept from call to call."""
    plan = _PLANS.get((n, k, device))
    if plan is None:
        plan = _plan(n, k, device)
        # While a CUDA graph is captured nothing is computed yet: the plan is part of that graph.
        if device.type != "cuda" or not torch.cuda.is_current_stream_capturing():
            if len(_PLANS) >= _KEPT:
                _PLANS.pop(next(iter(_PLANS)))
            _PLANS[n, k, device] = plan
    return plan
