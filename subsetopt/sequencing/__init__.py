"""Mini-batch sequences and partitions that represent a whole data set."""

from typing import TYPE_CHECKING

from subsetopt._registry import exports

if TYPE_CHECKING:  # the same names once more, for type checkers and editors
    from ._build import bar as bar
    from ._build import sequence as sequence
    from ._partition_result import Partition as Partition
    from ._partitioning import partition as partition
    from .engines import ENGINES as ENGINES
    from .engines import Engine as Engine
    from .engines import choose as choose
    from .measure import mmd_to_whole as mmd_to_whole
    from .result import MiniBatchSequence as MiniBatchSequence

__all__, __getattr__, __dir__ = exports(
    __name__,
    {
        "_build": "bar sequence",
        "_partition_result": "Partition",
        "_partitioning": "partition",
        "engines": "ENGINES Engine choose",
        "measure": "mmd_to_whole",
        "result": "MiniBatchSequence",
    },
)
