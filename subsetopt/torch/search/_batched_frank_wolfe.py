"""Frank-Wolfe for the relaxation of vector mean matching: batched, with fixed shapes."""

import math

import torch
from torch import Tensor

from ._vector_swaps import NEVER, TILT, centred_rows, products, sum_of


def frank_wolfe(vectors: Tensor, k: int, *, steps: int, noise: Tensor) -> Tensor:
    """Return the k of n in each batch that weigh most in a relaxed solution.

    The relaxation minimises ``|sum_i m_i c_i|**2 / 2 - tilt * sum_i m_i noise_i`` over
    ``{0 <= m <= 1, sum m = k}``, where c are the differences from the mean. Steps go from the
    vertex of the k largest `noise` towards the vertex of the k smallest entries of the gradient,
    with exact line search. Without the tilt equal weights k / n would be a solution, and any
    rounding as good as another; with it nearly all weights of the solution are 0 or 1.

    Parameters
    ----------
    vectors : Tensor, (B, n, d)
        float32 or float64. A vector that is not finite counts for nothing, and is chosen only when
        fewer than k are finite.
    k : int
        How many, 1 <= k <= n.
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
