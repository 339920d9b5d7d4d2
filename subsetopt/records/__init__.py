"""Recorded forward passes: losses that serving has computed already, to train by.

The side that serves writes with a `RecordWriter`, and a `LabelWriter` where labels come later; the
side that trains reads with a `RecordStore`, asks for the `LatestLosses` of ids, or follows a
`RecordStream`. The folder between them is plain Parquet.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .appending import Appended
    from .latest import Labels, Latest, LatestLosses
    from .layout import Layout
    from .staleness import Staleness
    from .store import Info, RecordStore
    from .stream import RecordStream, Window
    from .writing import LabelWriter, RecordWriter

_CONTENTS = {
    "appending": ("Appended",),
    "latest": ("Labels", "Latest", "LatestLosses"),
    "layout": ("Layout",),
    "staleness": ("Staleness",),
    "store": ("Info", "RecordStore"),
    "stream": ("RecordStream", "Window"),
    "writing": ("LabelWriter", "RecordWriter"),
}
_HOMES = {name: module for module, names in _CONTENTS.items() for name in names}

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


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
