"""Result of a split: the parts, and how well each represents all rows."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._registry import nearest
from subsetopt.errors import InvalidOption
from subsetopt.report import plain
from subsetopt.sequencing import Partition

from ._part_comparison import PartColumn
from ._row_files import save_rows, with_index
from ._row_reading import RowReading
from ._split_report import split_document

if TYPE_CHECKING:
    from subsetopt.report import Document

__all__ = ["RowSplit"]


@dataclass(frozen=True, eq=False, kw_only=True)
class RowSplit(RowReading):
    """Rows of a table in parts that resemble each other, with random parts as baseline.

    Parameters
    ----------
    table, found, features
        The table, what each of its columns was taken for, and what rows were compared by.
    parts : ndarray of int64 (n,)
        The part of each row, from 0.
    names : tuple of str
        Of the parts.
    partition : Partition
        Sizes, MMD of all pairs of parts and its baselines, and how the search ended.
    columns : tuple of PartColumn
    by : tuple of str
        The columns that are balanced.
    keep_together : str or None
    part_column : str
        What the column with the names of the parts is called.
    """

    parts: NDArray[np.int64]
    names: tuple[str, ...]
    partition: Partition
    columns: tuple[PartColumn, ...]
    by: tuple[str, ...] = ()
    keep_together: str | None = None
    part_column: str = "part"

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        sizes = ", ".join(
            f"{name}={size}" for name, size in zip(self.names, self.sizes, strict=True)
        )
        return f"RowSplit({sizes}, mmd={self.mmd:.3g}, random_mmd={self.random_mmd:.3g})"

    @property
    def ids(self) -> NDArray[Any] | None:
        """The names of the rows (n,); None where they have none."""
        return self.all_ids

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Rows of each part."""
        return self.partition.sizes

    @property
    def mmd(self) -> float:
        """The largest MMD of two parts."""
        return float(self.partition.mmd.max())

    @property
    def random_mmd(self) -> float:
        """The largest MMD of two parts, the median over random partitions."""
        return float(self.partition.random_mmd.max())

    @property
    def stratified_mmd(self) -> float | None:
        """Likewise, over partitions that are balanced as this one; None without `by`."""
        balanced = self.partition.stratified_mmd
        return None if balanced is None else float(balanced.max())

    @property
    def part_names(self) -> NDArray[Any]:
        """The name of each row's part (n,)."""
        return np.array(self.names, dtype=object)[self.parts]

    def indices(self, name: str) -> NDArray[np.int64]:
        """Return where the rows of a part stand, ascending.

        Raises
        ------
        InvalidOption
            If there is no such part.
        """
        if name not in self.names:
            raise InvalidOption(
                f"there is no part {name!r}; there are {', '.join(map(repr, self.names))}"
                + nearest(name, self.names)
            )
        return np.flatnonzero(self.parts == self.names.index(name))

    def rows(self, name: str) -> Any:
        """Return the rows of a part with all their columns, in the kind of table that was given.

        Files give a `pyarrow.Table`. Raises as `indices` does.
        """
        return self.table.take(self.indices(name))

    def labelled(self) -> Any:
        """Return all rows with a column that names their part, in the kind that was given."""
        given, names = self.table.given, self.part_names
        if hasattr(given, "iloc"):
            return given.assign(**{self.part_column: names})
        if given is not None and hasattr(given, "with_columns"):
            import polars as pl

            return given.with_columns(pl.Series(self.part_column, names.tolist()))
        return self._labelled()

    def _labelled(self) -> Any:
        import pyarrow as pa

        data = with_index(self.table)
        return data.append_column(self.part_column, pa.array(self.part_names.tolist(), pa.string()))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all rows with a column that names their part, whole or not at all.

        In .csv cells of text files are written as they stand there, with what separates them there.

        Parameters
        ----------
        path : path
            .csv or .parquet.

        Raises
        ------
        InvalidOption
            For another suffix.
        """
        save_rows(self._labelled(), path, self.table, self.found)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        result = self.partition
        found = {
            "parts": [
                {"name": name, "rows": int(rows), "asked": int(asked), "mmd_to_whole": float(mmd)}
                for name, rows, asked, mmd in zip(
                    self.names, result.sizes, result.asked, result.mmd_to_whole, strict=True
                )
            ],
            "part": self.parts.tolist(),
            "ids": None if self.ids is None else [str(one) for one in self.ids.tolist()],
            "n": len(self.table),
            "mmd": self.mmd,
            "random_mmd": self.random_mmd,
            "stratified_mmd": self.stratified_mmd,
            "pairs": list(result.pairs()),
            "by": list(self.by),
            "off_balance": result.off_balance,
            "keep_together": self.keep_together,
            "columns": [column.to_dict() for column in self.columns],
            "termination": str(result.termination),
            "seconds": result.seconds,
            "notes": list(self.notes),
        }
        made: dict[str, Any] = plain(found)
        return made

    def report(self) -> "Document":
        """Return what there is to say of it, for terminals, Markdown and pages."""
        return split_document(self)

    def plot(self, path: str | os.PathLike[str] | None = None, *, axes: Any = None) -> Any:
        """Draw the rows of each part, and how far each column of a part is from the whole.

        Parameters
        ----------
        path : path, optional
            The file to write: .svg, .pdf, .png, or .html, a page with tables too; None returns the
            figure.
        axes : matplotlib Axes, optional
            Draw on these the rows alone; they are returned.

        Raises
        ------
        InvalidOption
            For another suffix, or a path with axes.
        MissingDependency
            If matplotlib is not installed.
        """
        from ._split_report import draw_split, overview

        return draw_split(self, path) if axes is None else overview(self).on(axes, path)
