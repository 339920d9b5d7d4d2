"""The options that state a problem, shared by the commands that take one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from subsetopt.errors import InvalidFile, InvalidOption

if TYPE_CHECKING:
    from subsetopt.formats import Table, TableOptions
    from subsetopt.formats.reading import Reading
    from subsetopt.problems import MeanMatching, MMDSelection

_NOISE = 2  # a stream of its own: `random` draws from default_rng(seed), the baseline from 1
_SCALED = ("gaussian", "laplace")

K = Annotated[int, typer.Option("--k", "-k", metavar="K", help="How many to choose.")]
ScaleColumns = Annotated[
    str | None,
    typer.Option(
        metavar="HOW",
        help="Give columns of features the same spread: std (standard deviation, the default), "
        "robust (interquartile range, for outliers) or none.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option(metavar="I", help="Seed of whatever is random.")]


@dataclass(frozen=True, kw_only=True)
class TableInput:
    """How tables in text are read; what is left open the rules decide, or refuse."""

    header: Annotated[
        bool | None,
        typer.Option(
            "--header/--no-header",
            help="Whether line 1 of text is a header; otherwise decided by what it holds.",
            show_default=False,
        ),
    ] = None
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="Columns of numbers to read: names, or numbers from 1.",
        ),
    ] = None
    id: Annotated[
        str | None,
        typer.Option(
            "--id", metavar="COLUMN", help="Column that names the rows: its name, or number from 1."
        ),
    ] = None

    def options(self) -> "TableOptions":
        """Return the options for the main file of a command."""
        from subsetopt.formats import TableOptions
        from subsetopt.formats.cells import split

        columns = None if self.columns is None else [cell.text for cell in split(self.columns, ",")]
        return TableOptions(header=self.header, columns=columns, id=self.id)

    def beside(self) -> "TableOptions":
        """Return the options for a file of one column beside it."""
        from subsetopt.formats import TableOptions

        return TableOptions(header=self.header)


Tables = Mapping[str, "Table"]
"""The tables that a command has read, by what they are called in its answer; the main one first."""


def plain_tables(tables: Tables) -> dict[str, Any]:
    """Return what was taken as header, rows and columns, as ``--json`` prints it."""
    return {label.replace(" ", "_"): table.to_dict() for label, table in tables.items()}


def table_lines(tables: Tables) -> dict[str, str]:
    """Return the same for people, of text only."""
    lines = {label: table.sentence() for label, table in tables.items()}
    return {label: sentence for label, sentence in lines.items() if sentence}


@dataclass(frozen=True, kw_only=True)
class MeanMatchingInput:
    """Values whose mean is to be matched."""

    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="The values: .npy, .npz (or FILE.npz:NAME), .csv, .txt, or - for standard input; "
            "(n,) or (n, d).",
            show_default=False,
        ),
    ]
    k: K
    target: Annotated[
        str,
        typer.Option(
            metavar="T",
            help="What their mean is to match: a number, d numbers with commas, 'mean', or "
            "'noisy' for a draw from Normal(mean, std/sqrt(k)).",
        ),
    ] = "mean"
    at_most: Annotated[
        bool, typer.Option("--at-most", help="Allow fewer than K; the divisor stays K.")
    ] = False

    def read(self, seed: int, table: TableInput) -> "tuple[MeanMatching, Tables]":
        """Read the values and state the problem; noise is from ``default_rng([seed, 2])``."""
        import numpy as np

        from subsetopt.formats import read_table
        from subsetopt.problems import MeanMatching

        read = read_table(self.file, table.options())
        noisy = self.target == "noisy"
        problem = MeanMatching(
            read.values,
            self.k,
            target="noisy" if noisy else _target(self.target, read.values.ndim),
            cardinality="at_most" if self.at_most else "exactly",
            generator=np.random.default_rng([seed, _NOISE]) if noisy else None,
        )
        return problem, {"table": read}


@dataclass(frozen=True, kw_only=True)
class QuadraticInput:
    """An instance of a published format, or a matrix."""

    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="MDPLIB, k-cluster, OR-Library bqp, Biq Mac, rudy, OPB, a list of edges (.csv, "
            ".tsv, .txt), MatrixMarket, or a square matrix (.npy, .npz, .csv); may be packed by "
            "gzip, xz or bzip2, ARCHIVE:MEMBER of a tar archive, or - for standard input.",
            show_default=False,
        ),
    ]
    k: Annotated[
        int | None,
        typer.Option("--k", "-k", metavar="K", help="How many to choose; else what FILE says."),
    ] = None
    instance: Annotated[
        int | None, typer.Option(metavar="I", help="Which one of a bqp file, from 1.")
    ] = None
    format: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="mdplib, kcluster, bqp, opb, biqmac, rudy, edges, matrix-market or matrix; else "
            "recognised by the content.",
        ),
    ] = None
    linear: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The linear term (n,) beside a matrix."),
    ] = None
    maximise: Annotated[
        bool | None,
        typer.Option(
            "--maximise/--minimise",
            help="For files that do not say it; else graphs are maximised, matrices and Biq Mac "
            "files minimised.",
            show_default=False,
        ),
    ] = None
    duplicates: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Pairs of nodes that a graph holds twice: refuse, sum (add their weights) or once "
            "(count one of them, if they are equal).",
        ),
    ] = None

    def read(self, table: TableInput) -> "Reading":
        """Read the problem, and what was decided about its file."""
        from subsetopt.formats.problems import read_with_format

        options = table.options()
        sense = {None: None, True: "maximise", False: "minimise"}[self.maximise]
        return read_with_format(
            self.file,
            format=self.format,
            k=self.k,
            linear=self.linear,
            instance=self.instance,
            sense=sense,
            duplicates=self.duplicates,
            header=options.header,
            columns=options.columns,
            id=options.id,
        )


@dataclass(frozen=True, kw_only=True)
class MMDInput:
    """Points, or their kernel matrix, and what has been selected before."""

    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Features (n, d) of the candidates, or their kernel matrix with --kernel "
            "precomputed: .npy, .npz (or FILE.npz:NAME), .csv, .txt, or - for standard input.",
            show_default=False,
        ),
    ]
    k: K
    selected: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Features of what is selected already; their indices with --kernel precomputed.",
        ),
    ] = None
    kernel: Annotated[
        str,
        typer.Option(metavar="NAME", help="gaussian, laplace, polynomial, linear or precomputed."),
    ] = "gaussian"
    scale: Annotated[
        str | None,
        typer.Option(metavar="S", help="Of gaussian and laplace: a number, or 'median'."),
    ] = None
    degree: Annotated[int | None, typer.Option(metavar="D", help="Of polynomial.")] = None
    formulation: Annotated[
        str,
        typer.Option(metavar="NAME", help="true, or published for Eq. 5 as it was printed."),
    ] = "true"
    scale_columns: ScaleColumns = None

    def __post_init__(self) -> None:
        self._kernel()
        column_scaling(self.scale_columns, self.kernel)

    def read(self, table: TableInput) -> "tuple[MMDSelection, Tables]":
        """Read the points and state the problem."""
        from subsetopt.formats import read_table
        from subsetopt.problems import MMDSelection

        precomputed = self.kernel == "precomputed"
        tables = {
            "table": read_table(self.file, table.options(), "square" if precomputed else None)
        }
        selected: Any = None
        if self.selected is not None:
            if precomputed:
                selected, read = _selected_indices(self.selected, table)
            else:
                read = read_table(self.selected, table.options())
                _require_same_columns(tables["table"], read, self.selected)
                selected = read.values
            tables["selected table"] = read
        problem = MMDSelection(
            tables["table"].values,
            self.k,
            selected=selected,
            kernel=self._kernel(),
            formulation=self.formulation,  # type: ignore[arg-type]
            copy=False,
            scale_columns=column_scaling(self.scale_columns, self.kernel),
        )
        return problem, tables

    def _kernel(self) -> Any:
        """Return the kernel that the options describe, a name where they leave it as it is."""
        if self.scale is not None and self.kernel not in _SCALED:
            raise InvalidOption(f"--scale is for {' and '.join(_SCALED)}, not for {self.kernel}")
        if self.degree is not None and self.kernel != "polynomial":
            raise InvalidOption(f"--degree is for polynomial, not for {self.kernel}")
        from subsetopt.problems import kernels

        if self.scale is not None:
            scaled = {"gaussian": kernels.Gaussian, "laplace": kernels.Laplace}[self.kernel]
            return scaled(scale=_scale(self.scale))
        if self.degree is not None:
            return kernels.Polynomial(degree=self.degree)
        return self.kernel


def column_scaling(method: str | None, kernel: str) -> Any:
    """Return how columns are to be scaled: by their standard deviations if nothing is said.

    Raises
    ------
    InvalidOption
        For another word, and for a kernel matrix, which has no columns.
    """
    from subsetopt.problems.scaling import METHODS

    if method not in (None, *METHODS):
        raise InvalidOption(f"--scale-columns must be {' or '.join(METHODS)}; got {method!r}")
    if kernel == "precomputed":
        if method not in (None, "none"):
            raise InvalidOption(
                f"--scale-columns is {method!r}, but a kernel matrix has no columns to scale; "
                "scale the features it is made of"
            )
        return "none"
    return method or "std"


def _scale(text: str) -> Any:
    if text == "median":
        return text
    try:
        return float(text)
    except ValueError:
        raise InvalidOption(f"--scale is {text!r}; a number or 'median' is needed") from None


def _selected_indices(file: str, table: TableInput) -> "tuple[Any, Table]":
    from subsetopt.formats.indices import read_indices

    try:
        return read_indices(file, table.beside())
    except InvalidFile as error:
        raise InvalidFile(f"{error} (--selected with --kernel precomputed)") from error


def _require_same_columns(table: "Table", selected: "Table", file: str) -> None:
    """Refuse points whose columns are called differently; without headers they go by place."""
    if table.header and selected.header and table.columns != selected.columns:
        raise InvalidFile(
            f"--selected {file}: its columns are {_listed(selected)}, those of the points "
            f"{_listed(table)}; --columns reads the same ones of both, in one order"
        )


def _listed(table: "Table") -> str:
    from subsetopt.formats.cells import shortened

    return shortened(", ".join(table.columns))


def _target(text: str, dimensions: int) -> Any:
    """Return None for the mean, a float for scalars, an array for vectors or for a list."""
    if text == "mean":
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise InvalidOption(
            f"--target is {text!r}; a number, numbers with commas, 'mean' or 'noisy' is needed"
        ) from None
    if len(numbers) == 1 and dimensions == 1:
        return numbers[0]
    import numpy as np

    return np.array(numbers)
