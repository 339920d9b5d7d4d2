"""Columns of Arrow as arrays of NumPy, and what their types are."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

EXACT = 2**53
"""Integers below it are exact in float64."""
INTEGER = r"^\s*[+-]?\d*\s*$"
SECONDS = 86_400.0
"""Of a day."""


def is_text(kind: Any) -> bool:
    import pyarrow as pa

    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return pa.types.is_dictionary(kind) or any(is_one(kind) for is_one in texts)


def is_plain(kind: Any) -> bool:
    import pyarrow as pa

    return not pa.types.is_dictionary(kind)


def floats_of(column: Any) -> NDArray[np.float64]:
    """Return numbers in float64, NaN where there is none."""
    import pyarrow as pa

    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    parts = [
        chunk.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        for chunk in column.chunks
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def loses_digits(column: Any) -> bool:
    """Whether different integers, as numbers or texts, are the same in float64: names have so many.

    O(n).
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    values = floats_of(column)
    if not np.abs(values).max(initial=0.0, where=~np.isnan(values)) >= EXACT:
        return False
    if pa.types.is_string(column.type):
        column = column.filter(pc.match_substring_regex(column, INTEGER))
    distinct: int = pc.count_distinct(column).as_py()
    return distinct > len(np.unique(floats_of(column.drop_null())))


def days_of(column: Any) -> NDArray[np.float64]:
    """Return dates as days since 1970."""
    import pyarrow as pa

    seconds = column.cast(pa.timestamp("us")).cast(pa.int64())
    return floats_of(seconds) / (1e6 * SECONDS)
