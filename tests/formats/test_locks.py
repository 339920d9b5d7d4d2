"""Locks: one writer at a time."""

from pathlib import Path

import pytest

from subsetopt._files import locked, locked_folder
from subsetopt.errors import InvalidFile, InvalidOption


def test_the_second_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "results"
    with locked_folder(folder):
        with pytest.raises(InvalidOption, match=r"results is being written by another run; wait"):
            locked_folder(folder)
        with pytest.raises(InvalidOption, match="once only"):
            locked(folder / ".lock", "once only", patience=0.05)
    locked_folder(folder).release()


def test_what_cannot_be_locked(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidOption, match="file must be a folder; got a file"):
        locked_folder(tmp_path / "file")
    with pytest.raises(InvalidFile, match="cannot be made"):
        locked_folder(tmp_path / "file" / "results")
    with pytest.raises(InvalidFile, match="cannot be locked"):
        locked(tmp_path / "nowhere" / "file" / ".lock" / "x" / ("y" * 300), "")
