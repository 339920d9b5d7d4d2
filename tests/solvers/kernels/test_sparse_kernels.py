"""Kernels on sparse quadratics: their bookkeeping against what is computed afresh."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from subsetopt._kernels import sparse_peeling, sparse_swaps
from subsetopt.models import SparseForm, SparseMatrix
from subsetopt.solvers.heuristics._sparse_search import SparseDescents, SparseWalks


def _form(n: int, k: int, seed: int = 0, density: float = 0.2, whole: bool = False) -> SparseForm:
    draw = np.random.default_rng([n, k, seed])
    rows, columns = np.triu_indices(n)
    taken = draw.random(len(rows)) < density
    values = draw.normal(size=taken.sum())
    linear = draw.normal(size=n)
    if whole:
        values, linear = np.rint(2 * values), np.rint(linear)
    return SparseForm(SparseMatrix.of_pairs(n, rows[taken], columns[taken], values), linear, k)


def _potentials(form: SparseForm, members: NDArray[np.int64]) -> NDArray[np.float64]:
    matrix = form.matrix.dense()
    apart = matrix - np.diag(matrix.diagonal())
    found: NDArray[np.float64] = form.linear + matrix.diagonal() + 2 * apart[:, members].sum(axis=1)
    return found


def _peeled(form: SparseForm) -> list[int]:
    """Return what is left, the plain way: of equal ones the last leaves."""
    left = list(range(form.n))
    while len(left) > form.k:
        own = _potentials(form, np.array(left))[left]
        left.pop(len(left) - 1 - int(own[::-1].argmax()))
    return left


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(("n", "k"), [(2, 1), (15, 4), (40, 39), (60, 1), (60, 20), (30, 30)])
def test_peeling_is_the_plain_one(n: int, k: int, whole: bool) -> None:
    form = _form(n, k, whole=whole)
    search = SparseDescents(form, 0)
    search.peel()
    assert search.members.tolist() == _peeled(form)
    assert search.value == pytest.approx(form.value(np.array(_peeled(form))))


def test_peeling_in_steps_keeps_potentials_and_heap() -> None:
    form = _form(50, 1)
    matrix = form.matrix
    rows = (matrix.indptr, matrix.indices, matrix.data)
    heap, places = np.arange(50), np.empty(50, np.int64)
    potentials = form.linear + matrix.diagonal
    kernels: Any = sparse_peeling
    kernels.add_potentials(*rows, heap.copy(), potentials)
    kernels.order_heap(heap, places, potentials)
    size = 50
    for steps in (1, 9, 15, 24):
        kernels.peel(*rows, potentials, heap, places, size, steps)
        size -= steps
        left = np.sort(heap[:size])
        np.testing.assert_allclose(potentials, _potentials(form, left), atol=1e-12)
        assert places[heap[:size]].tolist() == list(range(size))
        assert (places < 0).sum() == 50 - size
        for place in range(1, size):
            assert potentials[heap[(place - 1) // 2]] >= potentials[heap[place]]


def _tree_holds(tree: NDArray[np.float64], keys: NDArray[np.float64]) -> None:
    size = len(tree) // 2
    np.testing.assert_allclose(tree[size : size + len(keys)], keys, atol=1e-9)
    pairs = np.minimum(tree[2::2], tree[3::2])
    assert (tree[1:size] == pairs).all()


@pytest.mark.parametrize(("n", "k"), [(12, 5), (40, 1), (40, 20), (33, 32)])
def test_a_descent_ends_where_no_exchange_helps(n: int, k: int) -> None:
    form = _form(n, k)
    search = SparseDescents(form, 0)
    draw = np.random.default_rng(1)
    search._begin_at(draw.choice(n, k, replace=False))
    search.descend()
    chosen, matrix = search.members, form.matrix.dense()
    potentials = _potentials(form, chosen)
    free = np.setdiff1d(np.arange(n), chosen)
    pairs = potentials[free] - potentials[chosen][:, None] - 2 * matrix[np.ix_(chosen, free)]
    assert pairs.min() >= -1e-9
    np.testing.assert_allclose(search.potentials, potentials, atol=1e-9)
    keys = potentials.copy()
    keys[chosen] = np.inf
    _tree_holds(search._entering, keys)
    assert np.isinf(search._leaving).all()


def test_a_descent_goes_on_where_it_was_left() -> None:
    form = _form(60, 25)
    start = np.random.default_rng(2).choice(60, 25, replace=False)
    found = []
    for steps in (1, 10**6):
        search = SparseDescents(form, 0)
        search._begin_at(start)
        total = 0.0
        while search._progress[sparse_swaps.IDLE] < search.k:
            state = search.members, search.potentials, search._entering, search._leaving
            kernel: Any = sparse_swaps.descend
            total += kernel(
                *search._rows, *state, search._gain, steps, search._progress, search._state
            )
        assert total == pytest.approx(
            form.value(np.sort(search.members)) - form.value(np.sort(start))
        )
        found.append(search.members.tolist())
    assert found[0] == found[1]


@pytest.mark.parametrize(("n", "k"), [(12, 5), (40, 1), (60, 30), (33, 32), (300, 40)])
def test_the_state_of_a_walk_is_what_is_computed_afresh(n: int, k: int) -> None:
    form = _form(n, k, density=min(0.5, 8 / n))
    walks = SparseWalks(form, 0, None, 10**9, -np.inf)
    walks.start()
    walks._begin_walk()
    start = walks.current
    for steps in (1, 1, 1, 50, 500):
        assert walks._walk(steps) == steps
        members = walks.members
        assert len(set(members.tolist())) == k
        assert walks._places[members].tolist() == list(range(k))
        assert (walks._places >= 0).sum() == k
        potentials = _potentials(form, members)
        np.testing.assert_allclose(walks.potentials, potentials, atol=1e-9)
        value = form.value(np.sort(members))
        assert walks._numbers[sparse_swaps.VALUE] == pytest.approx(value, abs=1e-8)
        held = walks._held[: walks._counts[sparse_swaps.HELD]]
        assert len(set(held.tolist())) == len(held)
        chosen = walks._places >= 0
        entering = np.where(chosen, np.inf, potentials)
        leaving = np.where(chosen, -potentials, np.inf)
        entering[held] = leaving[held] = np.inf
        _tree_holds(walks._entering, entering)
        _tree_holds(walks._leaving, leaving)
        best = walks._numbers[sparse_swaps.BEST]
        assert best <= min(start, value) + 1e-9
        assert best == pytest.approx(form.value(np.sort(walks._found)), abs=1e-8)


def test_a_walk_ends_at_its_stall_and_at_its_goal() -> None:
    form = _form(40, 15)
    walks = SparseWalks(form, 0, None, 7, -np.inf)
    walks.start()
    walks._begin_walk()
    walks._walk(10**6)
    assert walks._counts[sparse_swaps.NOW] - walks._counts[sparse_swaps.SINCE] == 7
    assert walks._walk(5) == 0
    reached = SparseWalks(form, 0, None, None, walks._numbers[sparse_swaps.BEST])
    reached.start()
    while not reached.content:
        reached.advance(1000)
    assert reached.value <= walks._numbers[sparse_swaps.BEST] + 1e-9
