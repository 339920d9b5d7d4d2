"""Losses of blocks of records, with those whose labels came later."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._record_blocks import RecordBlock
from .latest import Labels, LossOf
from .store import RecordStore


class Joined:
    """Joins blocks with the labels that have arrived by now, held in memory by their ids.

    Parameters
    ----------
    store : RecordStore
    loss_of : callable, optional
        As `LatestLosses` takes it.
    """

    def __init__(self, store: RecordStore, loss_of: LossOf | None = None) -> None:
        self._labels = Labels(store.root, store.layout)
        self._loss_of = self._labels.loss_of(loss_of)
        self.columns = ("loss",) if self._loss_of is None else ("loss", "outputs")
        """What a block has to bring."""
        if self._loss_of is not None:
            self._labels.refresh()

    def losses(self, block: RecordBlock) -> NDArray[np.float32]:
        """Return the losses (m,), NaN where unknown."""
        assert block.losses is not None
        losses = np.array(block.losses, np.float32)
        rows = np.nonzero(np.isnan(losses))[0]
        if self._loss_of is None or block.outputs is None or not len(rows):
            return losses
        ids: Any = block.ids
        wanted = [ids[p] for p in rows] if isinstance(ids, list) else ids[rows]
        labels = self._labels.lookup(wanted)
        known = ~np.isnan(labels)
        rows, labels = rows[known], labels[known]
        found = np.asarray(self._loss_of(block.outputs[rows], labels), np.float32)
        losses[rows] = np.where(np.isfinite(found), found, np.nan)
        return losses
