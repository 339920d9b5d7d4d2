"""Meet in the middle as a search of its own: reach, splits, rounding, ties, threads."""

import threading
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from subsetopt.solvers import _deadline
from subsetopt.solvers._deadline import Deadline, OutOfTime
from subsetopt.solvers.exact import _meet
from subsetopt.solvers.exact._integers import Subproblem
from subsetopt.solvers.exact._listing import COUNTLESS, Room, subsets
from subsetopt.solvers.exact._meet import Meet


def _best(values: list[int], sub: Subproblem) -> Fraction:
    return min(abs(sub.wanted - sum(c)) for c in combinations(values, sub.count))


def _values(n: int, bits: int, seed: int) -> list[int]:
    generator = np.random.default_rng([seed, n, bits])
    return [int.from_bytes(generator.bytes(40)) >> (320 - bits) for _ in range(n)]


@pytest.mark.parametrize("bits", [3, 20, 52, 70, 200])
@pytest.mark.parametrize(("n", "count"), [(1, 1), (2, 1), (5, 5), (11, 4), (14, 7)])
@pytest.mark.parametrize("piece", [5, 2**20])
def test_finds_the_best(
    bits: int, n: int, count: int, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_meet, "PIECE", piece)
    values = _values(n, bits, 0)
    for wanted in (Fraction(sum(values) * count, n), Fraction(sum(sorted(values)[:count]) + 1)):
        sub = Subproblem(count, wanted, Fraction(0))
        best = _best(values, sub)
        found = Meet(values, sub, best + 1, 2).run()
        assert found.complete
        assert found.subset is not None
        assert len(set(found.subset.tolist())) == count
        assert abs(wanted - sum(values[i] for i in found.subset)) == best


@pytest.mark.parametrize("bits", [20, 100])
def test_nothing_is_found_far_beyond_the_reach(bits: int) -> None:
    values = [value << 12 for value in _values(12, bits, 1)]
    sub = Subproblem(6, Fraction(sum(values), 2) + 2000, Fraction(0))
    best = _best(values, sub)
    found = Meet(values, sub, best / 1000, 1).run()
    assert found.complete
    if found.subset is not None:  # a little beyond may be reported
        assert abs(sub.wanted - sum(values[i] for i in found.subset)) >= best


@pytest.mark.parametrize("piece", [4, 50])
def test_many_alike_do_not_fit_a_piece(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_meet, "PIECE", piece)
    values = [0] * 6 + [1000] * 6 + [1003] * 6
    sub = Subproblem(9, Fraction(4501), Fraction(0))
    found = Meet(values, sub, Fraction(10**6), 2).run()
    assert found.complete
    assert found.subset is not None
    assert abs(4501 - sum(values[i] for i in found.subset)) == _best(values, sub)


@pytest.mark.parametrize("bits", [3, 20, 100])
def test_pieces_hold_every_key_of_a_half_once(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_meet, "PIECE", 4)
    values = _values(14, bits, 4)
    meet = Meet(values, Subproblem(7, Fraction(sum(values), 2), Fraction(0)), Fraction(1), 1)
    half = meet._x
    keys = sorted(int(a) + int(b) for a in half.first.keys for b in half.second.keys)
    room = Room.of(len(keys))
    found = [key for piece in meet._pieces() for key in half.fill(*piece[:2], room).tolist()]
    assert found == [key for key in keys if key < 8 * meet._scale.counter]


def test_a_clock_that_goes_back_leaves_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads leave pieces out where the time seems up, though it is not when they have ended."""
    main = threading.current_thread()
    monkeypatch.setattr(
        _deadline, "clock", lambda: 0.0 if threading.current_thread() is main else 10.0
    )
    values = _values(12, 20, 0)
    sub = Subproblem(6, Fraction(sum(values), 2), Fraction(0))
    found = Meet(values, sub, Fraction(2**30), 2, deadline=Deadline(5.0)).run()
    assert not found.complete
    assert found.subset is None


def test_one_split_only() -> None:
    values = _values(16, 30, 2)
    sub = Subproblem(8, Fraction(sum(values), 2), Fraction(0))
    found = Meet(values, sub, Fraction(2**40), 1, [4]).run()
    assert not found.complete
    assert found.subset is not None
    assert found.subset.size == 8
    assert abs(sub.wanted - sum(values[i] for i in found.subset)) >= _best(values, sub)


def test_stops_at_the_least_distance_and_at_the_deadline() -> None:
    values = _values(20, 40, 3)
    subset = [0, 3, 5, 7, 9, 12, 13, 18]
    sub = Subproblem(8, Fraction(sum(values[i] for i in subset)), Fraction(0))
    found = Meet(values, sub, Fraction(2**50), 1).run()
    assert found.complete
    assert found.subset is not None
    assert sum(values[i] for i in found.subset) == sub.wanted
    late = Meet(values, sub, Fraction(1), 1)
    late._deadline = Deadline(0.0)
    assert not late.run().complete
    with pytest.raises(OutOfTime):
        Meet(values, sub, Fraction(1), 1, deadline=Deadline(0.0))


@pytest.mark.parametrize(
    ("n", "least", "most"), [(0, 0, 0), (5, 0, 2), (5, 0, 9), (20, 0, 10), (9, 2, 4), (12, 9, 11)]
)
def test_number_of_subsets(n: int, least: int, most: int) -> None:
    listed = sum(1 for size in range(least, most + 1) for _ in combinations(range(n), size))
    assert subsets(n, least, most) == listed


def test_number_of_subsets_that_nobody_can_look_at() -> None:
    assert subsets(10**6, 4 * 10**5, 5 * 10**5) == COUNTLESS
    assert subsets(10**6, 10**6 - 1, 10**6) == 10**6 + 1
