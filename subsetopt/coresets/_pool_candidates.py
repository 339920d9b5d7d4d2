"""Which of the rows that are held are candidates."""

import numpy as np
from numpy.typing import NDArray

from ._asked_rows import (
    EXCLUDED,
    INCLUDED,
    ranks_within,
)
from ._group_limits import least_of
from ._surveying import Survey

_SHARE = 2  # of the pool one part may be held for the sake of groups


def candidates_of(
    seen: Survey, uniform: NDArray[np.int64], total: int, k: int
) -> NDArray[np.int64]:
    """Return which of the rows that are held are candidates, ascending.

    Parameters
    ----------
    seen : Survey
    uniform : ndarray of int64
        A uniform sample, in the order in which they are taken.
    total : int
        Candidates.

    Notes
    -----
    First come the rows to be included, then of each group as many as its quotas ask for, then
    further ones of each up to half of all, then the uniform sample.
    """
    allowed = (seen.flags & EXCLUDED) == 0
    rank = np.where(seen.flags & INCLUDED, 0.0, np.inf)
    for at, group in enumerate(seen.groups):
        codes = seen.codes[:, at]
        ranks = ranks_within(np.where(allowed, codes, len(group.groups)), seen.keys)
        needs = group.grouping.needs(group.groups)[codes]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(ranks < needs, ranks / needs, np.inf)
        share[ranks < least_of(group, k)[codes]] = 0.0
        rank = np.minimum(rank, share)
    rank[~allowed] = np.inf
    wanted = np.argsort(rank, kind="stable")[: int(np.isfinite(rank).sum())]
    first = wanted[: max(total // _SHARE, int((rank == 0.0).sum()))]
    rest = uniform[allowed[uniform] & ~np.isin(uniform, first)]
    return np.sort(np.concatenate([first, rest[: max(0, total - len(first))]]))
