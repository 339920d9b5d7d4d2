"""Matching the mean of losses in one launch: the search of `mean`, one program for each row.

Importing this module needs Triton, which comes with the CUDA builds of torch. Rule "obftf" uses it
when it is asked to: it gives the right answers under Triton's interpreter and compiles for compute
capability 8.0 and 9.0, in 6 s for n = 128 and 25 s for n = 4096, but has not been run on a GPU.
"""

from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor

from subsetopt._announcing import Announcement
from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidProblem

from . import _mean

triton: Any = OptionalDependency("triton", "triton").load()
tl: Any = OptionalDependency("triton", "triton").load("language")

_COMPILING = Announcement("compiling a kernel in Triton, once per machine for each size of batches")
_COMPILED: set[tuple[Any, ...]] = set()

_MOST = 4096
_KEPT = 64  # layouts
_GENERAL = ["n", "k", "rounds", "divisor", "even_first", "odd_first", "even_second", "odd_second"]
_FAR = tl.constexpr(_mean.NEVER)


def match_mean(losses: Tensor, k: int, *, rounds: int = 2, noise: Tensor | None = None) -> Tensor:
    """Return what `mean.match_mean` does, up to ties and the rounding of sums.

    Parameters
    ----------
    losses : Tensor, (B, n)
        On a GPU; n at most 4096. Other types than float32 are converted to it.
    k, rounds, noise
        As there. For k = 1, n - 1 and n, where there is little to do, it is called.

    Returns
    -------
    Tensor of int64, (B, k)
        Sorted, unique indices.

    Notes
    -----
    Rows live in scratch memory of some 16 n bytes each, small enough to stay in the cache:
    exchanges and look-ups go through it.
    """
    rows, n = losses.shape
    if n > _MOST:
        raise InvalidProblem(f"n is {n}; at most {_MOST} losses fit, use mean.match_mean")
    losses = losses.float().contiguous()
    if k in (1, n - 1, n):
        return _mean.match_mean(losses, k)
    layout = _layout(n, k, losses.device)
    padded = triton.next_power_of_2(n)
    first, second = (triton.next_power_of_2(max(sizes)) for sizes in layout.sizes)
    width = max(padded, second)
    constants = {
        "STARTS": 0 if noise is not None else len(layout.starts) // (2 * k),
        "N": padded,
        "K": triton.next_power_of_2(k),
        "FIRST": first,
        "SECOND": second,
        "WIDTH": width,
        "num_warps": 4 if padded <= 1024 else 8,
    }
    found = torch.empty((rows, k), dtype=torch.int64, device=losses.device)
    arguments = (
        losses,
        losses if noise is None else noise.float().contiguous(),
        layout.starts,
        layout.exchanges,
        torch.empty((rows, 2, width), dtype=torch.float32, device=losses.device),
        torch.empty((rows, 2, width), dtype=torch.int32, device=losses.device),
        found,
        n,
        k,
        rounds,
        layout.divisor,
        *layout.sizes[0],
        *layout.sizes[1],
    )
    compiled = (losses.device, *constants.values())
    with nullcontext() if compiled in _COMPILED else _COMPILING:
        _kernel[(rows,)](*arguments, **constants)
    _COMPILED.add(compiled)
    return found


class _Layout(NamedTuple):
    """The plan of `mean` as the kernel reads it."""

    starts: Tensor
    """Slopes, then offsets, of all starts, flat."""
    exchanges: Tensor
    """For even, then for odd rounds: out and in of the first exchanges, then of the second."""
    sizes: tuple[tuple[int, int], tuple[int, int]]
    """How many first exchanges in even and in odd rounds; how many second ones before the last,
    that of a place for itself."""
    divisor: int


_LAYOUTS: dict[tuple[int, int, torch.device], _Layout] = {}


