"""What is chosen of a window: how many, by what, and whether it is what was asked for."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._checks import is_integer, require, require_number
from subsetopt.errors import InvalidSelection

Choose = Callable[[NDArray[np.float32], int, NDArray[np.float32] | None], ArrayLike]
"""Chooses k of n: of losses (n,), k and features (n, d) or None makes k different rows."""


def size_of(k: int | float, n: int) -> int:
    """Return how many of n are chosen: k, at most all; or a share of them, at least one.

    Raises
    ------
    InvalidOption
        If k is neither a whole number >= 1 nor a share.
    """
    if isinstance(k, float):
        require_number("k as a share", k, "(0, 1]")
        return max(1, int(k * n))
    require("k", k, is_integer(k) and k >= 1, "an integer >= 1 or a share in (0, 1]")
    return min(k, n)


def checked(given: ArrayLike, k: int, n: int) -> NDArray[np.intp]:
    """Return what was chosen, sorted; raise InvalidSelection unless it is k different rows of n."""
    chosen = np.asarray(given)
    if chosen.shape == (k,) and chosen.dtype.kind in "iu":
        chosen = np.sort(chosen)
        if chosen[0] >= 0 and chosen[-1] < n and (chosen[1:] != chosen[:-1]).all():
            return chosen.astype(np.intp)
    raise InvalidSelection(f"what was chosen must be {k} different rows of {n}; got {given!r}")


def by_mean(
    losses: NDArray[np.float32], k: int, features: NDArray[np.float32] | None
) -> NDArray[np.intp]:
    """Choose k losses whose mean is that of all, as `subsetopt.select` does."""
    from subsetopt.selecting import select

    chosen: NDArray[np.intp] = select(losses, k)
    return chosen
