"""Rows as a table of pandas, and as Parquet and CSV files."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from subsetopt._dependencies import OptionalDependency
from subsetopt._files import replacing
from subsetopt.formats.csv_cells import frame_text

if TYPE_CHECKING:
    from pandas import DataFrame

PANDAS = OptionalDependency("pandas", "pandas", extra="bench")
PYARROW = OptionalDependency("pyarrow", "pyarrow", extra="bench")


def to_frame(dtypes: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> "DataFrame":
    """Return rows under columns of dtypes; those of lists hold Python lists, or None."""
    pandas = PANDAS.load()
    columns = list(zip(*rows, strict=True)) or [()] * len(dtypes)
    frame: DataFrame = pandas.DataFrame(
        {
            name: pandas.Series(list(values), dtype="object" if dtype.startswith("list") else dtype)
            for (name, dtype), values in zip(dtypes.items(), columns, strict=True)
        }
    )
    return frame


def write_parquet(
    frame: "DataFrame",
    dtypes: Mapping[str, str],
    path: str | os.PathLike[str],
    metadata: Mapping[str, str],
) -> None:
    """Write a Parquet file whose types are those of the columns, whatever the rows hold."""
    pyarrow, writer = PYARROW.load(), PYARROW.load("parquet")
    plain = {
        "string": pyarrow.string(),
        "Int64": pyarrow.int64(),
        "Float64": pyarrow.float64(),
        "boolean": pyarrow.bool_(),
    }
    plain |= {f"list[{name}]": pyarrow.list_(kind) for name, kind in plain.items()}
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
