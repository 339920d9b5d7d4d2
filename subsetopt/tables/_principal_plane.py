"""The plane in which rows lie widest."""

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


def principal_plane(matrix: Points, *others: Points) -> tuple[list[Points], tuple[float, float]]:
    """Return the first two principal components (n, 2), and their shares of the variance.

    Rows of others are put onto the same plane. O(n d^2); of one column the second is 0.
    """
    centre = matrix.mean(axis=0)
    centred = matrix - centre
    values, vectors = np.linalg.eigh(centred.T @ centred)
    axes = np.zeros((matrix.shape[1], 2))
    axes[:, : min(2, len(values))] = vectors[:, ::-1][:, :2]
    axes *= np.where(axes.sum(axis=0) < 0, -1.0, 1.0)  # of either sign, one
    total = float(values.sum())
    shares = [*(values[::-1] / total if total > 0 else [1.0]), 0.0][:2]
    return [(one - centre) @ axes for one in (matrix, *others)], (
        float(shares[0]),
        float(shares[1]),
    )
