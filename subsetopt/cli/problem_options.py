"""The options that state a problem, shared by the commands that take one."""

import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from subsetopt import formats, problems
from subsetopt._options import option
from subsetopt._spec import Spec
from subsetopt.errors import InvalidFile, InvalidOption, UnscaledColumns
from subsetopt.formats import TableOptions
from subsetopt.report._progress import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from subsetopt.formats import CSVTable
    from subsetopt.formats._libraries import Reading

_NOISE = 2  # a stream of its own: `random` draws from default_rng(seed), the baseline from 1

Tables = Mapping[str, "CSVTable"]
"""The tables that a command has read, by what they are called in its answer; the main one first."""


def of_one_column(table: TableOptions) -> TableOptions:
    """Return the options for another file, which has one column."""
    return replace(table, columns=None, id=None)


def ids_of(tables: Tables) -> Sequence[str] | None:
    """Return the ids of the rows of the main table, if it has some."""
    return next((table.ids for table in tables.values()), None)


def plain_tables(tables: Tables) -> dict[str, Any]:
    """Return what was taken as header, rows and columns, as ``--json`` prints it."""
    return {label.replace(" ", "_"): table.to_dict() for label, table in tables.items()}


def table_lines(tables: Tables) -> dict[str, str]:
    """Return the same for people, of text only."""
    lines = {label: table.sentence() for label, table in tables.items()}
    return {label: sentence for label, sentence in lines.items() if sentence}


def _file(help: str) -> Any:  # noqa: A002
    return option(help, argument=True, metavar="FILE")


def _size() -> Any:
    return option("Number of rows to choose.", flags=("--k", "-k"), metavar="K", ge=1)


def _scaling(unset: str) -> Any:
    return option(
        "Scaling of the columns of features to equal spread: std (standard deviation), robust "
        "(interquartile range, against outliers) or none.",
        None,
        choices=("std", "robust", "none"),
        metavar="HOW",
        unset=unset,
    )


@dataclass(frozen=True, kw_only=True)
class MeanMatchingOptions:
    """Values whose mean is to be matched."""

    file: str = _file(
        "Values (n,) or (n, d): .npy, .npz (or FILE.npz:NAME), .csv, .txt, or - for standard input."
    )
    k: int = _size()
    target: str = option(
        "Target of their mean: a number, d numbers separated by commas, 'mean', or 'noisy' for a "
        "sample from Normal(mean, std/sqrt(k)).",
        "mean",
    )
    cardinality: str = option(
        "Number that is chosen: exactly K, or at_most K; the divisor stays K.",
        "exactly",
        choices=("exactly", "at_most"),
    )
    scale_columns: str | None = _scaling("none, with a warning where their spreads differ much")

    def read(self, seed: int, table: TableOptions) -> "tuple[problems.MeanMatching, Tables]":
        """Read the values and state the problem; noise is from ``default_rng([seed, 2])``."""
        import numpy as np

        read = formats.read_table(self.file, table)
        noisy = self.target == "noisy"
        target = "noisy" if noisy else _target(self.target, read.values.ndim)
        values, target = self._scaled(read, target)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnscaledColumns)  # said before, with the names
            problem = problems.MeanMatching(
                values,
                self.k,
                target=target,
                cardinality=self.cardinality,  # type: ignore[arg-type]
                generator=np.random.default_rng([seed, _NOISE]) if noisy else None,
            )
        return problem, {"table": read}

    def _scaled(self, read: "CSVTable", target: Any) -> tuple[Any, Any]:
        """Return values and target with columns scaled as asked for, or warn if they should be."""
        method: Any = self.scale_columns
        if read.values.ndim == 1 or method in (None, "none"):
            if method is None and read.values.ndim == 2:
                remedy = "Say --scale-columns std (or robust), or none to leave them as they are."
                problems.scaling.warn_unscaled(read.values, remedy, 2, read.columns)
            return read.values, target
        values = problems._points.points("values", read.values)
        scaling = problems.scaling.Scaling.of(values, method)
        if target is not None and not isinstance(target, str) and target.shape == values.shape[1:]:
            target = (target - scaling.centre) / scaling.scale
        return scaling.applied(values), target


