"""Running sums over rows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subsetopt.problems._parallel import no_callback


@dataclass(eq=False)
class RunningSums:
    """Sums over the rows that have been read.

    Parameters
    ----------
    total : ndarray of float64 (m,)
    rows : int
        How many rows are in them, those that are read first.
    kept : callable
        Is called when rows have been added.
    """

    total: NDArray[np.float64]
    rows: int = 0
    kept: Callable[[], None] = no_callback

    def add(self, parts: Iterable[NDArray[np.float64]], rows: int) -> None:
        """Add the sums over the next rows, so many together."""
        for part in parts:
            self.total += part
        self.rows += rows
        self.kept()
