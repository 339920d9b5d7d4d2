"""Recorded forward passes: losses that serving has computed already, to train by.

The side that serves writes with a `RecordWriter`, and a `LabelWriter` where labels come later; the
side that trains reads with a `RecordStore`, asks for the `LatestLosses` of ids, or follows a
`RecordStream`. The folder between them is plain Parquet.
"""

from typing import TYPE_CHECKING

from subsetopt._registry import loader

if TYPE_CHECKING:
    from ._appending import Appended
    from ._layout import Layout
    from .latest import Labels, Latest, LatestLosses
    from .staleness import Staleness
    from .store import Info, RecordStore
    from .stream import RecordStream, Window
    from .writing import LabelWriter, RecordWriter

_CONTENTS = {
    "_appending": ("Appended",),
    "latest": ("Labels", "Latest", "LatestLosses"),
    "_layout": ("Layout",),
    "staleness": ("Staleness",),
    "store": ("Info", "RecordStore"),
    "stream": ("RecordStream", "Window"),
    "writing": ("LabelWriter", "RecordWriter"),
}

__all__ = [
    "Appended",
    "Info",
    "LabelWriter",
    "Labels",
    "Latest",
    "LatestLosses",
    "Layout",
    "RecordStore",
    "RecordStream",
    "RecordWriter",
    "Staleness",
    "Window",
]


__getattr__ = loader(__name__, _CONTENTS)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
