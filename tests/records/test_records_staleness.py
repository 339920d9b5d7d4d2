"""What old losses are worth, and what stands in for missing ones."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from subsetopt.errors import InvalidOption
from subsetopt.records import Latest, Staleness

NOW = 1000.0
LATEST = Latest(
    np.array([1.0, 3.0, np.nan, 8.0], np.float32),
    np.array([NOW, NOW - 10.0, np.nan, NOW - 20.0]),
    np.array(["v1"] * 4, object),
)


@pytest.mark.parametrize(
    ("options", "losses", "rows"),
    [
        ({}, [1, 3, 4, 8], [0, 1, 2, 3]),
        ({"unknown": "highest"}, [1, 3, 8, 8], [0, 1, 2, 3]),
        ({"unknown": 2.5}, [1, 3, 2.5, 8], [0, 1, 2, 3]),
        ({"unknown": "exclude"}, [1, 3, 8], [0, 1, 3]),
        ({"older_than": 10.0}, [1, 3, 2, 2], [0, 1, 2, 3]),
        ({"older_than": 9.0, "unknown": "exclude"}, [1], [0]),
        ({"half_life": 10.0}, [1, 3.5, 4, 5], [0, 1, 2, 3]),
        ({"half_life": 10.0, "unknown": "highest"}, [1, 3.5, 5, 5], [0, 1, 2, 3]),
    ],
)
def test_staleness(options: Any, losses: Any, rows: Any) -> None:
    before = LATEST.losses.copy()
    found, which = Staleness(**options)(LATEST, NOW)
    assert found.tolist() == pytest.approx(losses)
    assert which.tolist() == rows
    assert found.dtype == np.float32
    assert np.array_equal(LATEST.losses, before, equal_nan=True)


@pytest.mark.parametrize(
    ("unknown", "wanted"),
    [("mean", [1.0] * 4), ("highest", [1.0] * 4), (7, [7.0] * 4), ("exclude", [])],
)
def test_nothing_is_known(unknown: Any, wanted: list[float]) -> None:
    nothing = Latest(np.full(4, np.nan, np.float32), np.full(4, np.nan), LATEST.models)
    for latest, options in ((nothing, {}), (LATEST, {"older_than": 1e-9})):
        found, rows = Staleness(unknown=unknown, half_life=1.0, **options)(latest, NOW + 1)
        assert found.tolist() == wanted
        assert len(rows) == len(wanted)


def test_records_of_the_future_are_fresh() -> None:
    options: Any = {"half_life": 1.0, "older_than": 5.0}
    assert Staleness(**options)(LATEST, NOW - 100)[0].tolist() == [1, 3, 4, 8]


@pytest.mark.parametrize(
    "options",
    [
        {"older_than": 0},
        {"half_life": -1.0},
        {"older_than": float("nan")},
        {"unknown": "lowest"},
        {"unknown": float("nan")},
        {"unknown": float("inf")},
        {"unknown": True},
    ],
)
def test_options_outside_their_domain(options: Any) -> None:
    with pytest.raises(InvalidOption, match=next(iter(options))):
        Staleness(**options)
