"""The 1,797 digits of 8 x 8 pixels that come with scikit-learn."""

import numpy as np

from ._array_dataset import SKLEARN, ArrayDataset


def read_digits() -> ArrayDataset:
    """Return the images, float32 (n, 64) in 0..1, and the labels; a fifth of each class to test by.

    The split is always the same one.

    Raises
    ------
    MissingDependency
        Without scikit-learn.
    """
    loaded = SKLEARN.load("datasets").load_digits()
    images, labels = (loaded.data / 16).astype(np.float32), loaded.target.astype(np.int64)
    order = np.random.default_rng(0).permutation(len(labels))
    rank = np.empty_like(order)
    for digit in range(10):
        where = order[labels[order] == digit]
        rank[where] = np.arange(len(where)) * 5 // len(where)  # 0..4, each a fifth of the class
    test = rank == 0
    return ArrayDataset(
        (images[~test], labels[~test]), (images[test], labels[test]), "digits of scikit-learn"
    )
