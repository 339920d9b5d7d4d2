"""Sequences as files and pictures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt.sequencing import _archive


@pytest.fixture
def found() -> so.MiniBatchSequence:
    return so.sequence(np.random.default_rng(0).normal(size=(23, 2)), 5)


def test_round_trip(found: so.MiniBatchSequence, tmp_path: Path) -> None:
    path = tmp_path / "found.npz"
    found.save(path)
    again = so.MiniBatchSequence.load(path)
    for name in ("order", "boundaries", "mmd2", "mmd2_to_whole", "seconds"):
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))
        assert getattr(again, name).dtype == getattr(found, name).dtype
        assert not getattr(again, name).flags.writeable
    assert again.total_seconds == found.total_seconds
    assert again.provenance == found.provenance
    assert [path.name for path in tmp_path.iterdir()] == ["found.npz"]


def test_provenance(found: so.MiniBatchSequence) -> None:
    facts = found.provenance
    assert json.loads(json.dumps(facts)) == facts
    assert facts["n"] == 23
    assert facts["features"] == [2]
    assert facts["kernel"].startswith("Gaussian(scale=")
    assert facts["solver"] == "running-swap()"
    assert facts["dtype"] == "float64"
    assert facts["data"].startswith("<f8(23, 2)")
    assert facts["versions"]["subsetopt"] == so.__version__
    assert found.total_seconds >= found.seconds.sum() > 0


def test_damage(found: so.MiniBatchSequence, tmp_path: Path) -> None:
    path = tmp_path / "found.npz"
    found.save(path)
    content = path.read_bytes()
    for position in range(0, len(content), 19):
        broken = bytearray(content)
        broken[position] ^= 0xFF
        path.write_bytes(broken)
        try:
            again = so.MiniBatchSequence.load(path)
        except so.InvalidFile as error:
            assert str(path) in str(error)  # noqa: PT017
        else:  # in a part of the archive that says nothing
            np.testing.assert_array_equal(again.order, found.order)
    for length in (0, 10, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(so.InvalidFile):
            so.MiniBatchSequence.load(path)
    with pytest.raises(so.InvalidFile, match="there is no such file"):
        so.MiniBatchSequence.load(tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"order": np.arange(3.0)}, "order is float64"),
        ({"order": np.array([0, 1, 1])}, "holds a point twice"),
        ({"order": np.array([0, -1, 2])}, "or a negative one"),
        ({"boundaries": np.array([0, 4])}, "do not go from 0 to 3"),
        ({"boundaries": np.array([0, 1, 2, 3])}, "3 batches, but not one number"),
        ({"boundaries": np.array([0, 3, 3])}, "do not ascend"),
        ({"mmd2": np.zeros(3)}, r"mmd2_to_whole is float64 of shape \(2,\)"),
    ],
)
def test_arrays_that_are_no_sequence(changes: Any, message: str, tmp_path: Path) -> None:
    arrays = {
        "order": np.arange(3),
        "boundaries": np.array([0, 2, 3]),
        "mmd2": np.zeros(2),
        "mmd2_to_whole": np.zeros(2),
        "seconds": np.zeros(2),
    }
    note = {"total_seconds": 1.0, "provenance": {}}
    path = tmp_path / "made.npz"
    _archive.write(path, "sequence", arrays, note)
    assert len(so.MiniBatchSequence.load(path)) == 2
    _archive.write(path, "sequence", {**arrays, **changes}, note)
    with pytest.raises(so.InvalidFile, match=message):
        so.MiniBatchSequence.load(path)


def test_files_of_other_kinds(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    _archive.write(path, "checkpoint", {}, {})
    with pytest.raises(so.InvalidFile, match="holds a checkpoint, no sequence"):
        so.MiniBatchSequence.load(path)
    np.savez(path, order=np.arange(3))
    with pytest.raises(so.InvalidFile, match="no sequence"):
        so.MiniBatchSequence.load(path)
    np.savez(path, note=np.array([{"what": "sequence"}], dtype=object), allow_pickle=True)
    with pytest.raises(so.InvalidFile, match="no sequence"):
        so.MiniBatchSequence.load(path)


def test_plot(found: so.MiniBatchSequence, tmp_path: Path) -> None:
    figure = pytest.importorskip("matplotlib.figure")
    axes = found.plot().axes[0]
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), found.mmd)
    other = figure.Figure().add_subplot()
    assert found.plot(axes=other) is other
    assert other.lines
    found.plot(tmp_path / "curve.svg")
    assert (tmp_path / "curve.svg").stat().st_size > 1000
    with pytest.raises(so.InvalidOption, match="a path or axes, not both"):
        found.plot(tmp_path / "curve.svg", axes=other)
