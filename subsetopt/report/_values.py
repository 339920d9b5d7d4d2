"""Rows as plain values, as pandas DataFrames, and as Parquet and CSV files."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from math import isfinite
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from subsetopt._csv_cells import frame_text
from subsetopt._dependencies import OptionalDependency
from subsetopt._files import replacing

if TYPE_CHECKING:
    from pandas import DataFrame

PANDAS = OptionalDependency("pandas", "pandas", extra="bench")
PYARROW = OptionalDependency("pyarrow", "pyarrow", extra="bench")
_KINDS = {bool: "boolean", int: "Int64", float: "Float64"}


def plain(value: Any) -> Any:
    """Return numbers, texts, lists and dicts; None for numbers that are not finite.

    Dataclasses become dicts of their fields, enums their values, arrays lists, paths text, and keys
    of mappings text.
    """
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if isfinite(value) else None
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, PurePath):
        return str(value)
    return [plain(one) for one in value]


def to_frame(columns: Mapping[str, tuple[str, Sequence[Any]]]) -> "DataFrame":
    """Return columns, given as dtypes and values; those of lists hold Python lists, or None."""
    pandas = PANDAS.load()
    frame: DataFrame = pandas.DataFrame(
        {
            name: pandas.Series(values, dtype=_dtype(dtype, values))
            for name, (dtype, values) in columns.items()
        }
    )
    return frame


def _dtype(dtype: str, values: Sequence[Any]) -> str:
    if dtype:
        return "object" if dtype.startswith("list") else dtype
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return "Float64"
    return _KINDS.get(kinds.pop(), "string") if len(kinds) == 1 else "string"


def write_parquet(
    frame: "DataFrame",
    lists: Mapping[str, str],
    path: str | os.PathLike[str],
    metadata: Mapping[str, str],
) -> None:
    """Write a Parquet file whose types are those of the columns, whatever the rows hold.

    `lists` are the dtypes of columns of lists.
    """
    pyarrow, writer = PYARROW.load(), PYARROW.load("parquet")
    plain = {
        "string": pyarrow.string(),
        "Int64": pyarrow.int64(),
        "Float64": pyarrow.float64(),
        "boolean": pyarrow.bool_(),
    }
    plain |= {f"list[{name}]": pyarrow.list_(kind) for name, kind in plain.items()}
    dtypes = {str(name): str(dtype) for name, dtype in frame.dtypes.items()} | dict(lists)
    schema = pyarrow.schema([(name, plain[dtype]) for name, dtype in dtypes.items()])
    table = pyarrow.Table.from_pandas(frame, schema=schema, preserve_index=False)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **metadata})
    with replacing(path) as stream:
        writer.write_table(table, stream)


def write_csv(frame: "DataFrame", path: str | os.PathLike[str]) -> None:
    """Write a CSV file without the index, whose lists are JSON arrays."""
    for name in frame.columns[frame.dtypes == "object"]:
        frame[name] = frame[name].map(json.dumps, na_action="ignore").astype("string")
    with replacing(path) as stream:
        stream.write(frame_text(frame).encode())
