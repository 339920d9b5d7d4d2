"""Cheap features of samples, for the rules `vector` and `frank_wolfe` to match.

Every function takes one sample per leading index, (n, ...) or (B, n, ...) where it says so, any
precision, inside autocast or not, and returns float32 (float64 for float64) without a graph. None
waits for the device.
"""

from functools import lru_cache
from math import prod

import torch
from torch import Tensor

from subsetopt._checks import require_integer
from subsetopt.errors import InvalidOption, InvalidProblem

__all__ = ["joined", "labels", "last_layer_gradients", "projected", "residuals", "standardised"]


@torch.no_grad()
def labels(y: Tensor, classes: int) -> Tensor:
    """Return the labels one-hot: to match their mean is to draw by strata.

    Parameters
    ----------
    y : Tensor of integers, (...)
        A label outside 0..classes-1, such as -100 for one to ignore, becomes a row of zeros.
    classes : int

    Returns
    -------
    Tensor of float32, (..., classes)
    """
    if y.is_floating_point() or y.is_complex():
        raise InvalidProblem(f"y must be class numbers; got dtype {y.dtype}: use y.long()")
    require_integer("classes", classes, "[1, inf)")
    return (y[..., None] == torch.arange(classes, device=y.device)).float()


@torch.no_grad()
def projected(x: Tensor, dim: int = 16, *, seed: int = 0) -> Tensor:
    """Return a random projection of each sample, the same at every call.

    Parameters
    ----------
    x : Tensor, (n, ...)
        Inputs or embeddings, flattened to (n, D); integers are taken as they are.
    dim : int
        To how many numbers; up to as many, samples are only flattened.
    seed : int
        Of the projection.

    Returns
    -------
    Tensor, (n, min(dim, D))

    Notes
    -----
    O(n D dim). Signs divided by sqrt(dim), which keeps inner products on average: Achlioptas,
    Database-friendly random projections (2003). The signs are kept for the last 32 combinations of
    D, dim, seed, device and dtype.
    """
    require_integer("dim", dim, "[1, inf)")
    if x.ndim < 1:
        raise InvalidProblem("x must have a row for each sample; got a scalar")
    return _compressed(_at_least_single(x).reshape(len(x), prod(x.shape[1:])), dim, seed)


@torch.no_grad()
def residuals(logits: Tensor, y: Tensor) -> Tensor:
    """Return softmax(logits) less the label: the gradient of the cross entropy by the logits.

    Parameters
    ----------
    logits : Tensor, (..., C)
    y : Tensor
        Class numbers (...), or probabilities (..., C).

    Returns
    -------
    Tensor, (..., C)
    """
    scores = _at_least_single(logits)
    if y.is_floating_point() and y.shape == logits.shape:
        wanted = y.to(scores.dtype)
    elif y.shape == logits.shape[:-1] and not y.is_floating_point():
        wanted = labels(y, logits.shape[-1])
    else:
        raise InvalidProblem(
            f"y must be class numbers of shape {tuple(logits.shape[:-1])}, or probabilities of "
            f"shape {tuple(logits.shape)}; got shape {tuple(y.shape)} and dtype {y.dtype}"
        )
    return scores.softmax(-1) - wanted


@torch.no_grad()
def last_layer_gradients(
    logits: Tensor, y: Tensor, hidden: Tensor, dim: int = 16, *, seed: int = 0
) -> Tensor:
    """Return a projection of each sample's gradient by the weights of the last linear layer.

    That gradient is the outer product of the residual and the input of the layer. It is never
    built, unless it has at most `dim` entries: each number is the product of a random projection
    of either factor, which keeps inner products on average.

    Parameters
    ----------
    logits : Tensor, (n, C)
    y : Tensor
        As for `residuals`.
    hidden : Tensor, (n, H)
        What the last layer has been given.
    dim : int
    seed : int
        Of the projections.

    Returns
    -------
    Tensor, (n, min(dim, C H))

    Notes
    -----
    O(n dim (C + H)).
    """
    require_integer("dim", dim, "[1, inf)")
    if logits.ndim != 2 or hidden.ndim != 2 or len(logits) != len(hidden):
        raise InvalidProblem(
            f"logits and hidden must have shapes (n, C) and (n, H); got {tuple(logits.shape)} and "
            f"{tuple(hidden.shape)}: flatten or average what a sample has more of"
        )
    left, right = residuals(logits, y), _at_least_single(hidden)
    if left.shape[1] * right.shape[1] <= dim:
        return (left[:, :, None] * right[:, None, :]).flatten(1)
    with torch.autocast(left.device.type, enabled=False):
        one = torch.mm(left, _signs(left.shape[1], dim, 2 * seed + 1, left.device, left.dtype))
        other = torch.mm(
            right, _signs(right.shape[1], dim, 2 * seed + 2, right.device, right.dtype)
        )
    return torch.div(one * other, dim**0.5)