def _layout(n: int, k: int, device: torch.device) -> _Layout:
    """Return the layout, kept from call to call."""
    known = _LAYOUTS.get((n, k, device))
    if known is not None:
        return known
    plan = _mean.kept_plan(n, k, device)
    flat = [exchanges.flatten() for turn in plan.turns for exchanges in turn]
    even_first, even_second, odd_first, odd_second = (len(part) // 2 for part in flat)
    layout = _Layout(
        starts=torch.cat([plan.slopes.flatten(), plan.offsets.flatten()]),
        exchanges=torch.cat(flat).int(),
        sizes=((even_first, odd_first), (even_second - 1, odd_second - 1)),
        divisor=plan.divisor,
    )
    # While a CUDA graph is captured nothing is computed yet: the tensors are part of that graph.
    if device.type != "cuda" or not torch.cuda.is_current_stream_capturing():
        if len(_LAYOUTS) >= _KEPT:
            _LAYOUTS.pop(next(iter(_LAYOUTS)))
        _LAYOUTS[n, k, device] = layout
    return layout


@triton.jit
def _packed(values, index):  # type: ignore[no-untyped-def]
    """Return integers that sort as the floats do, ties by index."""
    bits = values.to(tl.int32, bitcast=True)
    return ((bits ^ ((bits >> 31) & 0x7FFFFFFF)).to(tl.int64) << 32) | index.to(tl.int64)


@triton.jit
def _unpacked(packed):  # type: ignore[no-untyped-def]
    """Return the floats and the indices."""
    key = (packed >> 32).to(tl.int32)
    bits = key ^ ((key >> 31) & 0x7FFFFFFF)
    return bits.to(tl.float32, bitcast=True), (packed & 0x7FFFFFFF).to(tl.int32)


@triton.jit  # type: ignore[untyped-decorator]
def _start(  # type: ignore[no-untyped-def]
    noise,
    starts,
    values,
    mark,
    count,
    wanted,
    n,
    k,
    divisor,
    STARTS: tl.constexpr,
    N: tl.constexpr,
    K: tl.constexpr,
):
    """Mark the positions to begin with: the best stratified start, or the largest noise."""
    if STARTS == 0:
        i = tl.arange(0, N)
        keys = tl.load(noise + i, mask=i < n, other=0.0)
        keys = tl.where(i < count, -keys, tl.where(i < n, 1.0, 2.0))
        _, position = _unpacked(tl.sort(_packed(keys, i)))
        tl.store(mark + position, 1, mask=i < k)
    else:
        j = tl.arange(0, K)
        least = tl.full([], float("inf"), tl.float32)
        chosen = tl.zeros([K], tl.int64)
        for s in range(STARTS):
            slope = tl.load(starts + s * k + j, mask=j < k, other=0)
            offset = tl.load(starts + (STARTS + s) * k + j, mask=j < k, other=0)
            position = (offset + slope * tl.maximum(count, k)) // divisor
            error = tl.abs(wanted - tl.sum(tl.load(values + position, mask=j < k, other=0.0)))
            chosen = tl.where(error < least, position, chosen)
            least = tl.minimum(error, least)
        tl.store(mark + chosen, 1, mask=j < k)
    tl.debug_barrier()


@triton.jit
def _swap(values, order, i, j, helps):  # type: ignore[no-untyped-def]
    """Exchange two places, if it helps."""
    value_i, value_j = tl.load(values + i), tl.load(values + j)
    order_i, order_j = tl.load(order + i), tl.load(order + j)
    tl.debug_barrier()
    tl.store(values + i, value_j, mask=helps)
    tl.store(values + j, value_i, mask=helps)
    tl.store(order + i, order_j, mask=helps)
    tl.store(order + j, order_i, mask=helps)
    tl.debug_barrier()


@triton.jit
def _gains(values, exchanges, count, g, valid):  # type: ignore[no-untyped-def]
    """Return by how much each exchange raises the sum."""
    out = tl.load(exchanges + g, mask=valid, other=0)
    into = tl.load(exchanges + count + g, mask=valid, other=0)
    return tl.load(values + into) - tl.load(values + out)


@triton.jit  # type: ignore[untyped-decorator]
def _exchange(  # type: ignore[no-untyped-def]
    values,
    order,
    gains,
    origin,
    wanted,
    k,
    first,
    firsts,
    second,
    seconds,
    K: tl.constexpr,
    FIRST: tl.constexpr,
    SECOND: tl.constexpr,
):
    """Carry out the best double exchange, if it helps."""
    j = tl.arange(0, K)
    missing = wanted - tl.sum(tl.load(values + j, mask=j < k, other=0.0))
    g = tl.arange(0, SECOND)
    gain = _gains(values, second, seconds + 1, g, g < seconds)
    gain, index = _unpacked(tl.sort(_packed(tl.where(g < seconds, gain, float("inf")), g)))
    tl.store(gains + g, gain)
    tl.store(origin + g, index)
    tl.debug_barrier()

    f = tl.arange(0, FIRST)
    left = missing - _gains(values, first, firsts, f, f < firsts)
    below = tl.zeros([FIRST], tl.int32)  # how many second gains are smaller
    step = SECOND
    while step > 0:
        trial = below + step
        inside = trial <= seconds
        smaller = tl.load(gains + trial - 1, mask=inside, other=float("inf")) < left
        below = tl.where(inside & smaller, trial, below)
        step = step // 2
    low, high = tl.maximum(below - 1, 0), tl.minimum(below, seconds - 1)
    error_low = tl.abs(left - tl.load(gains + low))
    error_high = tl.abs(left - tl.load(gains + high))
    nearest = tl.where(error_low <= error_high, low, high)
    error = tl.minimum(error_low, error_high)
    nearest = tl.where(tl.abs(left) <= error, seconds, nearest)  # the first exchange alone
    error = tl.where(f < firsts, tl.minimum(tl.abs(left), error), float("inf"))
    best = tl.argmin(error, 0)
    nearest = tl.sum(tl.where(f == best, nearest, 0))
    other = tl.load(origin + nearest, mask=nearest < seconds, other=0)
    other = tl.where(nearest < seconds, other, seconds)
    helps = tl.min(error, 0) < tl.abs(missing)
    _swap(values, order, tl.load(first + best), tl.load(first + firsts + best), helps)
    _swap(values, order, tl.load(second + other), tl.load(second + seconds + 1 + other), helps)


# The numbers are left general: where one of them is 1, branches would differ in type.
@triton.jit(do_not_specialize=_GENERAL)  # type: ignore[untyped-decorator]
def _kernel(  # type: ignore[no-untyped-def]
    losses,
    noise,
    starts,
    exchanges,
    floats,
    whole,
    found,
    n,
    k,
    rounds,
    divisor,
    even_first,
    odd_first,
    even_second,
    odd_second,
    STARTS: tl.constexpr,
    N: tl.constexpr,
    K: tl.constexpr,
    FIRST: tl.constexpr,
    SECOND: tl.constexpr,
    WIDTH: tl.constexpr,
):
    """Centre and sort a row, begin well spread, exchange, write the indices."""
    row = tl.program_id(0).to(tl.int64)
    values, gains = floats + 2 * row * WIDTH, floats + (2 * row + 1) * WIDTH
    order, origin = whole + 2 * row * WIDTH, whole + (2 * row + 1) * WIDTH
    i = tl.arange(0, N)
    loss = tl.load(losses + row * n + i, mask=i < n, other=float("inf"))
    finite = tl.abs(loss) < float("inf")  # false for NaN
    count = tl.sum(finite.to(tl.int32))
    some = tl.maximum(count, 1)
    centred = loss - tl.sum(tl.where(finite, loss, 0.0)) / some
    centred = tl.where(finite, centred, 0.0)
    wanted = tl.sum(centred) * k / some
    centred = tl.where(finite, centred, tl.where(i < n, _FAR, float("inf")))
    ordered, index = _unpacked(tl.sort(_packed(centred, i)))
    tl.store(values + i, ordered)
    tl.store(origin + i, 0)
    tl.debug_barrier()

    _start(noise + row * n, starts, values, origin, count, wanted, n, k, divisor, STARTS, N, K)
    mark = tl.load(origin + i)
    before = tl.cumsum(mark, 0)  # chosen ones up to here
    place = tl.where(mark > 0, before - 1, k + i - before)
    tl.store(values + place, ordered)
    tl.store(order + place, index)
    tl.debug_barrier()

    for turn in range(rounds):
        first, firsts, seconds = exchanges, even_first, even_second
        if turn % 2 == 1:
            first += 2 * (even_first + even_second + 1)
            firsts, seconds = odd_first, odd_second
        second = first + 2 * firsts
        _exchange(
            values, order, gains, origin, wanted, k, first, firsts, second, seconds,
            K, FIRST, SECOND,
        )  # fmt: skip
    j = tl.arange(0, K)
    chosen = tl.sort(tl.load(order + j, mask=j < k, other=2147483647))
    tl.store(found + row * k + j, chosen.to(tl.int64), mask=j < k)
