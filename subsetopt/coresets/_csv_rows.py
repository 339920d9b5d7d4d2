"""Streaming reader of text tables: the format is inferred from the first lines."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats import TableOptions
from subsetopt.formats._commented_header import with_commented_header
from subsetopt.formats._csv_table import table_of
from subsetopt.formats._first_line import Shape, shape_of
from subsetopt.formats._table_options import index_of, indices_of
from subsetopt.formats._table_text import MISSING, TableText, split

from ._addresses import opened
from ._arrow_rows import ArrowRows
from ._row_blocks import Source
from ._row_sources import ArrayRows

_HEAD = 2**22  # bytes that tell what the lines are
_BLOCK = 2**23  # bytes that are parsed at once; a line has to fit


def csv_rows(path: str, options: TableOptions, tags: Sequence[str] = ()) -> Source:
    """Return the rows of a file of text, possibly packed.

    Header, columns and ids are those that `subsetopt.formats.read_table` takes. Of a file that is
    longer than its beginning, only that is judged. Tags, the columns of labels and costs, are named
    by the header, and no features unless they are asked for.

    Raises
    ------
    InvalidFile, InvalidOption
        As `read_table` does; and for comments between the rows of a long file, or blanks between
        its columns, which are not read as a stream.
    """
    head, whole = _beginning(path)
    text = with_commented_header(TableText.of(head, path), options.header)
    if tags:
        options = _without(options, tags, text)
    table = table_of(head, path, options)
    if whole:
        names = table.columns if table.header or options.columns is not None else None
        cells = _cells(text, tags)
        return ArrayRows(table.values, path, table.ids, names, table.columns, tags=cells)
    shape = shape_of(text, options)
    first = text.number(int(shape.header)) - 1
    if text.separator == " " or any(line > first for line in text.comments):
        what = "blanks between its columns" if text.separator == " " else "comments between rows"
        raise InvalidFile(
            f"{path} has {what}, which is not read as a stream; separate columns by commas and "
            "keep comments at the top, or write .npy or Parquet"
        )
    keys = [str(i) for i in shape.columns]
    ids = None if shape.id is None else str(shape.id)
    read = {tag: str(index_of(tag, shape.names, True, path)) for tag in tags}
    stream = _CsvStream(path, text, shape, first, list(read.values()))
    return ArrowRows(path, stream, keys, ids, table.columns, by_name=shape.header, tags=read)


def _without(options: TableOptions, tags: Sequence[str], text: TableText) -> TableOptions:
    """Return the options without the columns of labels and costs among the features."""
    names = tuple(cell.text for cell in text.cells(0))
    others = {index_of(tag, names, True, text.name): tag for tag in tags}
    if options.columns is not None:
        taken = indices_of(options.columns, names, header=True, name=text.name)
        both = next((others[index] for index in taken if index in others), None)
        if both is not None:
            raise InvalidOption(
                f"{text.name}: column {both!r} cannot be a feature and a label or cost; choose "
                "columns without it, or write Parquet"
            )
        return replace(options, header=True)
    if options.id is not None:
        others[index_of(options.id, names, True, text.name)] = "id"
    columns = [number for number in range(len(names)) if number not in others]
    return replace(options, header=True, columns=columns)


def _cells(text: TableText, tags: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return the texts of some columns below the header."""
    if not tags:
        return {}
    header, *lines = ([cell.text for cell in split(line, text.separator)] for line in text)
    at = {tag: index_of(tag, tuple(header), True, text.name) for tag in tags}
    return {tag: np.array([line[index] for line in lines], np.object_) for tag, index in at.items()}


class _CsvStream:
    """Rows below a line of text; columns are called by their index."""

    n: int | None = None

    def __init__(
        self, path: str, text: TableText, shape: Shape, first: int, tags: list[str]
    ) -> None:
        import pyarrow as pa

        self._path, self._text, self._shape, self._first = path, text, shape, first
        self._texts = tags if shape.id is None else [str(shape.id), *tags]
        features = dict.fromkeys(map(str, shape.columns), pa.float64())
        self.schema = pa.schema({**features, **dict.fromkeys(self._texts, pa.string())})

    def parts(self, columns: list[str], engine: str) -> None:
        """Return None: text has no rows that can be found without those before."""

    def batches(self, columns: list[str], size: int) -> Iterator[Any]:
        """Yield the rows; how many in a batch is for the reader to say."""
        from pyarrow import csv

        options = (
            csv.ReadOptions(
                column_names=[str(i) for i in range(len(self._shape.names))],
                skip_rows=self._first,
                block_size=_BLOCK,
            ),
            csv.ParseOptions(delimiter=self._text.separator, ignore_empty_lines=False),
            csv.ConvertOptions(
                column_types=self.schema,
                include_columns=columns,
                null_values=list(MISSING),
                decimal_point=self._text.decimal,
            ),
        )
        with opened(self._path) as file, csv.open_csv(file, *options) as reader:
            for batch in reader:
                yield self._trimmed(batch)

    def _trimmed(self, batch: Any) -> Any:
        """Return a batch with ids and labels without blanks around them."""
        import pyarrow.compute as pc

        for name in self._texts:
            at = batch.schema.get_field_index(name)
            field, texts = batch.schema.field(at), batch.column(at)
            batch = batch.set_column(at, field, pc.utf8_trim_whitespace(texts))
        return batch


def _beginning(path: str) -> tuple[bytes, bool]:
    """Return the first lines of a file, unpacked, and whether that is all of it."""
    import pyarrow as pa

    try:
        with opened(path) as file:
            with_name = isinstance(file, str)
            stream = pa.input_stream(file, compression="detect") if with_name else file
            head = stream.read(_HEAD)
            whole = not stream.read(1)
    except FileNotFoundError:
        raise InvalidFile(f"{path} does not exist") from None
    except (OSError, pa.ArrowInvalid) as error:
        raise InvalidFile(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    if whole:
        return head, True
    end = head.rfind(b"\n") + 1
    if not end:
        raise InvalidFile(f"{path} has a line of more than {_HEAD} bytes; write .npy or Parquet")
    return head[:end], False
