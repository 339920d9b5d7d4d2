"""The engine that holds the features, and computes rows of the kernel matrix from them."""

from typing import Any

from numpy.typing import NDArray

from subsetopt.problems import Kernel
from subsetopt.problems._computed_rows import ComputedRows
from subsetopt.problems._memory import in_units, require_memory


class RowsEngine(ComputedRows):
    """Rows from the features, O(n d) each; the number of threads leaves them as they are."""

    name = "rows"
    tells = True
    matrix: NDArray[Any] | None = None

    @property
    def data(self) -> NDArray[Any]:
        """The features."""
        return self.X

    @property
    def semidefinite(self) -> bool:
        """Whether every matrix of the kernel is."""
        return self.kernel.semidefinite

    def describe(self) -> str:
        """Return one line: what it is, and its memory."""
        shape = " x ".join(map(str, self.X.shape))
        return f"{self.name}: rows recomputed from {shape} features, {in_units(self.bytes)}"


def recomputed_rows(
    X: NDArray[Any], kernel: Kernel, *, memory: int | None, threads: int | None, seed: int
) -> RowsEngine:
    """Hold the features; TooLarge if not even they fit."""
    require_features(X, memory)
    return RowsEngine(X, kernel, threads)


def require_features(X: NDArray[Any], memory: int | None) -> None:
    """Raise TooLarge where the features and copies of them do not fit."""
    require_memory("the features and copies of them", 3 * X.nbytes, "raise memory", memory)
