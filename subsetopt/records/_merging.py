"""Records of all writers that a stream has not had, merged in the order of time."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._record_blocks import RecordBlock, concatenated
from ._segments import segments

Read = Callable[[str, int], Iterator[RecordBlock]]
"""Yields the records of a writer from a number on."""


class Tail:
    """Records of one writer that the stream has not had, read on demand."""

    def __init__(self, writer: str, position: int, read: Read) -> None:
        self._writer, self._position, self._blocks = writer, position, read
        self.end = self._seen = 0
        """The number after the last record there was when the folder was looked at."""
        self._held: deque[RecordBlock] = deque()
        self._count = 0
        self._source: Iterator[RecordBlock] | None = None

    def first(self, count: int, until: int) -> RecordBlock:
        """Return the first records, `count` at most, none of a later time."""
        while self._count < count and self._read():
            pass
        parts, missing = [], count
        for block in self._held:  # a block may be a thousand times as long as a window
            young = int(np.searchsorted(block.times, until, side="right"))
            parts.append(block.taken(slice(0, min(missing, young))))
            missing -= len(parts[-1])
            if not missing or young < len(block):
                break
        return concatenated(parts, self._writer)

    def below(self, sequence: int) -> RecordBlock:
        """Return the first records, those with smaller numbers."""
        while (not self._held or self._held[-1].sequence[-1] < sequence - 1) and self._read():
            pass
        found = concatenated(list(self._held), self._writer)
        return found.taken(slice(0, int(np.searchsorted(found.sequence, sequence))))

    def extend(self, end: int) -> bool:
        """Note that there are records up to a number; return whether some are new."""
        new = end > max(self._seen, self._position)
        self.end, self._seen = end, max(end, self._seen)
        return new

    def pop(self, count: int) -> RecordBlock:
        """Remove and return the first `count` of those that have been read."""
        parts = []
        while count:
            block = self._held.popleft()
            if len(block) > count:
                self._held.appendleft(block.taken(slice(count, None)))
                block = block.taken(slice(0, count))
            parts.append(block)
            count -= len(block)
            self._count -= len(block)
        return concatenated(parts, self._writer)

    def _read(self) -> bool:
        """Read one more block; return whether there was one."""
        if self._source is None:
            if self.end <= self._position:
                return False
            self._source = self._blocks(self._writer, self._position)
        block = next(self._source, None)
        if block is None:
            self._source = None
            self.end = 0  # what is left cannot be read: not before the folder is looked at again
            return False
        self._position = int(block.sequence[-1]) + 1
        self._held.append(block)
        self._count += len(block)
        return True


class Taken:
    """Blocks of several writers as one, in the order of time."""

    def __init__(self, parts: list[RecordBlock]) -> None:
        self._parts = parts
        times = np.concatenate([part.times for part in parts]) if parts else np.empty(0, np.int64)
        order = np.argsort(times, kind="stable")
        joined = concatenated(parts, "")
        self.block = joined.taken(order)
        owners = [writer for part in parts for writer in [part.writer] * len(part)]
        self._owners = [owners[p] for p in order]

    def __len__(self) -> int:
        return len(self.block)

    @property
    def ends(self) -> dict[str, int]:
        """For each writer the number after its last record here."""
        return {part.writer: int(part.sequence[-1]) + 1 for part in self._parts if len(part)}

    @property
    def ids(self) -> Any:
        """(m,), as `RecordBlock` has them."""
        return self.block.ids

    @property
    def times(self) -> NDArray[np.int64]:
        """(m,), rising."""
        return self.block.times

    @property
    def losses(self) -> NDArray[np.float32]:
        """(m,), NaN where unknown."""
        assert self.block.losses is not None
        return self.block.losses

    @property
    def outputs(self) -> NDArray[np.float32] | None:
        """(m, d), where they were read."""
        return self.block.outputs

    @property
    def features(self) -> NDArray[np.float32] | None:
        """(m, d), where they were read."""
        return self.block.features

    def places(self, rows: NDArray[np.intp]) -> dict[str, list[int]]:
        """Return rows as numbers of records, by writers."""
        found: dict[str, list[int]] = {}
        for p in rows.tolist():
            found.setdefault(self._owners[p], []).append(int(self.block.sequence[p]))
        return found

    def columns(
        self, rows: NDArray[np.intp]
    ) -> tuple[list[str], NDArray[np.int64], Any, NDArray[np.int64]]:
        """Return the writers, numbers, ids and times of rows."""
        own = self.block.taken(rows)
        return [self._owners[p] for p in rows], own.sequence, own.ids, own.times

    def rows(self, places: dict[str, list[int]]) -> NDArray[np.intp]:
        """Return the rows of what `places` returned, as far as they are still there."""
        wanted = {(writer, number) for writer, numbers in places.items() for number in numbers}
        here = zip(self._owners, self.block.sequence.tolist(), strict=True)
        return np.array([p for p, one in enumerate(here) if one in wanted], np.intp)


_LOOK = 1.0
"""Seconds between looks for new records, while those that are known are enough."""


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
        every = ((name, tail.first(count, until)) for name, tail in sorted(self._tails.items()))
        held = [(name, block) for name, block in every if len(block)]
        if sum(len(block) for _, block in held) < count:
            if not self._look(positions):
                return None
            return self.take(count, until, positions)
        order, found = [writer for writer, _ in held], [block for _, block in held]
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
        for writer, tail in self._tails.items():
            tail.end = after[writer]
        parts = [
            tail.pop(len(tail.below(after[writer])))
            for writer, tail in self._tails.items()
            if after[writer] > before.get(writer, 0)
        ]
        return Taken([part for part in parts if len(part)])

    def _look(self, positions: Mapping[str, int]) -> bool:
        """Look for records that are new; return whether there are any."""
        self._looked = monotonic()
        more = False
        for one in segments(self._root):
            if one.writer not in self._tails:
                at = positions.get(one.writer, 0)
                self._tails[one.writer] = Tail(one.writer, at, self._blocks)
            more |= self._tails[one.writer].extend(one.stop)
        return more
