"""Sequences from recomputed rows: the same but for rounding, pick by pick.

The order itself is no measure: where two candidates are equal but for rounding, either may be
taken, and from there on the orders differ. So each pick is held against the exact potentials that
it was made from: it has to be the least, up to the rounding of the engine's entries.
"""

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.sequencing import choose
from subsetopt.sequencing._state import State


def points(n: int) -> NDArray[np.float32]:
    generator = np.random.default_rng(5)
    centres = 2 * generator.normal(size=(6, 20))
    cloud = centres[generator.integers(6, size=n)] + generator.normal(size=(n, 20))
    return np.asarray(cloud, np.float32)


def regrets(X: NDArray[np.float32], order: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return by how much each pick's potential is above the least, over what it is made of."""
    kernel = so.Gaussian().fitted(X)
    K = np.asarray(kernel(X.astype(np.float64), X.astype(np.float64)))
    sums = K.sum(axis=1)
    chosen = np.zeros(len(X))
    free = np.ones(len(X), np.bool_)
    found = []
    for taken, pick in enumerate(order.tolist(), start=1):
        potentials = np.diagonal(K) + 2 * chosen - 2 * taken / len(X) * sums
        least = potentials[free].min()
        found.append((potentials[pick] - least) / (2 * chosen[pick] + 1))
        chosen += K[pick]
        free[pick] = False
    return np.array(found)


@pytest.mark.parametrize("engine", ["matrix", "rows"])
def test_every_pick_is_the_best_but_for_rounding(engine: str) -> None:
    X = points(900)
    found = so.sequence(X, 50, selector="running-herding", engine=engine)
    assert regrets(X, found.order[:-50]).max() < 1e-5
    # A random order is far from that: the measure tells them apart.
    assert regrets(X, np.random.default_rng(0).permutation(900)).max() > 1e-3


def test_half_precision_is_more_than_rounding() -> None:
    X = points(900)
    found = so.sequence(X, 50, selector="running-herding", engine="matrix16")
    assert 1e-5 < regrets(X, found.order[:-50]).max() < 1e-2


def test_both_engines_reach_the_same_mmd() -> None:
    X = points(900)
    whole, rows = (so.sequence(X, 50, engine=engine).mmd[:-1] for engine in ("matrix", "rows"))
    assert whole.mean() == pytest.approx(rows.mean(), rel=0.02)


def test_rows_that_do_not_add_up_to_the_row_sums_leave_no_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = choose(points(60).astype(np.float64), engine="rows")
    order, states = np.arange(55), []
    K, own = engine.rows(np.arange(60)), engine.diagonal()
    for off in (0.0, 1e-3):
        with monkeypatch.context() as patch:
            patch.setattr(engine, "rows", lambda at, off=off: K[at] + off)
            patch.setattr(engine, "diagonal", lambda off=off: own + off)
            state = State(engine)
            for part in (order[:20], order[20:]):
                state.add(part)
                state.close(0.0)
        states.append(state)
    right, other = states
    np.testing.assert_allclose(other.mmd2, right.mmd2, rtol=1e-9)
    np.testing.assert_allclose(other.mmd2_to_whole, right.mmd2_to_whole, rtol=1e-9)
