"""Matching the mean of vectors by exchanges: batched, with fixed shapes.

Rows are held as differences from their mean, the chosen ones first: an exchange swaps two rows and
changes no shape. No step reads a value on the host. For the CPU there is `compiled`, which looks at
some of the exchanges in turns, and takes the best of each turn.
"""

import math

import torch
from torch import Tensor

NEVER = 1e30
"""Stands for the squared length of a vector that is not finite: no exchange with it helps."""

_PAIRS = 2**20  # exchanges looked at in a round, for each row of the batch

TILT = 0.25
"""Weight of the noise in the relaxation, relative to the spread of a random choice."""


def match_vectors(vectors: Tensor, k: int, *, rounds: int, start: Tensor | None) -> Tensor:
    """Return k of n in each batch, whose mean is close to the mean of all in Euclidean distance.

    Each round carries out the best of all exchanges of a chosen for a free vector, if it helps;
    where there are more than a million pairs, the best among some of the chosen, in turns.

    Parameters
    ----------
    vectors : Tensor, (B, n, d)
        float32 or float64. A vector that is not finite counts for nothing, and is chosen only when
        fewer than k are finite.
    k : int
        How many, 1 <= k <= n.
    rounds : int
        How many exchanges at most.
    start : Tensor of int64 (B, k), or None
        Distinct places, finite where there are enough. None starts greedily, from one vector after
        another that brings the sum closest to k times the mean.

    Returns
    -------
    Tensor of int64, (B, k)
        Sorted, unique indices.

    Notes
    -----
    ``O(min(k n, 2**20) d)`` a round. With ``c`` the differences from the mean and ``t`` the sum of
    those chosen, i out and j in changes ``|t|**2`` by
    ``(|c_i|**2 - 2 t c_i) + (|c_j|**2 + 2 t c_j) - 2 c_i c_j``.
    """
    batches, n, _ = vectors.shape
    if k == n:
        return torch.arange(n, device=vectors.device).expand(batches, n).contiguous()
    centred, squares = centred_rows(vectors)
    chosen = _greedy(centred, squares, k) if start is None else start
    return _exchanged(centred, squares, chosen, rounds).sort(1).values


def random_start(vectors: Tensor, k: int, noise: Tensor) -> Tensor:
    """Return the k places (B, k) of the largest noise (B, n), finite vectors before others."""
    finite = torch.isfinite(vectors.sum(2))  # one that overflows would not do either
    return torch.where(finite, noise, -1.0).topk(k).indices


