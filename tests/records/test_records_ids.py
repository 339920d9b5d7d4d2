"""Places of ids: the quick way among many unknown ones finds what the plain way does."""

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from subsetopt.records._ids import Ids


@pytest.mark.parametrize("n", [0, 1, 500, 1025, 5000])
def test_among_finds_what_find_does(n: int) -> None:
    drawn = np.random.default_rng(n)
    low, high = np.iinfo(np.int64).min, np.iinfo(np.int64).max
    held, found = drawn.integers(low, high, n), Ids()
    found.add(held)
    for asked in (held, drawn.integers(low, high, 3000), np.arange(-5, 5)):
        np.testing.assert_array_equal(found.among(asked), found.find(asked))
    # What is added afterwards is found too.
    places = found.add(np.arange(100))
    np.testing.assert_array_equal(found.among(np.arange(100)), places)
    assert found.among(np.array([10**15])).tolist() == [-1]


def test_among_strings() -> None:
    found = Ids(strings=True)
    found.add(["a", "b"])
    assert found.among(["b", "c"]).tolist() == [1, -1]
