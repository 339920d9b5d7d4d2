"""The options that state an MMD selection."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from subsetopt import formats, problems
from subsetopt._options import option
from subsetopt.errors import InvalidFile
from subsetopt.formats import TableOptions
from subsetopt.report._progress import shown

from .kernel_options import KernelOptions
from .problem_options import Tables, of_one_column, problem_file, problem_size

if TYPE_CHECKING:
    from subsetopt.formats import CSVTable


@dataclass(frozen=True, kw_only=True)
class MMDOptions:
    """Points, or their kernel matrix, and what has been selected before."""

    file: str = problem_file(
        "Features (n, d) of the candidates, or their kernel matrix with --kernel precomputed: "
        ".npy, .npz (or FILE.npz:NAME), .csv, .txt, or - for standard input."
    )
    k: int = problem_size()
    selected: str | None = option(
        "File of the features of points that are selected already; of their indices with --kernel "
        "precomputed.",
        None,
        metavar="FILE",
    )
    target: str | None = option(
        "File of the features of points whose distribution the chosen are to match; with --kernel "
        "precomputed, of the means over the target of its kernel with each row.",
        None,
        metavar="FILE",
        unset="the rows that are left",
    )
    target_weights: str | None = option(
        "File of weights of the points of the target.", None, metavar="FILE", unset="all alike"
    )
    weights: str | None = option(
        "File of weights of the rows, whose weighted distribution the chosen are to match.",
        None,
        metavar="FILE",
    )
    formulation: str = option(
        "Formulation: true, or published for Eq. 5 as it was printed.", "true"
    )

    def read(
        self, kernel: KernelOptions, table: TableOptions
    ) -> "tuple[problems.MMDSelection, Tables]":
        """Read the points and state the problem."""
        square: Literal["square"] | None = "square" if kernel.precomputed else None
        tables = {"table": formats.read_table(self.file, table, square)}
        selected: Any = None
        if self.selected is not None and kernel.precomputed:
            selected, tables["selected table"] = _selected_indices(self.selected, table)
        elif self.selected is not None:
            selected = _more_points("selected", self.selected, table, tables)
        with _delayed_progress("row sums") as progress:
            problem = problems.MMDSelection(
                tables["table"].values,
                self.k,
                selected=selected,
                target=self._target(kernel.precomputed, table, tables),
                target_weights=_column("target weights", self.target_weights, table, tables),
                weights=_column("weights", self.weights, table, tables),
                kernel=kernel.made(),
                formulation=self.formulation,  # type: ignore[arg-type]
                copy=False,
                scale_columns=kernel.scaling(),
                progress=progress,
            )
        return problem, tables

    def _target(self, precomputed: bool, table: TableOptions, tables: "dict[str, CSVTable]") -> Any:
        if self.target is None:
            return None
        if not precomputed:
            return _more_points("target", self.target, table, tables)
        return problems.MeanEmbedding(_column("target", self.target, table, tables))


@contextmanager
def _delayed_progress(label: str) -> "Iterator[Callable[[int, int], None]]":
    """Give what shows how far a piece of work is, where that is ever told."""
    with ExitStack() as bars:
        steps: list[Any] = []

        def told(done: int, total: int) -> None:
            if not steps:
                steps.append(bars.enter_context(shown(label, total, unit="pairs")))
            steps[0].update(done, total)

        yield told


def _more_points(flag: str, file: str, table: TableOptions, tables: "dict[str, CSVTable]") -> Any:
    """Read points with the columns of the main table, which are kept as "FLAG table"."""
    read = formats._value_files.read_alike(file, table, tables["table"], f"--{flag}")
    tables[f"{flag} table"] = read
    return read.values


def _column(name: str, file: str | None, table: TableOptions, tables: "dict[str, CSVTable]") -> Any:
    """Read a file of one number a row."""
    if file is None:
        return None
    read = formats.read_table(file, of_one_column(table))
    tables[f"{name} table"] = read
    values = read.values
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _selected_indices(file: str, table: TableOptions) -> "tuple[Any, CSVTable]":
    try:
        return formats.read_indices(file, of_one_column(table))
    except InvalidFile as error:
        raise InvalidFile(f"{error} (--selected with --kernel precomputed)") from error
