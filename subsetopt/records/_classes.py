"""Labels checked against the classes of a layout, before losses are made of them."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt.errors import InvalidProblem

from ._layout import Layout


class Classes:
    """The classes 0..count-1 of outputs that are logarithms of probabilities.

    A label that is none of them has no loss. Where all labels lie within 1..count, `count` among
    them, they are counted from 1, so that each would give the loss of another class: none of them
    has one, until a label comes that says otherwise, such as 0.

    Parameters
    ----------
    count : int
        How many classes there are.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.labels = 0
        """How many labels have been seen."""
        self.left_out = 0
        """How many rows were given no loss, as their label is no class."""
        self._outside = self._zeros = self._past_last = 0

    def of(self, count: int) -> "Classes":
        """Return these, or new ones where there are `count` now."""
        return self if count == self.count else Classes(count)

    def see(self, labels: ArrayLike) -> None:
        """Count labels that have arrived.

        Raises
        ------
        InvalidProblem
            If they are not numbers.
        """
        values = _numbers(labels)
        self.labels += len(values)
        self._outside += len(values) - int(self._within(values).sum())
        self._zeros += int((values == 0).sum())
        self._past_last += int((values == self.count).sum())

    @property
    def from_one(self) -> bool:
        """Whether the labels seen so far are counted from 1."""
        only_past_last = self._outside == self._past_last
        return self._past_last > 0 and only_past_last and not self._zeros

    @property
    def no_class(self) -> int:
        """How many of the labels seen so far are no class."""
        return self.labels if self.from_one else self._outside

    def known(self, labels: ArrayLike) -> NDArray[np.bool_]:
        """Return for each label whether it is a class; NaN is none."""
        values = _numbers(labels)
        return np.zeros(len(values), bool) if self.from_one else self._within(values)

    def losses(self, log_probabilities: NDArray[np.float32], labels: ArrayLike) -> Any:
        """Return ``-log_probabilities[label]`` of each row, NaN where the label is no class.

        Parameters
        ----------
        log_probabilities : ndarray, (m, count)
        labels : array_like, (m,)

        Returns
        -------
        ndarray of float32, (m,)
        """
        found = np.full(len(log_probabilities), np.nan, np.float32)
        rows = np.nonzero(self.known(labels))[0]
        found[rows] = -log_probabilities[rows, np.asarray(labels)[rows].astype(np.int64)]
        self.left_out += len(found) - len(rows)
        return found

    def kept(self, losses: NDArray[np.float32], labels: ArrayLike) -> NDArray[np.float32]:
        """Return losses that were made elsewhere, NaN where the label is no class."""
        known = self.known(labels)
        self.left_out += len(known) - int(known.sum())
        return np.where(known, losses, np.float32(np.nan))

    def _within(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        good: NDArray[np.bool_] = (values >= 0) & (values < self.count)
        if values.dtype.kind == "f":
            good &= values == np.floor(values)
        return good


def classes_of(layout: Layout) -> Classes | None:
    """Return the classes of a folder; None where its outputs are no logarithms of probabilities."""
    if not layout.outputs or layout.outputs_are != "log_probabilities":
        return None
    return Classes(layout.outputs)


def _numbers(labels: ArrayLike) -> NDArray[Any]:
    values = np.asarray(labels)
    if values.ndim != 1 or values.dtype.kind not in "biuf":
        raise InvalidProblem(
            f"labels must be numbers (m,); got shape {values.shape} and dtype {values.dtype}"
        )
    return values
