"""The kernels' own random numbers."""

from typing import Any

import numba
import numpy as np
import pytest

from subsetopt._kernels import _tiers, rng

MASK = 2**64 - 1


@numba.njit
def _draws(state: Any, n: int, drawn: Any) -> None:
    for i in range(drawn.size):
        drawn[i] = rng.below(state, n)


def _stream(seed: int, n: int, count: int) -> list[int]:
    drawn = np.empty(count, np.int64)
    _draws(rng.seeded(seed), n, drawn)
    return [int(number) for number in drawn]


def _twin(seed: int, n: int, count: int) -> list[int]:
    z = (seed + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    x = (z ^ (z >> 31)) | 1
    out = []
    for _ in range(count):
        x ^= x >> 12
        x ^= (x << 25) & MASK
        x ^= x >> 27
        out.append(((((x * 0x2545F4914F6CDD1D) & MASK) >> 33) * n) >> 31)
    return out


@pytest.mark.parametrize("seed", [0, 1, 2, 12345, 2**31 - 1])
@pytest.mark.parametrize("n", [1, 2, 10, 1000, 2**31 - 1])
def test_the_same_everywhere(seed: int, n: int) -> None:
    assert _stream(seed, n, 50) == _twin(seed, n, 50)
    state, below = rng.seeded(seed), _tiers.module("rng").below
    assert [below(state, n) for _ in range(50)] == _twin(seed, n, 50)


@pytest.mark.parametrize("n", [1, 2, 7, 64])
def test_uniform_over_the_range(n: int) -> None:
    draws = 20_000
    counts = np.bincount(_stream(3, n, draws), minlength=n)
    assert counts.size == n
    deviation = np.sqrt(draws / n * (1 - 1 / n))
    assert (np.abs(counts - draws / n) <= 5 * deviation).all()


def test_seeds_give_unlike_streams() -> None:
    streams = {tuple(_stream(seed, 1000, 8)) for seed in range(500)}
    assert len(streams) == 500
    firsts = np.array([_stream(seed, 1000, 1)[0] for seed in range(500)])
    assert abs(firsts.mean() - 500) < 5 * 289 / np.sqrt(500)
