"""Latest loss of each id, with its age and model; late labels are joined by id."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import time as now
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt import _kernels

from ._classes import classes_of
from ._ids import Ids, as_ids
from ._layout import Layout
from ._record_blocks import RecordBlock, blocks
from ._segment_files import Skipped
from ._segments import LABELS

__all__ = ["Labels", "Latest", "LatestLosses"]

LossOf = Callable[[NDArray[np.float32], NDArray[np.float64]], Any]
NEVER = np.iinfo(np.int64).min
_MICRO = 1e-6


@dataclass(frozen=True)
class Latest:
    """Latest losses of some ids."""

    losses: NDArray[np.float32]
    """(m,), NaN where none is known."""
    times: NDArray[np.float64]
    """(m,): seconds since 1970 of the records that the losses are of; NaN where none is known."""
    models: NDArray[np.object_]
    """(m,): versions of the models, "" where none is known."""

    @property
    def known(self) -> NDArray[np.bool_]:
        """(m,): where a loss is known."""
        return ~np.isnan(self.losses)

    def ages(self, at: float | None = None) -> NDArray[np.float64]:
        """Return the seconds since the records, as of `at`, which is now without; NaN: unknown."""
        return (now() if at is None else at) - self.times


class Labels:
    """The label of each id, as far as any has arrived."""

    def __init__(self, root: Path, layout: Layout, only: Any = None) -> None:
        self.root, self.layout = root, layout
        self.ids = Ids(layout.ids == "string")
        self._only = only is not None
        self._values, self._times = np.empty(0), np.empty(0, np.int64)
        self._reached: dict[str, int] = {}
        self._counts = np.zeros(2, np.int64)
        self.read = 0
        """How many labels have been read."""
        self.classes = classes_of(layout)
        """The classes among them; None where the layout has none."""
        if only is not None:
            self.ids.add(only)
            self._fit()

    @property
    def duplicates(self) -> int:
        """How many labels came for an id that had one."""
        return int(self._counts[0])

    @property
    def conflicts(self) -> int:
        """How many of these contradicted the one before."""
        return int(self._counts[1])

    def refresh(self, skipped: Skipped | None = None) -> int:
        """Read the labels that have arrived since; return how many."""
        before = self.read
        given: dict[str, Any] = {"kind": LABELS, "after": self._reached, "skipped": skipped}
        for block in blocks(self.root, self.layout, ("label",), **given):
            if self.classes is not None and block.labels is not None:
                self.classes.see(block.labels)
            places = self.ids.among(block.ids) if self._only else self.ids.add(block.ids)
            self._fit()
            _kernels.record_tables.keep_labels(
                places, block.times, block.labels, self._times, self._values, self._counts
            )
            self._reached[block.writer] = int(block.sequence[-1]) + 1
            self.read += len(block)
        return self.read - before

    def lookup(self, ids: ArrayLike) -> NDArray[np.float64]:
        """Return the label of each id, NaN where none has arrived.

        Raises
        ------
        InvalidProblem
            If they are of another kind than those of the folder.
        """
        places = self.ids.find(as_ids(ids, self.layout.ids == "string"))
        found = np.full(len(places), np.nan)
        known = places >= 0
        found[known] = self._values[places[known]]
        return found

    def loss_of(self, given: LossOf | None) -> LossOf | None:
        """Return what makes losses of outputs and labels: `given`, else the cross entropy.

        None where there are no outputs, or they are no logarithms of probabilities.
        """
        if not self.layout.outputs:
            return None
        return given or (None if self.classes is None else self.classes.losses)

    def joined(self, block: RecordBlock, loss_of: LossOf | None) -> NDArray[np.float32]:
        """Return the losses (m,) of records, with those whose label has come; NaN where unknown."""
        losses = np.array(block.losses, np.float32)
        rows = np.nonzero(np.isnan(losses))[0]
        if loss_of is None or block.outputs is None or not len(rows):
            return losses
        ids: Any = block.ids
        labels = self.lookup([ids[p] for p in rows] if isinstance(ids, list) else ids[rows])
        known = ~np.isnan(labels)
        rows = rows[known]
        found = np.asarray(loss_of(block.outputs[rows], labels[known]), np.float32)
        losses[rows] = np.where(np.isfinite(found), found, np.nan)
        return losses

    def _fit(self) -> None:
        self._values = _fitted(self._values, len(self.ids), np.nan)
        self._times = _fitted(self._times, len(self.ids), NEVER)


class LatestLosses:
    """The latest loss of each id, brought up to date with what has been recorded since.

    ``LatestLosses(store).lookup(ids)`` takes microseconds a batch. Records whose label came later
    count from then on, with the time of the record.

    Parameters
    ----------
    store : RecordStore
    only : array of ids, optional
        Keep these alone, in memory that grows with their number instead of that of all ids.
    loss_of : callable, optional
        Makes losses (m,) of outputs (m, d) and labels (m,). None is ``-outputs[label]`` where
        outputs are logarithms of probabilities.
    """

    def __init__(
        self, store: Any, only: ArrayLike | None = None, loss_of: LossOf | None = None
    ) -> None:
        self.root, self.layout = Path(store.root), store.layout
        self.skipped = Skipped()
        wanted = None if only is None else as_ids(only, self.layout.ids == "string")
        self.ids = Ids(self.layout.ids == "string")
        self.labels = Labels(self.root, self.layout, wanted)
        self._loss_of = self.labels.loss_of(loss_of)
        self.read = 0
        """How many records have been read."""
        self._only = only is not None
        self._reached: dict[str, int] = {}
        self._versions: dict[str, int] = {}
        self._times = np.empty(0, np.int64)
        self._losses = np.empty(0, np.float32)
        self._models = np.empty(0, np.int32)
        self._later_times = np.empty(0, np.int64)
        self._later_models = np.empty(0, np.int32)
        self._later = np.empty((0, self.layout.outputs), np.float32)
        if wanted is not None:
            self.ids.add(wanted)
            self._fit()

    def refresh(self) -> int:
        """Read what has been recorded since; return how many records. O(records since)."""
        before = self.read
        self.labels.refresh(self.skipped)
        columns = ["loss", "model"]
        if self._loss_of is not None:
            columns.append("outputs")
        given: dict[str, Any] = {"after": self._reached, "skipped": self.skipped}
        for block in blocks(self.root, self.layout, columns, **given):
            self._absorb(block)
            self._reached[block.writer] = int(block.sequence[-1]) + 1
            self.read += len(block)
        return self.read - before

    def lookup(self, ids: ArrayLike) -> Latest:
        """Return what is known of ids; O(1) for each.

        Raises
        ------
        InvalidProblem
            If they are of another kind than those of the folder.
        """
        wanted = as_ids(ids, self.layout.ids == "string")
        places = self.ids.find(wanted)
        rows = np.nonzero(places >= 0)[0]
        at = places[rows]
        times = np.full(len(places), NEVER)
        losses = np.full(len(places), np.nan, np.float32)
        models = np.full(len(places), -1, np.int32)
        times[rows], losses[rows], models[rows] = (
            self._times[at],
            self._losses[at],
            self._models[at],
        )
        if self._loss_of is not None and len(rows):
            self._join(wanted, rows, at, times, losses, models)
        names = np.array([*self._versions, ""], object)
        seconds = np.where(times == NEVER, np.nan, times * _MICRO)
        return Latest(losses, seconds, names[models])

    # -- in between -------------------------------------------------------------------------------

    def _absorb(self, block: RecordBlock) -> None:
        places = self.ids.among(block.ids) if self._only else self.ids.add(block.ids)
        self._fit()
        models = self._codes(block)
        _kernels.record_tables.keep_losses(
            places, block.times, block.losses, models, self._times, self._losses, self._models
        )
        if block.outputs is not None:
            _kernels.record_tables.keep_outputs(
                places,
                block.times,
                block.losses,
                block.outputs,
                models,
                self._later_times,
                self._later,
                self._later_models,
            )

    def _join(self, wanted: Any, rows: Any, at: Any, times: Any, losses: Any, models: Any) -> None:
        """Take the losses of later records whose label is known by now."""
        ids = [wanted[p] for p in rows] if isinstance(wanted, list) else wanted[rows]
        labels = self.labels.lookup(ids)
        assert self._loss_of is not None
        newer = (self._later_times[at] != NEVER) & (self._later_times[at] >= times[rows])
        newer &= ~np.isnan(labels)
        rows, at = rows[newer], at[newer]
        found = self._loss_of(self._later[at], labels[newer])
        good = np.isfinite(found)
        rows, at = rows[good], at[good]
        losses[rows] = found[good]
        times[rows], models[rows] = self._later_times[at], self._later_models[at]

    def _codes(self, block: RecordBlock) -> NDArray[np.int32]:
        own = [self._versions.setdefault(name, len(self._versions)) for name in block.versions]
        return np.array(own, np.int32)[block.models]

    def _fit(self) -> None:
        count = len(self.ids)
        self._times = _fitted(self._times, count, NEVER)
        self._losses = _fitted(self._losses, count, np.nan)
        self._models = _fitted(self._models, count, -1)
        if self._loss_of is not None:
            self._later_times = _fitted(self._later_times, count, NEVER)
            self._later_models = _fitted(self._later_models, count, -1)
            self._later = _fitted(self._later, count, np.nan)


def _fitted(array: Any, count: int, fill: float) -> Any:
    """Return the array with room for `count`, grown by half at least."""
    if len(array) >= count:
        return array
    size = max(count, len(array) + len(array) // 2, 1024)
    grown = np.full((size, *array.shape[1:]), fill, array.dtype)
    grown[: len(array)] = array
    return grown
