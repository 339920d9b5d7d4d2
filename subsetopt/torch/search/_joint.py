"""Exchanges within several batches that bring the mean of all they choose to the mean of all."""

from typing import NamedTuple

import torch
from torch import Tensor

_ROUNDS = 8
_PAIRS = 2**18  # looked at in each round


class Around(NamedTuple):
    """What is known of points that are not given."""

    mean: Tensor
    """Of all points (d,), those that are given among them."""
    rest: Tensor
    """The sum (d,) of ``(x - mean) * scale`` over the chosen that are not given."""
    scale: Tensor | None = None
    """What each coordinate is multiplied with (d,)."""


def exchange_jointly(
    points: Tensor, chosen: Tensor, classes: Tensor | None = None, around: Around | None = None
) -> Tensor:
    """Return the chosen places after exchanges that bring the joint mean closer to that of all.

    Each of up to 8 rounds carries out the best of the exchanges within the batches, if it helps:
    of all, or where there are more than 2**18 (for d = 1, 2**15),
    of those of some of the chosen, in turns.

    Parameters
    ----------
    points : Tensor, (R, n, d)
        Of R batches; one that is not finite counts for nothing, and is not exchanged in.
    chosen : Tensor of int64, (R, k)
    classes : Tensor, (R, n), optional
        Exchanges are within a class then, so that each batch keeps its counts.
    around : Around, optional
        Where the points are some of more, whose mean is to be matched.

    Returns
    -------
    Tensor of int64, (R, k)
        Sorted, unique places. The distance of the two means never grows.

    Notes
    -----
    ``O(min(R k n, 2**18) d)`` a round, in double precision. On a GPU nothing is waited for.
    """
    ranks, n, d = points.shape
    k = chosen.shape[1]
    if (ranks == 1 and around is None) or k == n:
        return chosen
    free = torch.ones((ranks, n), dtype=torch.int8, device=points.device).scatter_(1, chosen, 0)
    places = free.argsort(dim=1, stable=True)  # the chosen ones first
    centred, squares, barred = _prepared(points, places, around)
    rest = 0.0 if around is None else around.rest
    # An exchange leaves them where they are.
    kinds = None if classes is None else classes.to(points.device).gather(1, places)
    most = _PAIRS if d > 1 else _PAIRS // 8  # single numbers are matched well by then
    width = min(k, max(1, most // (ranks * (n - k))))
    for turn in range(_ROUNDS):
        first = min(turn * width % k, k - width)
        total = centred[:, :k].sum((0, 1)) + rest
        pair = _best(centred, squares, barred, total, k, first, width, kinds)
        leaving, coming = centred.flatten(0, 1)[pair]
        helps = (total - leaving + coming).square().sum() < total.square().sum()
        if kinds is not None:
            helps &= kinds.flatten()[pair].diff()[0] == 0
        if points.device.type == "cpu" and width == k and not helps:
            break
        for held in (centred, squares, barred, places):
            flat = held.flatten(0, 1)
            both = flat.index_select(0, pair)
            flat.index_copy_(0, pair, torch.where(helps, both.flip(0), both))
    return places[:, :k].sort(1).values


def _prepared(
    points: Tensor, places: Tensor, around: Around | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return differences from the mean, their squared lengths, and what bars from being chosen."""
    finite = torch.isfinite(points.sum(2, keepdim=True))
    exact = torch.where(finite, points, 0.0).double()
    if around is None:
        mean, scale = exact.sum((0, 1)) / finite.sum().clamp(min=1), None
    else:
        mean, _, scale = around
    centred = torch.where(finite, exact - mean, 0.0)
    centred = centred if scale is None else centred * scale
    centred = centred.gather(1, places[:, :, None].expand_as(centred))
    barred = torch.where(finite[:, :, 0], 0.0, torch.inf).gather(1, places)
    return centred, centred.square().sum(2), barred


def _best(
    centred: Tensor,
    squares: Tensor,
    barred: Tensor,
    total: Tensor,
    k: int,
    first: int,
    width: int,
    kinds: Tensor | None,
) -> Tensor:
    """Return the two places, in all batches as one, whose exchange shortens the sum most."""
    n = centred.shape[1]
    along = 2.0 * (centred @ total)
    out = slice(first, first + width)
    change = torch.bmm(centred[:, out], centred[:, k:].mT).mul_(-2.0)
    change += (squares - along)[:, out, None]
    change += (squares + along + barred)[:, None, k:]
    if kinds is not None:
        change.masked_fill_(kinds[:, out, None] != kinds[:, None, k:], torch.inf)
    best = change.flatten().argmin()
    start = best // (width * (n - k)) * n
    leaving, coming = best // (n - k) % width, best % (n - k)
    return torch.stack([start + first + leaving, start + k + coming])
