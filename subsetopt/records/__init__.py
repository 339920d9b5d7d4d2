"""Recorded forward passes: losses that serving has computed already, to train by.

The side that serves writes with a `RecordWriter`, and a `LabelWriter` where labels come later; the
side that trains reads with a `RecordStore`, asks for the `LatestLosses` of ids, or follows a
`RecordStream`. The folder between them is plain Parquet.
"""

from typing import TYPE_CHECKING

from subsetopt._registry import exports

if TYPE_CHECKING:  # the same names once more, for type checkers and editors
    from ._appending import Appended as Appended
    from ._classes import Classes as Classes
    from ._distribution import Distribution as Distribution
    from ._distribution import distribution as distribution
    from ._distribution import over_time as over_time
    from ._exporting import export as export
    from ._layout import Layout as Layout
    from .latest import Labels as Labels
    from .latest import Latest as Latest
    from .latest import LatestLosses as LatestLosses
    from .staleness import Staleness as Staleness
    from .store import Info as Info
    from .store import RecordStore as RecordStore
    from .stream import RecordStream as RecordStream
    from .stream import Window as Window
    from .writing import LabelWriter as LabelWriter
    from .writing import RecordWriter as RecordWriter

__all__, __getattr__, __dir__ = exports(
    __name__,
    {
        "_appending": "Appended",
        "_classes": "Classes",
        "_distribution": "Distribution distribution over_time",
        "_exporting": "export",
        "latest": "Labels Latest LatestLosses",
        "_layout": "Layout",
        "staleness": "Staleness",
        "store": "Info RecordStore",
        "stream": "RecordStream Window",
        "writing": "LabelWriter RecordWriter",
    },
)
