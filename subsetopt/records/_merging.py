"""What all writers have recorded and a stream has not had, merged in the order of time."""

from collections.abc import Mapping
from pathlib import Path
from time import monotonic

import numpy as np

from ._segments import segments
from ._tails import Read, Tail, Taken

_LOOK = 1.0
"""Seconds between looks for new writers, while the known ones have enough."""


class Merged:
    """The tails of the writers of a folder, read as one.

    Parameters
    ----------
    root : Path
        Of the folder of records.
    read : callable
        Yields the blocks of a writer from a number on.
    """

    def __init__(self, root: Path, read: Read) -> None:
        self._root, self._blocks = root, read
        self._tails: dict[str, Tail] = {}
        self._looked = -_LOOK

    def forget(self) -> None:
        """Read again from the positions that are given next."""
        self._tails.clear()
        self._looked = -_LOOK

    def take(self, count: int, until: int, positions: Mapping[str, int]) -> Taken | None:
        """Remove and return the earliest records, none of a later time; None where they are fewer.

        Parameters
        ----------
        count : int
        until : int
            Microseconds since 1970.
        positions : mapping of str to int
            Where writers that are new begin; else at their first record.
        """
        if monotonic() - self._looked > _LOOK:
            self._look(positions)
        order = sorted(self._tails)
        found = [self._tails[writer].first(count, until) for writer in order]
        if sum(map(len, found)) < count:
            if not self._look(positions):
                return None
            return self.take(count, until, positions)
        times = np.concatenate([block.times for block in found])
        owner = np.repeat(np.arange(len(found)), [len(block) for block in found])
        earliest = np.argsort(times, kind="stable")[:count]
        counts = np.bincount(owner[earliest], minlength=len(found))
        parts = [
            self._tails[writer].pop(int(size))
            for writer, size in zip(order, counts, strict=True)
            if size
        ]
        return Taken(parts)

    def between(self, before: Mapping[str, int], after: Mapping[str, int]) -> Taken:
        """Remove and return what lies between two positions of each writer; forget all else."""
        self._tails = {
            writer: Tail(writer, before.get(writer, 0), self._blocks) for writer in sorted(after)
        }
        parts = [
            tail.pop(len(tail.below(after[writer])))
            for writer, tail in self._tails.items()
            if after[writer] > before.get(writer, 0)
        ]
        return Taken([part for part in parts if len(part)])

    def _look(self, positions: Mapping[str, int]) -> bool:
        """Look for writers that are new; return whether there is one."""
        self._looked = monotonic()
        new = {one.writer for one in segments(self._root)} - self._tails.keys()
        for writer in new:
            self._tails[writer] = Tail(writer, positions.get(writer, 0), self._blocks)
        return bool(new)
