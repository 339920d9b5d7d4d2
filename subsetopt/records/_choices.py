"""Choice of records in a window, and the log: ``choices/stream=NAME/START-STOP.parquet``."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._checks import count_of_share, is_integer, require
from subsetopt.errors import InvalidSelection
from subsetopt.selecting import select

from ._layout import Layout, arrow
from ._segment_files import LOG, remove_unfinished, write
from ._segments import file_of

Choose = Callable[[NDArray[np.float32], int, NDArray[np.float32] | None], ArrayLike]
"""Chooses k of n: of losses (n,), k and features (n, d) or None makes k different rows."""


def size_of(k: int | float, n: int) -> int:
    """Return how many of n are chosen: k, at most all; or a share of them, at least one."""
    if isinstance(k, float):
        return count_of_share("k", k, n)
    require("k", k, is_integer(k) and k >= 1, "an integer >= 1 or a share in (0, 1]")
    return min(k, n)


def checked(given: ArrayLike, k: int, n: int) -> NDArray[np.intp]:
    """Return what was chosen, sorted; raise InvalidSelection unless it is k different rows of n."""
    chosen = np.asarray(given)
    if chosen.shape == (k,) and chosen.dtype.kind in "iu":
        chosen = np.sort(chosen)
        if chosen[0] >= 0 and chosen[-1] < n and (chosen[1:] != chosen[:-1]).all():
            return chosen.astype(np.intp)
    raise InvalidSelection(f"what was chosen must be {k} different rows of {n}; got {given!r}")


def by_mean(
    losses: NDArray[np.float32], k: int, features: NDArray[np.float32] | None
) -> NDArray[np.intp]:
    """Choose k losses whose mean is that of all, as `subsetopt.select` does."""
    chosen: NDArray[np.intp] = select(losses, k)
    return chosen


CHOICES = "choices"
_ROWS, _SECONDS = 65_536, 30.0
"""Records, and seconds, after which the log is written."""


class ChoiceLog:
    """Writes down what the finished windows of a stream have chosen.

    It is there to be looked at, and nothing depends on it: a process that is killed loses what it
    held, and what cannot be written is dropped and counted.

    Parameters
    ----------
    root : Path
    name : str
        Of the stream.
    layout : Layout
    windows : int
        How many are finished; what is there of later ones is removed, as they come again.
    """

    def __init__(self, root: Path, name: str, layout: Layout, windows: int) -> None:
        self._folder = root / CHOICES / f"stream={name}"
        self._layout = layout
        self._held: list[tuple[int, Sequence[str], NDArray[Any], Any, NDArray[Any], NDArray[Any]]]
        self._held = []
        self._rows, self._since = 0, 0.0
        self.dropped = 0
        """Chosen records that could not be written down."""
        self.cut(windows)

    def note(
        self,
        window: int,
        writers: Sequence[str],
        sequence: NDArray[np.int64],
        ids: Any,
        times: NDArray[np.int64],
        losses: NDArray[np.float32],
    ) -> None:
        """Take in what a window has chosen: columns (m,), times in microseconds since 1970."""
        if not self._held:
            self._since = monotonic()
        self._held.append((window, writers, sequence, ids, times, losses))
        self._rows += len(sequence)
        self.flush(unless_young=True)

    def flush(self, *, unless_young: bool = False) -> None:
        """Write what is held; with `unless_young` only if it is much, or old."""
        old = self._rows >= _ROWS or monotonic() - self._since >= _SECONDS
        if not self._held or (unless_young and not old):
            return
        held, count = self._held, self._rows
        self._held, self._rows = [], 0
        if not count:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            target = file_of(self._folder, held[0][0], held[-1][0] + 1)
            table = self._table(held)
            write([table], table.schema, target, durable=False)
        except OSError as error:
            self.dropped += count
            LOG.warning("could not keep what was chosen: %s", error)

    def cut(self, windows: int) -> None:
        """Forget what is held or written of the window of that number, and of later ones."""
        pa, pq = arrow(), arrow("parquet")
        self._held, self._rows = [], 0
        try:
            remove_unfinished(self._folder)
            for path in _files(self._folder):
                start, stop = (int(part) for part in path.stem.split("-"))
                if start < windows < stop:
                    held = pq.read_table(path, partitioning=None)
                    kept = held.filter(pa.compute.field("window") < windows)
                    target = file_of(self._folder, start, windows)
                    write([kept], kept.schema, target, durable=False)
                if stop > windows:
                    path.unlink(missing_ok=True)
        except (OSError, pa.ArrowException, ValueError) as error:
            LOG.warning("could not repair what was chosen: %s", error)

    def _table(self, held: list[Any]) -> Any:
        pa = arrow()
        records = self._layout.records()
        schema = pa.schema(
            [
                pa.field("window", pa.int64(), nullable=False),
                pa.field("writer", pa.string(), nullable=False),
                *(records.field(name) for name in ("sequence", "id", "time", "loss")),
            ],
            metadata=records.metadata,
        )
        losses = np.concatenate([one[5] for one in held])
        times = pa.array(np.concatenate([one[4] for one in held]))
        columns = {
            "window": np.repeat([one[0] for one in held], [len(one[2]) for one in held]),
            "writer": [writer for one in held for writer in one[1]],
            "sequence": np.concatenate([one[2] for one in held]),
            "id": [key for one in held for key in one[3]],
            "time": times.view(records.field("time").type),
            "loss": pa.array(losses, mask=np.isnan(losses)),
        }
        return pa.table(columns, schema=schema)


def kept_streams(root: Path) -> list[str]:
    """Return the names of the streams whose choices are kept here."""
    found = (root / CHOICES).glob("stream=*")
    return sorted(folder.name.partition("=")[2] for folder in found if any(_files(folder)))


def read_choices(root: Path, name: str) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Yield times, in microseconds since 1970, and losses of what a stream has chosen."""
    pa, pq = arrow(), arrow("parquet")
    for path in _files(root / CHOICES / f"stream={name}"):
        try:
            table = pq.read_table(path, columns=["time", "loss"], partitioning=None)
        except (OSError, pa.ArrowException, ValueError, KeyError) as error:
            LOG.warning("left out %s: %s", path, error)
            continue
        losses = table.column("loss").to_numpy().astype(np.float32)
        yield table.column("time").cast(pa.int64()).to_numpy(), losses


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9]*-[0-9]*.parquet"))
