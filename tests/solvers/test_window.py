"""Windows: when there is one, that what it yields is better and better, and a grid point."""

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.solvers._deadline import NEVER, Deadline, OutOfTime
from subsetopt.solvers.exact._integers import Integers
from subsetopt.solvers.exact._window import FreeWindow


def _sized(values: NDArray[np.generic], k: int) -> tuple[Integers, FreeWindow | None]:
    problem = so.MeanMatching(values, k=k)
    integers = Integers.of(problem)
    first = so.solve(problem, "swap").indices
    assert first is not None
    return integers, FreeWindow.sized(integers, integers.subset(first), integers.subproblems[0])


@pytest.mark.parametrize(("n", "k"), [(128, 64), (128, 20), (1000, 50)])
def test_yields_better_and_better_subsets(n: int, k: int) -> None:
    values = np.random.default_rng(n).exponential(size=n).astype(np.float32)
    integers, window = _sized(values, k)
    assert window is not None
    assert 8 <= window.size <= 64
    assert 0 < window.seconds < 60
    assert window.bytes > 0
    before = integers.distance(window.best, window.sub)
    for subset in window.search(0, 2, NEVER):
        assert len(set(subset.tolist())) == k
        distance = integers.distance(subset, window.sub)
        assert window.sub.least <= distance <= before + 2
        if distance == window.sub.least:
            break
    else:
        pytest.fail("the nearest grid point was not attained")


def test_there_is_none_where_grid_points_outnumber_subsets() -> None:
    generator = np.random.default_rng(0)
    assert _sized(generator.exponential(size=30), 15)[1] is None
    assert _sized(generator.exponential(size=200) * 10.0 ** np.arange(-100, 100), 100)[1] is None
    assert _sized(generator.exponential(size=12).astype(np.float32), 6)[1] is None


def test_the_deadline_ends_it() -> None:
    values = np.random.default_rng(1).exponential(size=128).astype(np.float32)
    _, window = _sized(values, 64)
    assert window is not None
    with pytest.raises(OutOfTime):
        list(window.search(0, 1, Deadline(0.0)))
