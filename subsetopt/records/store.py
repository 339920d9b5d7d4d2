"""Reader of a folder of records: counts, blocks, latest losses, maintenance."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from subsetopt._checks import require_integer
from subsetopt.errors import InvalidOption

from ._classes import Classes, classes_of
from ._layout import Folder, folder_at, read_layout
from ._maintenance import Compacted, Dropped, compact, retain
from ._record_blocks import RecordBlock, blocks, concatenated
from ._segment_files import Skipped
from ._segments import LABELS, RECORDS, files_of, segments
from ._writer_state import times_of
from .latest import Labels, Latest, LatestLosses, LossOf

__all__ = ["Info", "RecordStore"]

_COLUMNS = ("loss", "model", "outputs", "features")


@dataclass(frozen=True)
class Info:
    """Contents of a folder of records."""

    records: int
    labels: int
    files: int
    bytes: int
    first: float | None
    """Seconds since 1970 of the first record; None without any."""
    last: float | None
    with_loss: int
    """Records whose loss was known when they were written."""
    writers: dict[str, int] = field(default_factory=dict)
    """Records of each writer."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Files that are no segments or cannot be read, by why."""


class RecordStore:
    """A folder of records, to be read: ``RecordStore("records")``.

    Readers take no locks: writers and compaction may go on meanwhile.

    Raises
    ------
    InvalidFile
        If there is no such folder, it holds no records, or those of another version.
    """

    def __init__(self, root: Folder) -> None:
        self.root = folder_at(root)
        self.layout = read_layout(root)

    def info(self) -> Info:
        """Return what the folder holds, read from the ends of its files. O(files)."""
        skipped = Skipped()
        counts = {RECORDS: 0, LABELS: 0}
        files = size = unknown = 0
        writers: dict[str, int] = {}
        times: list[int] = []
        for kind in (RECORDS, LABELS):
            here = segments(self.root, kind, skipped)
            for held, file in files_of(here, self.layout, skipped):
                own = [
                    (one.writer, file.metadata.num_rows if one.rows is None else one.rows)
                    for one in held
                ]
                rows = sum(count for _, count in own)
                files += 1
                with suppress(FileNotFoundError):  # merged meanwhile
                    size += held[0].path.stat().st_size
                counts[kind] += rows
                if kind == RECORDS:
                    for writer, count in own:
                        writers[writer] = writers.get(writer, 0) + count
                    times += times_of(file, held[0].path, skipped) or ()
                    unknown += _nulls(file, "loss")
        return Info(
            records=counts[RECORDS],
            labels=counts[LABELS],
            files=files,
            bytes=size,
            first=min(times) / 1e6 if times else None,
            last=max(times) / 1e6 if times else None,
            with_loss=counts[RECORDS] - unknown,
            writers=writers,
            left_out=dict(skipped),
        )

    def blocks(
        self,
        columns: Sequence[str] = ("loss", "model"),
        *,
        after: Mapping[str, int] | None = None,
        skipped: Skipped | None = None,
    ) -> Iterator[RecordBlock]:
        """Yield all records once, writer by writer, as blocks of columns.

        Parameters
        ----------
        columns : sequence of {"loss", "model", "outputs", "features"}
        after : mapping, optional
            For each writer the number of the first record that is wanted.
        skipped : Skipped, optional
            Counts the files that are left out.

        Raises
        ------
        InvalidOption
            For a column that the folder does not have.
        """
        for name in columns:
            missing = name in ("outputs", "features") and not getattr(self.layout, name)
            if name not in _COLUMNS or missing:
                raise InvalidOption(f"there is no column {name!r} here; known are {_COLUMNS}")
        return blocks(self.root, self.layout, columns, after=after, skipped=skipped)

    def latest(self, ids: ArrayLike, *, loss_of: LossOf | None = None) -> Latest:
        """Return the latest loss of each id, with its age and model version.

        Reads all records once, in memory that grows with the number of ids asked for; for many
        questions keep a `LatestLosses` instead.

        Parameters
        ----------
        ids : array of int64 or of str, (m,)
        loss_of : callable, optional
            As `LatestLosses` takes it.

        Raises
        ------
        InvalidProblem
            If ids are of another kind than those of the folder.
        """
        found = LatestLosses(self, only=ids, loss_of=loss_of)
        found.refresh()
        return found.lookup(ids)

    def labels(self) -> Labels:
        """Return the labels that have arrived so far, by id, and how many contradict each other."""
        found = Labels(self.root, self.layout)
        found.refresh()
        return found

    def classes(self) -> Classes | None:
        """Return how many labels have arrived and are no class; None where there are no classes.

        O(labels), in memory of one row group.
        """
        found = classes_of(self.layout)
        if found is not None:
            for block in blocks(self.root, self.layout, ("label",), kind=LABELS):
                if block.labels is not None:
                    found.see(block.labels)
        return found

    def tail(self, count: int = 10) -> RecordBlock | None:
        """Return the `count` latest records, in order of time; None without any.

        Of each writer the last segments are read, as many as it takes.

        Raises
        ------
        InvalidOption
            If `count` is no number >= 1.
        """
        require_integer("count", count, "[1, inf)")
        after: dict[str, int] = {}
        for segment in segments(self.root):
            after[segment.writer] = max(after.get(segment.writer, 0), segment.stop - count)
        parts = list(self.blocks(after=after))
        if not parts:
            return None
        joined = concatenated(parts, "")
        return joined.taken(np.argsort(joined.times, kind="stable")[-count:])

    def compact(self, rows: int = 4_194_304, *, across_writers: bool = False) -> Compacted:
        """Merge small files into ones of at most `rows` records; readers and writers may go on.

        Parameters
        ----------
        rows : int
        across_writers : bool
            Merge files of several writers into one, too, and remove the folders of those that have
            ended. Versions up to 0.2.0 refuse the folder from then on.

        Raises
        ------
        InvalidOption
            If `rows` is no number >= 1, or another process maintains the folder.
        """
        return compact(self.root, self.layout, rows, across_writers)

    def retain(self, *, max_age: float | None = None, max_records: int | None = None) -> Dropped:
        """Drop old records; see `subsetopt.records._maintenance.retain`."""
        return retain(self.root, self.layout, max_age, max_records)


def _nulls(file: Any, name: str) -> int:
    """Return how many values of a column are null, from the statistics of a ParquetFile."""
    place = file.schema_arrow.get_field_index(name)
    groups = (file.metadata.row_group(g) for g in range(file.metadata.num_row_groups))
    held = (group.column(place).statistics for group in groups)
    return sum(one.null_count or 0 for one in held if one is not None)  # a damaged end has none
