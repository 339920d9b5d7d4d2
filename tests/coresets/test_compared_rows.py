"""Candidates that are compared with a uniform sample of the rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.coresets import _coreset_job, _pool
from subsetopt.coresets._row_keys import RowKeys, RowShare
from subsetopt.coresets._row_sources import ArrayRows

GIVEN: dict[str, Any] = {"pool": 300, "scale_columns": "none", "kernel": so.Gaussian(2.0)}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few rows be too many to be all in the sample."""
    monkeypatch.setattr(_pool, "WITNESSES", 400)
    monkeypatch.setattr(_pool, "_MOVES", 500)


def _points(n: int = 4000) -> NDArray[np.float32]:
    generator = np.random.default_rng(n)
    centres = 2.0 * generator.normal(size=(5, 3))
    rows = centres[generator.integers(0, 5, n)] + generator.normal(size=(n, 3))
    return rows.astype(np.float32)


def _mmd(A: NDArray[Any], B: NDArray[Any]) -> float:
    kernel = so.Gaussian(2.0)
    square = kernel(A, A).mean() - 2.0 * kernel(A, B).mean() + kernel(B, B).mean()
    return float(np.sqrt(square))


def test_a_share_has_the_rows_of_the_least_keys_whatever_the_blocks() -> None:
    numbers, share = np.arange(1000), RowShare(RowKeys(3), 0.3)
    few = share.of(numbers, 0)
    assert len(few) == share.count(1000)
    assert 200 < len(few) < 400
    pieces = [share.of(numbers[at : at + 70], at) for at in range(0, 1000, 70)]
    np.testing.assert_array_equal(np.concatenate(pieces), few)
    assert set(np.argsort(RowKeys(3).of(0, 1000))[:150]) < set(few)
    assert RowShare(RowKeys(3), 1.0).count(1000) == 1000


def test_rows_compared_with_are_kept_where_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    X, read = _points(), []
    blocks = ArrayRows.blocks

    def counted(self: ArrayRows) -> Any:
        read.append(len(self.array))
        return blocks(self)

    monkeypatch.setattr(ArrayRows, "blocks", counted)
    once = so.coreset(X, 20, compared=2000, **GIVEN)
    assert read.count(len(X)) == 1
    monkeypatch.setattr(_coreset_job, "_OF_LIMIT", 2**60)
    twice = so.coreset(X, 20, compared=2000, **GIVEN)
    assert read.count(len(X)) == 3
    np.testing.assert_array_equal(once.indices, twice.indices)
    assert once.mmd == pytest.approx(twice.mmd, rel=1e-6)
    assert once.message == twice.message


def test_the_mmd_is_to_the_sample_and_its_own_is_said() -> None:
    X = _points()
    few = so.coreset(X, 20, compared=2000, **GIVEN)
    sample = RowShare(RowKeys(0), 0.5).of(X, 0)
    exact = _mmd(X[few.indices], sample)
    assert 0.0 < few.mmd_error < 0.3 * few.mmd
    assert few.mmd == pytest.approx(exact, abs=4.0 * few.mmd_error)
    assert few.mmd < few.random_mmd / 2
    said = f"compared with a uniform sample of {len(sample)} of 4000 rows, whose own MMD to them"
    assert few.message.startswith(said)
    spread = float(few.message.split()[-1])
    apart = [
        _mmd(np.random.default_rng(seed).choice(X, len(sample), replace=False), X)
        for seed in range(10)
    ]
    assert spread == pytest.approx(np.sqrt(np.mean(np.square(apart))), rel=0.3)


def test_as_many_rows_as_there_are_or_more_are_all() -> None:
    X = _points()
    every = so.coreset(X, 20, **GIVEN)
    assert every.message == ""
    few = so.coreset(X, 20, compared=4000, **GIVEN)
    np.testing.assert_array_equal(few.indices, every.indices)
    assert few.message == ""


def test_few_rows_are_twice_the_candidates_and_witnesses_of_a_target_too() -> None:
    X = _points()
    assert (
        f"of {RowShare(RowKeys(0), 0.35).count(4000)} of"
        in so.coreset(X, 20, compared=1, **GIVEN).message
    )
    near = so.coreset(X, 20, compared=1, target=_points(3000), **GIVEN)
    assert f"of {RowShare(RowKeys(0, 1), 800 / 3000).count(3000)} of 3000" in near.message
    assert near.mmd < near.random_mmd


def test_a_checkpoint_is_of_as_many_compared(tmp_path: Path) -> None:
    X = _points()
    first = so.coreset(X, 20, compared=2000, checkpoint=tmp_path / "kept", **GIVEN)

    def stopped(phase: str, done: int, total: int | None) -> None:
        if phase == "choosing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        so.coreset(X, 20, compared=2000, checkpoint=tmp_path / "kept", progress=stopped, **GIVEN)
    with pytest.raises(so.SubsetOptError, match="compared"):
        so.coreset(X, 20, compared=3000, checkpoint=tmp_path / "kept", **GIVEN)
    again = so.coreset(X, 20, compared=2000, checkpoint=tmp_path / "kept", **GIVEN)
    np.testing.assert_array_equal(again.indices, first.indices)


@pytest.mark.parametrize("compared", [0, 1.5, True])
def test_numbers_that_are_none(compared: Any) -> None:
    with pytest.raises(so.SubsetOptError, match="compared must be an integer"):
        so.coreset(_points(), 20, compared=compared, **GIVEN)
