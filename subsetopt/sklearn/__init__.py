"""Representative samples and splits in scikit-learn's conventions.

Nothing here loads scikit-learn before it is asked for.
"""

from typing import TYPE_CHECKING

from subsetopt._registry import exports

if TYPE_CHECKING:  # the same names once more, for type checkers and editors
    from ._sampler import RepresentativeSampler as RepresentativeSampler
    from ._splitters import RepresentativeKFold as RepresentativeKFold
    from ._splitters import RepresentativeShuffleSplit as RepresentativeShuffleSplit
    from ._train_test import representative_train_test_split as representative_train_test_split

__all__, __getattr__, __dir__ = exports(
    __name__,
    {
        "_sampler": "RepresentativeSampler",
        "_splitters": "RepresentativeKFold RepresentativeShuffleSplit",
        "_train_test": "representative_train_test_split",
    },
)
