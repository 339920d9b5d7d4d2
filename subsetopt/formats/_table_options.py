"""What a caller says about a table in text: whether it has a header, and which columns to read."""

from collections.abc import Sequence
from dataclasses import dataclass

from subsetopt._checks import is_integer, require
from subsetopt._options import documented, option
from subsetopt.errors import InvalidOption

from ._table_text import shortened, split

_SHOWN = 5  # names that a message lists


def _columns(name: str, text: str) -> list[str]:
    return [cell.text for cell in split(text, ",")]


@documented
@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """What a caller says about a table; None leaves it to the rules.

    Integers are indices of columns from 0, texts their names, or numbers from 1.
    """

    header: bool | None = option(
        "Whether line 1 of text names the columns.", None, unset="decided by what it holds"
    )
    columns: Sequence[str | int] | None = option(
        "Columns to read, in this order: names, or numbers from 1.",
        None,
        metavar="A,B",
        parse=_columns,
        unset="all",
    )
    id: str | int | None = option(
        "Column that names the rows, which is not read as a number: its name, or number from 1.",
        None,
        metavar="COLUMN",
    )

    @property
    def names(self) -> list[str]:
        """The columns that are asked for by a name that is not a number."""
        asked = [*(self.columns or ()), *([] if self.id is None else [self.id])]
        return [name for name in asked if isinstance(name, str) and not _is_count(name)]


def index_of(name: str | int, names: tuple[str, ...], header: bool, file: str) -> int:
    """Return the index of a column: by its name, by its number from 1, or as it stands."""
    if not isinstance(name, str):
        fits = is_integer(name) and 0 <= name < len(names)
        require(f"{file}: a column", name, fits, f"a name or an index in [0, {len(names) - 1}]")
        return int(name)
    if header and name in names:
        if names.count(name) > 1:
            raise InvalidOption(
                f"{file}: {names.count(name)} columns are called {name!r}; give the number of one"
            )
        return names.index(name)
    found = position(name, len(names))
    if found is None:
        listed = ", ".join(shortened(name) for name in names[:_SHOWN])
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        known = f"the names {listed}{more} and " if header else ""
        raise InvalidOption(
            f"{file}: there is no column {shortened(name)}; there are {known}the numbers "
            f"1 to {len(names)}"
        )
    return found


def indices_of(
    columns: Sequence[str | int], names: tuple[str, ...], *, header: bool, name: str
) -> list[int]:
    """Return the indices of columns that are asked for, each once, in their order."""
    found = [index_of(column, names, header, name) for column in columns]
    if len(set(found)) < len(found):
        raise InvalidOption(f"{name}: a column is named twice among those to read")
    return found


def require_sensible(columns: tuple[int, ...], id_index: int | None, file: str) -> None:
    """Raise InvalidOption unless numbers are left that are no ids."""
    if not columns:
        raise InvalidOption(f"{file}: no column of numbers is left to read")
    if id_index in columns:
        raise InvalidOption(
            f"{file}: column {columns[columns.index(id_index or 0)] + 1} cannot be the id and a "
            "column of numbers"
        )


def position(name: str | int | None, width: int) -> int | None:
    """Return the index that a number from 1 as text, or an index, is; None if out of range."""
    if isinstance(name, str):
        name = int(name) - 1 if _is_count(name) else None
    return name if name is not None and 0 <= name < width else None


def _is_count(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 10
