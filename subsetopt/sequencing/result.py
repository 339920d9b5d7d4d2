"""Result of `sequence`: an order of the points, cut into batches, with the MMD after each."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile
from subsetopt.report import Chart
from subsetopt.report._figure import Plotted

from . import _archive

__all__ = ["MiniBatchSequence"]


@dataclass(frozen=True, eq=False)
class MiniBatchSequence(Plotted):
    r"""Batches :math:`B_1, B_2, \ldots` that share no point.

    P is all that was chosen before a batch B, Q what was left. `plot` draws the MMD to what is left
    over the points chosen.

    Parameters
    ----------
    order : ndarray of int64 (m,)
        The points in the order of their batches; all n, or fewer where the last was dropped.
    boundaries : ndarray of int64 (batches + 1,)
        Batch b is ``order[boundaries[b]:boundaries[b + 1]]``.
    mmd2 : ndarray of float64 (batches,)
        The squared MMD of ``P u B`` and ``Q \ B``, Eq. 3; NaN after a batch that leaves nothing.
    mmd2_to_whole : ndarray of float64 (batches,)
        The squared MMD of ``P u B`` and all points.
    seconds : ndarray of float64 (batches,)
        That each batch took.
    total_seconds : float
        With the kernel matrix.
    provenance : dict
        Of data, kernel, solver, engine and versions; what JSON can hold.

    References
    ----------
    Deterministic Mini-batch Sequencing for Training Deep Neural Networks.
    """

    order: NDArray[np.int64]
    boundaries: NDArray[np.int64]
    mmd2: NDArray[np.float64]
    mmd2_to_whole: NDArray[np.float64]
    seconds: NDArray[np.float64]
    total_seconds: float
    provenance: dict[str, Any]

    def __post_init__(self) -> None:
        for name, (dtype, _) in _archive.ORDER.items():
            array = np.array(getattr(self, name), dtype)
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.boundaries) - 1

    def __repr__(self) -> str:
        return f"MiniBatchSequence(batches={len(self)}, points={len(self.order)})"

    @property
    def batches(self) -> list[NDArray[np.int64]]:
        """The indices of each batch."""
        return np.split(self.order, self.boundaries[1:-1])

    @property
    def mmd(self) -> NDArray[np.float64]:
        r"""The MMD of ``P u B`` and ``Q \ B``: the root of `mmd2`."""
        return np.asarray(np.sqrt(np.maximum(self.mmd2, 0.0)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a .npz file, whole or not at all."""
        arrays = {name: getattr(self, name) for name in _archive.ORDER}
        note = {"total_seconds": self.total_seconds, "provenance": self.provenance}
        _archive.write(path, "sequence", arrays, note)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "MiniBatchSequence":
        """Read what `save` wrote.

        Raises
        ------
        InvalidFile
            If there is no such file, or it is damaged, or holds no sequence.
        """
        arrays, note = _archive.read(path, "sequence", _archive.ORDER)
        _archive.require_order(path, arrays)
        total, provenance = note.get("total_seconds"), note.get("provenance")
        if not isinstance(total, int | float) or not isinstance(provenance, dict):
            raise InvalidFile(f"{path}: damaged: its note lacks the seconds or the provenance")
        return cls(**arrays, total_seconds=float(total), provenance=provenance)

    def _figure(self) -> Chart:
        from ._mmd_curves import Curve, curves_chart

        label = str(self.provenance.get("solver", "")).removesuffix("()")
        return curves_chart({label: Curve(self.boundaries[1:], self.mmd)})