def centred_rows(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Return the differences from the mean (B, n, d), and their squared lengths (B, n)."""
    finite = torch.isfinite(vectors.sum(2, keepdim=True))
    held = finite.sum(1, keepdim=True).clamp(min=1)
    mean = torch.where(finite, vectors, 0.0).sum(1, keepdim=True) / held
    centred = torch.where(finite, vectors - mean, 0.0)
    squares = torch.where(finite[:, :, 0], centred.square().sum(2), NEVER)
    return centred, squares


def products(rows: Tensor, vector: Tensor) -> Tensor:
    """Return the inner products (B, n) of rows (B, n, d) with one vector (B, d)."""
    return torch.bmm(rows, vector[:, :, None])[:, :, 0]


def _taken(rows: Tensor, places: Tensor) -> Tensor:
    """Return the rows at places (B, m), as (B, m, d)."""
    return rows.gather(1, places[:, :, None].expand(-1, -1, rows.shape[2]))


def sum_of(rows: Tensor, places: Tensor) -> Tensor:
    """Return the sum (B, d) of the rows at places (B, m)."""
    return _taken(rows, places).sum(1)


def _greedy(centred: Tensor, squares: Tensor, k: int) -> Tensor:
    """Return the places (B, k) taken one after another, each bringing the sum closest to zero."""
    total = torch.zeros_like(centred[:, 0])
    cost = squares.clone()
    places = []
    for _ in range(k):
        place = torch.add(cost, products(centred, total), alpha=2.0).argmin(1, keepdim=True)
        places.append(place)
        cost.scatter_(1, place, 2 * NEVER)
        total = total + _taken(centred, place)[:, 0]
    return torch.cat(places, 1)


def _chosen_first(chosen: Tensor, n: int) -> Tensor:
    """Return a permutation (B, n) of the places that begins with the chosen ones (B, k)."""
    free = torch.ones((len(chosen), n), dtype=torch.int8, device=chosen.device)
    return free.scatter_(1, chosen, 0).argsort(dim=1, stable=True)


def _exchanged(centred: Tensor, squares: Tensor, chosen: Tensor, rounds: int) -> Tensor:
    """Return the chosen places (B, k) after so many rounds of best exchanges."""
    n, k = centred.shape[1], chosen.shape[1]
    places = _chosen_first(chosen, n)
    rows, squares = _taken(centred, places), squares.gather(1, places)
    total = rows[:, :k].sum(1)
    most = min(k, max(1, _PAIRS // (n - k)))
    for turn in range(rounds):
        first = turn * most % k
        end = min(k, first + most)
        gain, out, into = _best(rows, squares, total, (first, end), k)
        pair = torch.cat([out, into], 1)
        both = _taken(rows, pair)
        moved = total + both[:, 1] - both[:, 0]
        # Rounding may promise a gain that is none, and two rows would be exchanged for ever.
        helps = (moved.square().sum(1) < total.square().sum(1))[:, None] & (gain < 0)
        source = torch.where(helps, pair.flip(1), pair)
        total = torch.where(helps, moved, total)
        rows = rows.scatter(1, pair[:, :, None].expand_as(both), _taken(rows, source))
        squares = squares.scatter(1, pair, squares.gather(1, source))
        places = places.scatter(1, pair, places.gather(1, source))
    return places[:, :k]


def _best(
    rows: Tensor, squares: Tensor, total: Tensor, block: tuple[int, int], k: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the best change, which of the block goes and which free one comes, (B, 1) each."""
    first, end = block
    along = 2.0 * products(rows, total)
    out = (squares - along)[:, first:end, None]
    into = (squares + along)[:, None, k:]
    change = torch.baddbmm(out + into, rows[:, first:end], rows[:, k:].mT, alpha=-2.0)
    gain, best = change.flatten(1).min(1, keepdim=True)
    free = rows.shape[1] - k
    return gain, first + best // free, k + best % free


def frank_wolfe(vectors: Tensor, k: int, *, steps: int, noise: Tensor) -> Tensor:
    """Return the k of n in each batch that weigh most in a relaxed solution.

    The relaxation minimises ``|sum_i m_i c_i|**2 / 2 - tilt * sum_i m_i noise_i`` over
    ``{0 <= m <= 1, sum m = k}``, where c are the differences from the mean. Steps go from the
    vertex of the k largest `noise` towards the vertex of the k smallest entries of the gradient,
    with exact line search. Without the tilt equal weights k / n would be a solution, and any
    rounding as good as another; with it nearly all weights of the solution are 0 or 1.

    Parameters
    ----------
    vectors, k
        As for `match_vectors`.
    steps : int
        How many steps.
    noise : Tensor, (B, n)
        Numbers from 0 to 1.

    Returns
    -------
    Tensor of int64, (B, k)
        Sorted, unique indices.

    Notes
    -----
    O(n (d + log n)) a step.
    """
    batches, n, _ = vectors.shape
    if k == n:
        return torch.arange(n, device=vectors.device).expand(batches, n).contiguous()
    centred, squares = centred_rows(vectors)
    finite = squares < NEVER
    noise = torch.where(finite, noise.to(squares.dtype), -1.0)
    scale = torch.where(finite, squares, 0.0).mean(1, keepdim=True)
    tilt = scale * (TILT * math.sqrt(k))
    barrier = torch.where(finite, -tilt * noise, NEVER)

    vertex = noise.topk(k).indices
    weights = torch.zeros_like(squares).scatter_(1, vertex, 1.0)
    point, height = sum_of(centred, vertex), noise.gather(1, vertex).sum(1, keepdim=True)
    for _ in range(steps):
        vertex = (barrier + products(centred, point)).topk(k, largest=False).indices
        direction = sum_of(centred, vertex) - point
        rise = noise.gather(1, vertex).sum(1, keepdim=True) - height
        gain = tilt * rise - (point * direction).sum(1, keepdim=True)
        length = gain / direction.square().sum(1, keepdim=True).clamp(min=1e-30)
        length = length.clamp(0.0, 1.0)
        point = torch.addcmul(point, length, direction)
        height = torch.addcmul(height, length, rise)
        weights = (weights * (1.0 - length)).scatter_add_(1, vertex, length.expand(-1, k))
    return torch.add(weights, noise, alpha=1e-6).topk(k).indices.sort(1).values
