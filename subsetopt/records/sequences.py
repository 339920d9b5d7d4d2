"""Where a writer's numbers go on, whatever of its segments has been dropped since."""

import json
from pathlib import Path

from subsetopt.formats.atomic import replacing

from .segments import listed

_KEPT = ".next.json"


def next_sequence(folder: Path) -> int:
    """Return the number of the next record of the writer of this folder."""
    stops = [one.stop for one in listed(folder)]
    return max([kept_sequence(folder), *stops])  # in this order: what is kept is never missed


def kept_sequence(folder: Path) -> int:
    """Return what `keep_sequence` wrote last; 0 without."""
    try:
        return int(json.loads((folder / _KEPT).read_bytes())["next"])
    except FileNotFoundError:
        return 0


def keep_sequence(folder: Path, number: int) -> None:
    """Write down that numbers below this one have been given away, before files are dropped."""
    if number > kept_sequence(folder):
        with replacing(folder / _KEPT) as stream:
            stream.write(json.dumps({"next": number}).encode())