@torch.no_grad()
def joined(*parts: Tensor, weights: tuple[float, ...] | None = None) -> Tensor:
    """Return features side by side, each part counting as much as its weight says.

    Every feature is standardised, and a part of d features divided by sqrt(d): the squared distance
    of means is then the weighted sum over parts of the average over features. For a rule with
    ``scale="none"``; to standardise again would undo the weights.

    Parameters
    ----------
    *parts : Tensor, (..., n, d)
        Of one shape but for d.
    weights : tuple of float, optional
        At least 0, one for each part; None is 1 for all.

    Returns
    -------
    Tensor, (..., n, sum of d)
    """
    shares = (1.0,) * len(parts) if weights is None else weights
    if not parts or len(shares) != len(parts) or min(shares) < 0:
        raise InvalidOption(
            f"weights must be a number >= 0 for each of {len(parts)} parts; got {weights!r}"
        )
    if any(part.ndim < 2 or part.shape[:-1] != parts[0].shape[:-1] for part in parts):
        shapes = ", ".join(str(tuple(part.shape)) for part in parts)
        raise InvalidProblem(f"parts must have shapes (n, d) with one n; got {shapes}")
    scaled = [
        standardised(part) * (weight / max(1, part.shape[-1])) ** 0.5
        for part, weight in zip(parts, shares, strict=True)
    ]
    return torch.cat(scaled, -1)


@torch.no_grad()
def standardised(features: Tensor) -> Tensor:
    """Return features (..., n, d) less their mean, divided by their standard deviation over n.

    A feature that is the same for all becomes zero. Numbers that are not finite stay so; on a GPU
    they do not touch the others.
    """
    values = _at_least_single(features)
    if values.device.type == "cpu":
        variance, mean = torch.var_mean(values, -2, correction=0, keepdim=True)
        centred = values - mean
    else:
        finite = torch.isfinite(values)
        count = finite.sum(-2, keepdim=True).clamp(min=1)
        mean = torch.where(finite, values, 0.0).sum(-2, keepdim=True) / count
        centred = values - mean
        variance = torch.where(finite, centred, 0.0).square().sum(-2, keepdim=True) / count
    # What is left of a constant by rounding is no spread.
    least = (mean * (8.0 * torch.finfo(values.dtype).eps)).square()
    return centred * torch.where(variance <= least, 0.0, variance.rsqrt())


def _compressed(rows: Tensor, dim: int, seed: int) -> Tensor:
    if rows.shape[1] <= dim:
        return rows
    with torch.autocast(rows.device.type, enabled=False):
        signs = _signs(rows.shape[1], dim, seed, rows.device, rows.dtype)
        return torch.div(torch.mm(rows, signs), dim**0.5)


def _at_least_single(values: Tensor) -> Tensor:
    if values.is_complex():
        raise InvalidProblem(f"features must be real numbers; got dtype {values.dtype}")
    values = values.detach()
    return values if values.dtype == torch.float64 else values.float()


def _signs(size: int, dim: int, seed: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return (size, dim) random signs, the same on every device."""
    return _kept_signs(size, dim, seed, device, dtype)


# What torch.compiler.assume_constant_result does, which loads all of the compiler: a second.
vars(_signs)["_dynamo_marked_constant"] = True


@lru_cache(maxsize=32)
def _kept_signs(size: int, dim: int, seed: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    bits = torch.randint(2, (size, dim), generator=generator, dtype=torch.int8)
    return (2 * bits - 1).to(device=device, dtype=dtype)
