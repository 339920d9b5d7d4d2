"""The MMD of any order, however it was found."""

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt.errors import InvalidProblem, InvalidSelection
from subsetopt.problems import _validation

from ._state import State
from .engines import Engine

__all__ = ["mmd_to_whole"]


def mmd_to_whole(engine: Engine, order: ArrayLike, boundaries: ArrayLike) -> NDArray[np.float64]:
    """Return the squared MMD to all points after each batch; one row of K for each point.

    Parameters
    ----------
    engine : Engine
    order : array_like of int (m,)
        Different points, in the order in which they are taken.
    boundaries : array_like of int (batches + 1,)
        Batch b is ``order[boundaries[b]:boundaries[b + 1]]``.

    Raises
    ------
    InvalidProblem
        If it is no order of points of the engine in batches.
    """
    points, ends = np.asarray(order), np.asarray(boundaries, np.int64)
    try:
        _validation.selection(points, engine.n, 0, engine.n)
    except InvalidSelection as error:
        raise InvalidProblem(f"order is none of the engine's points: {error}") from error
    if ends.ndim != 1 or len(ends) < 2 or ends[0] or ends[-1] != len(points):
        raise InvalidProblem(f"boundaries {ends} do not go from 0 to {len(points)}")
    if (np.diff(ends) < 1).any():
        raise InvalidProblem("boundaries do not ascend")
    state = State(engine)
    for start, end in pairwise(ends.tolist()):
        state.add(points[start:end].astype(np.int64))
        state.close(0.0)
    return np.array(state.mmd2_to_whole)
