"""A table whose rows are chosen: from a file or a library, and given back as it is."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt.errors import InvalidFile, InvalidOption, InvalidProblem

from ._row_sheets import sheet_table
from ._row_texts import text_table

_EXAMPLES = Path(__file__).parents[1] / "examples"
_EXAMPLE = "example:"
_EXCEL = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


@dataclass(frozen=True, eq=False, kw_only=True)
class RowTable:
    """Rows and columns as they were given.

    Parameters
    ----------
    name : str
        The file, or what the table is called in messages.
    data : pyarrow.Table
        Of text files, every cell is the text that stands there.
    separator : str
        Between the cells of a text file; empty for spreadsheets.
    first_line : int
        The line of a text file, or row of a sheet, with the first row; 0 for other tables.
    empty_lines : int
        Lines of a text file, or rows of a sheet, below the last that holds anything; left out.
    encoding : str
        Of a text file; empty for other tables.
    given : object, optional
        The table of a library that it is from.
    ids : sequence of str, optional
        Names of the rows that come with a table of a library: its index.
    """

    name: str
    data: Any
    separator: str = ","
    first_line: int = 0
    empty_lines: int = 0
    encoding: str = ""
    given: Any = None
    ids: Sequence[str] | None = None

    def __len__(self) -> int:
        return int(self.data.num_rows)

    @property
    def columns(self) -> list[str]:
        """The names of the columns, each once."""
        return list(self.data.column_names)

    def row(self, index: int) -> str:
        """Say which row it is: by its line in a text, else by its number in a sheet or table."""
        if not self.first_line or not self.separator:
            return f"row {self.first_line + index}"
        import pyarrow.compute as pc

        before = [pc.count_substring(one, "\n") for one in self.data.slice(0, index).columns]
        within = sum(pc.sum(counts).as_py() or 0 for counts in before)  # newlines within quotes
        return f"line {self.first_line + index + within}"

    def take(self, indices: ArrayLike) -> Any:
        """Return rows with all their columns, in the kind of table that was given.

        Files give a `pyarrow.Table`.
        """
        chosen = np.asarray(indices, np.int64)
        if hasattr(self.given, "iloc"):  # pandas, with its index
            return self.given.iloc[chosen]
        if self.given is not None and hasattr(self.given, "to_arrow"):  # polars
            return self.given[chosen.tolist()]
        return self.data.take(chosen)


def row_table(
    source: Any,
    *,
    header: bool | None = None,
    encoding: str = "utf-8",
    sheet: str | None = None,
    name: str = "the table",
) -> RowTable:
    """Read a table, or take one of a library.

    Parameters
    ----------
    source : str, path or table
        ``example:earthquakes``, which comes with the package; a text file with commas, semicolons,
        tabs, | or ^ between its cells, also packed by gzip, xz or bzip2, or ``-`` for standard
        input; ``.parquet``; ``.xlsx``, ``.xls`` or ``.ods``; or a data frame of pandas or polars, a
        `pyarrow.Table`.
    header : bool, optional
        Whether line 1 of a text names the columns; None decides by what it holds.
    encoding : str
        Of a text.
    sheet : str, optional
        Of a spreadsheet; None is the first.
    name : str
        What a table of a library is called in messages.

    Raises
    ------
    InvalidFile, InvalidProblem
        For what cannot be read; the message names the line, what is wrong and the fix.
    MissingDependency
        For spreadsheets, without python-calamine.
    """
    if not isinstance(source, str | os.PathLike):
        return _of_library(source, name)
    given = os.fspath(source)
    path = _example(given)
    suffix = Path(path).suffix.lower()
    if sheet is not None and suffix not in _EXCEL:
        raise InvalidOption(f"sheet is for {', '.join(_EXCEL)}; {given} has none, leave it out")
    if suffix in (".parquet", ".pq"):
        return _named(RowTable(name=path, data=_parquet(path)))
    if suffix in _EXCEL:
        return _named(RowTable(name=path, **sheet_table(path, header, sheet)))
    return _named(RowTable(name=given, **text_table(path, header, encoding)))


def texts_of(table: RowTable, name: str) -> NDArray[Any]:
    """Return the cells of a column as text, "" where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = table.data[name]
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not pa.types.is_string(column.type):
        try:
            column = column.cast(pa.string())
        except pa.ArrowException:
            column = pa.chunked_array([pa.array([str(cell) for cell in column.to_pylist()])])
    return np.array(pc.fill_null(pc.utf8_trim_whitespace(column), "").to_pylist(), dtype=object)


def _example(path: str) -> str:
    """Return where a table lies that comes with the package; other paths as they are."""
    if not path.startswith(_EXAMPLE):
        return path
    known = sorted(file.stem for file in _EXAMPLES.glob("*.csv"))
    name = path.removeprefix(_EXAMPLE)
    if name not in known:
        listed = ", ".join(f"{_EXAMPLE}{one}" for one in known)
        raise InvalidFile(f"{path}: there is no such example; there is {listed}")
    return str(_EXAMPLES / f"{name}.csv")


def _named(table: RowTable) -> RowTable:
    """Return it if its columns have names of their own."""
    names = table.columns
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidFile(
            f"{table.name}: {names.count(twice)} columns are called {twice!r}; rename all but one"
        )
    if not len(table):
        raise InvalidFile(f"{table.name}: has no rows")
    return table


def _of_library(source: Any, name: str) -> RowTable:
    import pyarrow as pa

    ids = None
    if isinstance(source, pa.Table):
        data = source
    elif hasattr(source, "to_arrow"):  # polars
        data = source.to_arrow()
    elif hasattr(source, "iloc") and hasattr(source, "columns"):
        index = source.index
        named = index.is_unique and type(index).__name__ != "RangeIndex"
        ids = [str(label) for label in index] if named else None
        data = _of_pandas(source.rename(columns=str), name)
    else:
        raise InvalidProblem(
            f"{name} must be the path of a table, a data frame of pandas or polars, or a "
            f"pyarrow.Table; got {type(source).__name__}"
        )
    return _named(RowTable(name=name, data=data, given=source, ids=ids))


def _of_pandas(frame: Any, name: str) -> Any:
    import pyarrow as pa

    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError) as error:
        for column in frame.columns:
            try:
                pa.Table.from_pandas(frame[[column]], preserve_index=False)
            except (pa.ArrowException, TypeError, ValueError):
                raise InvalidProblem(
                    f"{name}: column {column!r} holds values of several types, such as numbers "
                    f"and texts; make them one, as by frame[{column!r}].astype(str)"
                ) from None
        raise InvalidProblem(f"{name}: cannot be read: {error}") from None


def _parquet(path: str) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path)
    except FileNotFoundError:
        raise InvalidFile(f"{path}: there is no such file") from None
    except (OSError, ValueError, pa.ArrowInvalid) as error:
        raise InvalidFile(
            f"{path} cannot be read as Parquet: {str(error).splitlines()[0].rstrip('.')}"
        ) from None
