"""Tiny problems of every family, on which compiled solvers are loaded."""

import numpy as np

from subsetopt.problems import MeanMatching, MMDSelection, QuadraticSelection
from subsetopt.solvers import catalogue
from subsetopt.solving import solve

N, K = 24, 4


def solved(name: str, families: tuple[str, ...]) -> None:
    """Let a solver solve one problem of each of these families that it handles."""
    for family in families:
        if family in catalogue.solver_class(name).handles:
            solve(_problem(family), name, time_limit=0.05)


def _problem(family: str) -> MeanMatching | MMDSelection | QuadraticSelection:
    points = np.random.default_rng(0).exponential(size=(N, 3))
    match family:
        case "mean-matching":
            return MeanMatching(points[:, 0].astype(np.float32), K)
        case "vector-mean-matching":
            return MeanMatching(points, K)
        case "mmd":
            return MMDSelection(points, K)
        case _:
            return QuadraticSelection(points @ points.T, k=K)
