"""Coresets that go on from what an earlier call has read and summed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import subsetopt as so
from subsetopt.coresets import _coreset_checkpoint, _pool, _row_sources
from subsetopt.coresets._kernel_means import kernel_means
from subsetopt.coresets._reading_engines import DividedEngine, worked
from subsetopt.coresets._row_parts import Located
from subsetopt.coresets._row_sources import ArrayRows
from subsetopt.coresets._running_sums import RunningSums
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.problems.scaling import Scaling


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pool, "WITNESSES", 300)
    monkeypatch.setattr(_pool, "_MOVES", 200)
    monkeypatch.setattr(_row_sources, "_FEWEST", 100)
    monkeypatch.setattr(_row_sources, "BLOCK_BYTES", 100 * 16)


X = np.random.default_rng(1).normal(size=(5000, 4)).astype(np.float32)
NAMES = np.array([f"row {i}" for i in range(len(X))], object)
GIVEN: dict[str, Any] = {"scale_columns": "std", "pool": 300}


class _Stopped(Exception):
    pass


def _stopping(phase: str, rows: int) -> Any:
    def progress(at: str, done: int, total: int | None) -> None:
        if at == phase and done >= rows:
            raise _Stopped

    return progress


def _sources() -> dict[str, tuple[Any, dict[str, Any]]]:
    regions = np.where(np.arange(len(X)) % 3, "land", "sea")
    table = pa.table({"id": NAMES, "region": regions, **dict(zip("abcd", X.T, strict=True))})
    rules = {"exactly": {"region": "proportional"}, "include": ["row 4"]}
    return {
        "array": (X, {}),
        "blocks": ([X[:1999], X[1999:]], {}),
        "target": (X, {"target": X[:2000] + 1.0}),
        "constraints": (table, {"id": "id", "constraints": rules}),
    }


@pytest.mark.parametrize("name", ["array", "blocks", "target", "constraints"])
def test_a_coreset_that_was_stopped_goes_on_to_the_same_last_bit(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, more = _sources()[name]
    given = {**GIVEN, **more, "checkpoint": tmp_path / "kept"}
    whole = so.coreset(data, 12, **{**given, "checkpoint": None})
    for phase, rows in (("means", 0), ("means", 900), ("choosing", 0)):
        with pytest.raises(_Stopped):
            so.coreset(data, 12, progress=_stopping(phase, rows), **given)
        assert (tmp_path / "kept").exists()
    told: list[tuple[str, int]] = []
    again = so.coreset(data, 12, progress=lambda *step: told.append(step[:2]), **given)
    assert not [step for step in told if step[0] in ("survey", "target")]
    assert next(done for phase, done in told if phase == "means") > 900
    np.testing.assert_array_equal(again.indices, whole.indices)
    assert (again.mmd, again.random_mmd) == (whole.mmd, whole.random_mmd)
    assert again.groups == whole.groups
    assert again.ids is None or again.ids.tolist() == whole.ids.tolist()  # type: ignore[union-attr]
    assert not list(tmp_path.iterdir())


def test_sums_are_written_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_coreset_checkpoint, "_PAUSE", 0.0)
    monkeypatch.setattr(_coreset_checkpoint, "_SHARE", 0.0)
    seen: list[int] = []

    def progress(phase: str, done: int, total: int | None) -> None:
        if phase == "means" and done:
            with np.load(tmp_path / "kept") as file:
                seen.append(int(file["summed"]))

    so.coreset(X, 12, checkpoint=tmp_path / "kept", progress=progress, **GIVEN)
    assert seen[0] > 0
    assert seen[-1] == len(X)


class _Parts(DividedEngine):
    """Reads the parts of workers here, and counts them."""

    name = "dask"
    read = 0

    def results(self, parts: list[Located], work: Any) -> Iterator[Any]:
        for at in parts:
            self.read += 1
            yield worked(work, at.part.open, at.part.payload, at.first)


def test_parts_that_are_in_the_sums_are_not_read_again() -> None:
    kernel, unscaled = so.Gaussian(1.0), Scaling.of(X, "none")

    def means(engine: _Parts, sums: RunningSums) -> Any:
        return kernel_means(
            kernel, X[:50], ArrayRows(X), unscaled, 1, lambda *step: None, len(X), engine, sums
        )

    marks: list[tuple[Any, int]] = []
    sums = RunningSums(np.zeros(50), kept=lambda: marks.append((sums.total.copy(), sums.rows)))
    engine = _Parts()
    whole = means(engine, sums)
    assert engine.read == len(marks) > 5
    later = _Parts()
    np.testing.assert_array_equal(means(later, RunningSums(*marks[3])), whole)
    assert later.read == engine.read - 4


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seed": 1}, "is of a coreset with seed 0, not 1"),
        ({"k": 13}, "is of a coreset with k 12, not 13"),
        ({"kernel": "laplace"}, "with kernel"),
        ({"constraints": {"include": [1]}}, "with constraints"),
        ({"data": X + 1.0}, "with first rows of data"),
        ({"data": X[:4000]}, "with rows of data 5000, not 4000"),
    ],
)
def test_the_checkpoint_of_another_coreset_is_refused(
    change: dict[str, Any], says: str, tmp_path: Path
) -> None:
    given = {"data": X, "k": 12, "checkpoint": tmp_path / "kept", **GIVEN}
    with pytest.raises(_Stopped):
        so.coreset(**given, progress=_stopping("means", 0))
    before = (tmp_path / "kept").read_bytes()
    with pytest.raises(InvalidFile, match=says):
        so.coreset(**{**given, **change})
    assert (tmp_path / "kept").read_bytes() == before


def test_what_is_no_checkpoint_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a letter")
    with pytest.raises(InvalidFile, match="is not a checkpoint of a coreset, or damaged"):
        so.coreset(X, 12, checkpoint=tmp_path / "kept", **GIVEN)
    assert (tmp_path / "kept").read_text() == "a letter"
    with pytest.raises(InvalidOption, match="can be read twice"):
        so.coreset(iter([X]), 12, checkpoint=tmp_path / "other", **GIVEN)
