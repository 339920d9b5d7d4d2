"""How a caller wants the rows of a table read and compared."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from subsetopt._options import documented, option
from subsetopt.formats._table_text import split

if TYPE_CHECKING:
    from subsetopt.problems.scaling import Method

    from ._row_reading import RowReading
    from ._row_table import RowTable
    from ._table_features import Featurisation, Missing


def _names(name: str, text: str) -> tuple[str, ...]:
    return tuple(cell.text.strip() for cell in split(text, ","))


def _columns(help: str, **about: Any) -> Any:  # noqa: A002
    default = None if "unset" in about else ()
    return option(help, default, metavar="A,B", parse=_names, **about)


@documented
@dataclass(frozen=True, kw_only=True)
class RowReadingOptions:
    """How rows are read and compared."""

    columns: tuple[str, ...] | None = _columns(
        "Columns that rows are compared by.", unset="all of numbers, dates and categories"
    )
    id: str | None = option(
        "Column that names the rows.", None, metavar="COLUMN", unset="one that looks like it"
    )
    categories: tuple[str, ...] = _columns(
        "Columns whose values are labels, even if they are numbers."
    )
    ignore: tuple[str, ...] = _columns("Columns that rows are not compared by.")
    scale: str = option(
        "Units in which numbers are compared: std (standard deviations), robust (interquartile "
        "ranges) or none (as they are).",
        "std",
        choices=("std", "robust", "none"),
    )
    missing: str = option(
        "Treatment of missing numbers: median (of the column) or refuse. A missing category is "
        "a category of its own.",
        "median",
        choices=("median", "refuse"),
    )
    header: bool | None = option(
        "Whether line 1 of text names the columns.", None, unset="decided by what it holds"
    )
    encoding: str = option("Encoding of text, such as cp1252.", "utf-8", metavar="NAME")
    sheet: str | None = option("Sheet of a spreadsheet.", None, unset="the first")

    def __post_init__(self) -> None:
        for name in ("columns", "categories", "ignore"):
            names = getattr(self, name)
            object.__setattr__(self, name, None if names is None else tuple(names))

    @property
    def featurisation(self) -> "Featurisation":
        """How the columns become points."""
        from ._table_features import Featurisation

        return Featurisation(self.scale, self.missing)  # type: ignore[arg-type]

    def read(self, source: Any, name: str = "the table") -> "RowTable":
        """Read a table; see `row_table`."""
        from ._row_table import row_table

        return row_table(
            source, header=self.header, encoding=self.encoding, sheet=self.sheet, name=name
        )

    def reading(self, table: "RowTable", labels: Collection[str] = ()) -> "RowReading":
        """Tell what the columns are; those of `labels` are categories if they are compared."""
        from ._row_reading import RowReading
        from ._table_columns import columns_of

        asked = set(table.columns if self.columns is None else self.columns)
        named = [name for name in labels if name in asked and name in table.columns]
        found = columns_of(
            table,
            wanted=self.columns,
            id=self.id,
            categories={*self.categories, *named} - set(self.ignore) - {self.id},
            ignore=self.ignore,
        )
        features = self.featurisation.features(found, table.name)
        return RowReading(table=table, found=tuple(found), features=features)


class RowReadingKeywords(TypedDict, total=False):
    """`RowReadingOptions` as type checkers see them among the keywords of a function."""

    columns: Collection[str] | None
    id: str | None
    categories: Collection[str]
    ignore: Collection[str]
    scale: "Method"
    missing: "Missing"
    header: bool | None
    encoding: str
    sheet: str | None