@dataclass(frozen=True, kw_only=True)
class QuadraticOptions:
    """An instance of a published format, or a matrix."""

    file: str = _file(
        "Instance in MDPLIB, k-cluster, OR-Library bqp, Biq Mac, rudy or OPB format, list of edges "
        "(.csv, .tsv, .txt), MatrixMarket, or square matrix (.npy, .npz, .csv); possibly packed by "
        "gzip, xz or bzip2, ARCHIVE:MEMBER of a tar archive, or - for standard input."
    )
    k: int | None = option(
        "Number of nodes to choose.",
        None,
        ge=1,
        flags=("--k", "-k"),
        metavar="K",
        unset="as the file says",
    )
    instance: int | None = option("Number of the instance in a bqp file, from 1.", None)
    format: str | None = option(
        "Format of the file: mdplib, kcluster, bqp, opb, biqmac, rudy, edges, matrix-market or "
        "matrix.",
        None,
        unset="recognised by the content",
    )
    linear: str | None = option("File of the linear term (n,) of a matrix.", None, metavar="FILE")
    maximise: bool | None = option(
        "Sense of the objective where the file does not say it.",
        None,
        flags=("--maximise/--minimise",),
        unset="maximise graphs, minimise matrices and Biq Mac files",
    )
    duplicates: str | None = option(
        "Treatment of pairs of nodes that a graph holds twice: refuse, sum (add their weights) or "
        "once (count one of them, if they are equal).",
        None,
    )

    def read(self, table: TableOptions) -> "Reading":
        """Read the problem, and what was decided about its file."""
        return formats._problems.read_with_format(
            self.file,
            format=self.format,
            k=self.k,
            linear=self.linear,
            instance=self.instance,
            sense={None: None, True: "maximise", False: "minimise"}[self.maximise],
            duplicates=self.duplicates,
            header=table.header,
            columns=table.columns,
            id=table.id,
        )


def _scale(name: str, text: str) -> float | str:
    if text == "median":
        return text
    try:
        return float(text)
    except ValueError:
        raise InvalidOption(f"{name} must be a number or 'median'; got {text!r}") from None


def _kernel(names: str) -> Any:
    return option(
        f"Kernel: {names}; also with its options, as in polynomial:degree=2:coef0=0.", "gaussian"
    )


@dataclass(frozen=True, kw_only=True)
class KernelOptions:
    """The kernel of MMD; a bad one is refused at once."""

    kernel: str = _kernel("gaussian, laplace, polynomial, linear or precomputed")
    scale: float | str | None = option(
        "Scale of the gaussian and laplace kernels: a number, or 'median'.",
        None,
        metavar="S",
        unset="median",
        parse=_scale,
    )
    degree: int | None = option("Degree of the polynomial kernel.", None, unset="3")
    scale_columns: str | None = _scaling("std")

    takes_matrix: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.made()
        self.scaling()

    @property
    def precomputed(self) -> bool:
        """Whether the data are the kernel matrix."""
        return self.kernel == "precomputed"

    def made(self) -> Any:
        """Return the kernel, or "precomputed"."""
        given = {"scale": self.scale, "degree": self.degree}
        options = {name: value for name, value in given.items() if value is not None}
        if self.precomputed and options:
            raise InvalidOption(
                f"--{next(iter(options))} is for kernels of features, not for a matrix"
            )
        if self.precomputed:
            return self.kernel
        spec = Spec.parse(self.kernel)
        return problems._kernel_choice.kernel_of(
            Spec(spec.name, spec.options | options),
            problems._kernel_choice.MATRIX if self.takes_matrix else "",
        )

    def scaling(self, default: str = "std") -> Any:
        """Return how columns are scaled: `default` if nothing is said, none of a kernel matrix."""
        if not self.precomputed:
            return self.scale_columns or default
        if self.scale_columns not in (None, "none"):
            raise InvalidOption(
                f"--scale-columns is {self.scale_columns!r}, but a kernel matrix has no columns to "
                "scale; scale the features it is made of"
            )
        return "none"


@dataclass(frozen=True, kw_only=True)
class FeatureKernelOptions(KernelOptions):
    """The kernel of features alone."""

    kernel: str = _kernel("gaussian, laplace, polynomial or linear")
    takes_matrix: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class MMDOptions:
    """Points, or their kernel matrix, and what has been selected before."""

    file: str = _file(
        "Features (n, d) of the candidates, or their kernel matrix with --kernel precomputed: "
        ".npy, .npz (or FILE.npz:NAME), .csv, .txt, or - for standard input."
    )
    k: int = _size()
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
        with _told_late("row sums") as progress:
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
def _told_late(label: str) -> "Iterator[Callable[[int, int], None]]":
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


def _target(text: str, dimensions: int) -> Any:
    """Return None for the mean, a float for scalars, an array for vectors or for a list."""
    if text == "mean":
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise InvalidOption(
            "--target must be a number, numbers separated by commas, 'mean' or 'noisy'; got "
            f"{text!r}"
        ) from None
    if len(numbers) == 1 and dimensions == 1:
        return numbers[0]
    import numpy as np

    return np.array(numbers)
