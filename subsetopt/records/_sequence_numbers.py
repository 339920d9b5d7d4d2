"""Where a writer's numbers go on, whatever of its segments has been dropped since."""

import json
import os
from pathlib import Path

from subsetopt._files import replacing
from subsetopt.errors import InvalidFile
from subsetopt.formats._documents import read_json

from ._segments import listed

_KEPT = ".next.json"


def next_sequence(folder: Path) -> int:
    """Return the number of the next record of the writer of this folder."""
    stops = [one.stop for one in listed(folder)]
    return max([kept_sequence(folder), *stops])  # in this order: what is kept is never missed


def kept_sequence(folder: Path) -> int:
    """Return what `keep_sequence` wrote last; 0 without."""
    path = folder / _KEPT
    try:
        found = read_json(path)
    except InvalidFile:
        if not os.path.lexists(path):
            return 0
        raise
    number = found.get("next") if isinstance(found, dict) else None
    if type(number) is not int or number < 0:
        raise InvalidFile(f"{path}: damaged; it holds no number of a record")
    return number


def keep_sequence(folder: Path, number: int) -> None:
    """Write down that numbers below this one have been given away, before files are dropped."""
    if number > kept_sequence(folder):
        with replacing(folder / _KEPT) as stream:
            stream.write(json.dumps({"next": number}).encode())
