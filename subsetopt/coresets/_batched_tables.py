"""Tables that are read in batches of pyarrow: files, tables in memory, collections of libraries."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from subsetopt.errors import InvalidFile, InvalidProblem

from ._addresses import filesystem_of
from ._row_parts import cuts
from ._row_sources import rows_of_part

Parts = list[tuple[Any, int | None]]
"""What `table_of` takes, or what the engine makes of it, and rows where they are known."""


class BatchedTable(Protocol):
    """A table; each call of `batches` begins anew.

    Attributes
    ----------
    schema : pyarrow.Schema
    n : int or None
        Rows; None where only a pass tells.
    """

    schema: Any
    n: int | None

    def batches(self, columns: list[str], size: int) -> Iterator[Any]:
        """Yield record batches of these columns, of about `size` rows."""

    def parts(self, columns: list[str], engine: str) -> Parts | None:
        """Return parts for workers of an engine, with these columns; None where it has none."""


def table_of(data: Any, name: str) -> BatchedTable:
    """Return what reads the table.

    Raises
    ------
    InvalidFile, InvalidProblem
        For a path that cannot be read, or data that are no table.
    """
    if isinstance(data, str):
        return DatasetTable(_parquet(data))
    library, kind = type(data).__module__.partition(".")[0], type(data).__name__
    if kind.endswith("DatasetDict"):
        raise InvalidProblem(
            f"{name} is a {kind} of {', '.join(map(repr, data))}; give one of them, "
            f"{name}[{next(iter(data), 'train')!r}]"
        )
    adapter = _OF_LIBRARIES.get((library, kind))
    return DatasetTable(_in_memory(data, name)) if adapter is None else adapter(data)


class _Undivided:
    """A table that one process reads."""

    def parts(self, columns: list[str], engine: str) -> Parts | None:
        """Return None."""
        return None


class DatasetTable(_Undivided):
    """A table or data set of pyarrow."""

    def __init__(self, data: Any) -> None:
        self._data, self.schema = data, data.schema
        rows = getattr(data, "num_rows", None)
        self.n: int | None = int(data.count_rows() if rows is None else rows)

    def batches(self, columns: list[str], size: int) -> Iterator[Any]:
        """Yield the rows."""
        if hasattr(self._data, "count_rows"):
            yield from self._data.to_batches(columns=columns, batch_size=size)
        else:
            yield from self._data.select(columns).to_batches(max_chunksize=size)

    def parts(self, columns: list[str], engine: str) -> Parts | None:
        """Return the row groups of Parquet files."""
        import pyarrow.dataset as ds

        whole = self._data
        if not isinstance(whole, ds.FileSystemDataset) or whole.format.default_extname != "parquet":
            return None
        parts: Parts = []
        for file in whole.get_fragments():
            for group in file.split_by_row_group():
                # count_rows() of a group would be that of its file.
                rows = sum(group.num_rows for group in group.row_groups)
                part = ds.FileSystemDataset([group], whole.schema, whole.format, whole.filesystem)
                parts.append((part, rows))
        return parts


class DaskTable:
    """A data frame of Dask, of which one partition is computed at a time."""

    n: int | None = None

    def __init__(self, data: Any) -> None:
        import pyarrow as pa

        named = all(isinstance(column, str) for column in data.columns)
        self._data = data if named else data.rename(columns=str)
        self.schema = pa.Schema.from_pandas(self._data._meta, preserve_index=False)
        if any(pa.types.is_null(field.type) for field in self.schema):  # objects, such as lists
            rows = self._data.head(1, npartitions=-1)
            self.schema = pa.Schema.from_pandas(rows, preserve_index=False)

    def batches(self, columns: list[str], size: int) -> Iterator[Any]:
        """Yield the rows, partition by partition."""
        import pyarrow as pa

        for part in self._data[columns].to_delayed():
            frame = part.compute()
            if len(frame):
                table = pa.Table.from_pandas(frame, preserve_index=False)
                yield from table.to_batches(max_chunksize=size)

    def parts(self, columns: list[str], engine: str) -> Parts | None:
        """Return the partitions, which only workers of Dask compute."""
        if engine != "dask":
            return None
        return [(part, None) for part in self._data[columns].to_delayed()]


class HuggingFaceTable:
    """A `Dataset` or `IterableDataset` of Hugging Face."""

    def __init__(self, data: Any) -> None:
        self._data = data
        self.n: int | None = len(data) if hasattr(data, "__len__") else None
        if data.features is not None:
            self.schema = data.features.arrow_schema
        else:
            self.schema = next(iter(data.with_format("arrow").iter(1))).schema

    def batches(self, columns: list[str], size: int) -> Iterator[Any]:
        """Yield the rows."""
        for table in self._data.select_columns(columns).with_format("arrow").iter(size):
            yield from table.to_batches()

    def parts(self, columns: list[str], engine: str) -> Parts | None:
        """Return ranges of rows, of a `Dataset`."""
        if self.n is None:
            return None
        chosen = self._data.select_columns(columns)
        ranges = [range(at.start, at.stop) for at in cuts(self.n, rows_of_part(4 * len(columns)))]
        return [(chosen.select(rows), len(rows)) for rows in ranges]


class RayTable:
    """A `Dataset` of Ray."""

    def __init__(self, data: Any) -> None:
        import pyarrow as pa

        self._data = data
        self.n: int | None = int(data.count())
        known = data.schema().base_schema
        if not isinstance(known, pa.Schema):  # blocks of pandas
            known = pa.Schema.from_pandas(data.limit(1).to_pandas(), preserve_index=False)
        self.schema = known

    def batches(self, columns: list[str], size: int) -> Iterator[Any]:
        """Yield the rows."""
        chosen = self._data.select_columns(columns)
        for table in chosen.iter_batches(batch_size=size, batch_format="pyarrow"):
            yield from table.to_batches()

    def parts(self, columns: list[str], engine: str) -> Parts | None:
        """Return the blocks, which are computed here, once, and held by the workers of Ray."""
        if engine != "ray":
            return None
        return [(block, None) for block in self._data.select_columns(columns).to_arrow_refs()]


class LazyTable(_Undivided):
    """A `LazyFrame` of polars, collected in batches."""

    n: int | None = None

    def __init__(self, data: Any) -> None:
        self._data = data
        self.schema = data.collect_schema().to_frame().to_arrow().schema

    def batches(self, columns: list[str], size: int) -> Iterator[Any]:
        """Yield the rows; as a whole where polars is too old for batches."""
        chosen = self._data.select(columns)
        if not hasattr(chosen, "collect_batches"):
            yield from chosen.collect().to_arrow().to_batches(max_chunksize=size)
            return
        for frame in chosen.collect_batches(chunk_size=size, maintain_order=True):
            yield from frame.to_arrow().to_batches()


def _spark(data: Any) -> BatchedTable:
    from ._spark_engine import SparkTable

    return SparkTable(data)


_OF_LIBRARIES: dict[tuple[str, str], Callable[[Any], BatchedTable]] = {
    ("dask", "DataFrame"): DaskTable,
    ("datasets", "Dataset"): HuggingFaceTable,
    ("datasets", "IterableDataset"): HuggingFaceTable,
    ("polars", "LazyFrame"): LazyTable,
    ("pyspark", "DataFrame"): _spark,
    ("ray", "Dataset"): RayTable,
    ("ray", "MaterializedDataset"): RayTable,
}


def is_of_library(data: Any) -> bool:
    """Whether data are a table of a library that has no columns of its own in memory."""
    kind = type(data)
    library = kind.__module__.partition(".")[0]
    return (library, kind.__name__) in _OF_LIBRARIES or kind.__name__.endswith("DatasetDict")


def _parquet(path: str) -> Any:
    import pyarrow as pa
    import pyarrow.dataset as ds

    try:
        where, files = filesystem_of(path)
        found = ds.dataset(where, filesystem=files, format="parquet")
        found.count_rows()  # opens all files
    except FileNotFoundError:
        raise InvalidFile(f"{path} does not exist") from None
    except (OSError, ValueError, pa.ArrowInvalid) as error:
        stray = "; leave only Parquet files there, or give one file" if Path(path).is_dir() else ""
        raise InvalidFile(
            f"{path} cannot be read as Parquet: {str(error).splitlines()[0].rstrip('.')}{stray}"
        ) from None
    if not found.files:
        raise InvalidFile(f"{path} holds no files")
    return found


def _in_memory(data: Any, name: str) -> Any:
    import pyarrow as pa
    import pyarrow.dataset as ds

    if isinstance(data, pa.Table | ds.Dataset):
        return data
    try:
        if hasattr(data, "to_arrow"):  # polars
            return data.to_arrow()
        return pa.Table.from_pandas(data, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError, AttributeError) as error:
        raise InvalidProblem(f"{name}, a {type(data).__name__}, is not a table: {error}") from None
