"""Files from a bad disk, or by a bad hand, end as an error of our own, in one line."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt.formats._documents import parsed_json
from subsetopt.sequencing import _archive

from .corruption import (  # type: ignore[import-not-found]
    READERS,
    checkpoint,
    corrupted,
    resumed,
)

COUNT = 36


@pytest.mark.parametrize("name", READERS)
def test_only_own_errors_come_out(name: str, tmp_path: Path) -> None:
    file, made, read = READERS[name]
    path, content = tmp_path / file, made()
    path.write_bytes(content)
    read(path)
    refused = []
    for damaged in corrupted(content, 5, COUNT):
        path.write_bytes(damaged)
        try:
            read(path)
        except so.SubsetOptError as error:
            refused.append(str(error))
    assert refused
    assert not any("\n" in message for message in refused)


UNFIT: dict[str, dict[str, Any]] = {
    "NaN": {"sums": np.array([0.0, np.nan, 0.0])},
    "shape": {"sums": np.zeros(4)},
    "dtype": {"order": np.arange(12, dtype=np.int32)},
    "descending": {"boundaries": np.array([0, 8, 4, 12])},
    "other steps": {"boundaries": np.array([0, 3, 8, 12])},
    "overflow": {"boundaries": np.array([0, 2**62, -(2**62), 12])},
    "scalar": {"boundaries": np.array(3)},
    "no order": {"order": np.zeros(0, np.int64)},
    "twice": {"order": np.zeros(12, np.int64)},
    "beyond": {"order": np.arange(12) + 2**40},
    "too many": {"potentials": np.zeros(21)},
    "NaN within": {"potentials": np.full(20, np.nan)},
    "infinite": {"mmd2_to_whole": np.full(3, np.inf)},
    "seconds": {"seconds": np.array([1.0, -1.0, 1.0])},
    "text": {"seconds": np.array(["a", "b", "c"])},
}


@pytest.mark.parametrize("name", UNFIT)
def test_checkpoints_that_cannot_be(name: str, tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    path.write_bytes(checkpoint())
    with np.load(path) as held:
        arrays = {one: held[one] for one in held.files}
    note = parsed_json(str(arrays.pop("note")), "note")
    _archive.write(path, "checkpoint", {**arrays, **UNFIT[name]}, note["note"])
    before = path.read_bytes()
    with pytest.raises(so.InvalidFile, match="damaged"):
        resumed(path)
    assert path.read_bytes() == before
    _archive.write(path, "checkpoint", arrays, note["note"])
    resumed(path)


@pytest.mark.parametrize("header", ["[" * 5000, "3", '{"what": "checkpoint"}', "NaN"])
def test_notes_that_are_none(header: str, tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    np.savez(path, note=np.array(header))
    with pytest.raises(so.InvalidFile, match=r"checkpoint|version"):
        resumed(path)


@pytest.mark.parametrize("text", [b"\n" * 10**6 + b"1\n", b" " * 10**6, b"+" + b" " * 10**6 + b"x"])
def test_blanks_without_end(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(text)
    start = time.process_time()
    with pytest.raises(so.InvalidFile):
        so.read_problem(tmp_path / "a.txt")
    assert time.process_time() - start < 60  # an hour where a pattern tries all ways to split them
