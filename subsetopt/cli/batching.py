"""The options of ``subsetopt sequence``."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from subsetopt.errors import InvalidFile, InvalidOption

from . import inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from subsetopt.sequencing import Engine, MiniBatchSequence

_UNITS = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgt", start=1):
    _UNITS |= {f"{_letter}b": 1000**_power, f"{_letter}ib": 1024**_power}
_PICTURES = (".svg", ".pdf", ".png")
_DEVICE_OPTIONS = ("device", "dtype")
_PIXELS = ("digits", "mnist")  # all columns in one unit


class Data(NamedTuple):
    """Points, their classes where there are any, and the tables that they were read from."""

    points: "NDArray[Any]"
    labels: "NDArray[Any] | None"
    tables: inputs.Tables


@dataclass(frozen=True, kw_only=True)
class Source:
    """The points to be put into batches, and their classes."""

    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="Features (n, d): .npy, .npz (or FILE.npz:NAME), .csv, .txt, or - for standard "
            "input; their kernel matrix with --kernel precomputed; digits; or mnist.",
            show_default=False,
        ),
    ]
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of mnist/; else SUBSETOPT_DATA names it."),
    ] = None
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="One class for each point, to say how the batches mix them; auto, or nothing: "
            "those that digits and mnist bring along.",
        ),
    ] = None
    scale_columns: inputs.ScaleColumns = None

    def read(self, table: inputs.TableInput, kernel: str) -> Data:
        """Read points, their columns scaled, and labels; the kernel may be "precomputed"."""
        method = inputs.column_scaling(self.scale_columns, kernel)
        found = self._found(table, kernel == "precomputed")
        labels, tables = found.labels, dict(found.tables)
        if self.labels not in (None, "auto"):
            from subsetopt.formats import read_table

            # As many as points: that tells whether a first line `0` is a header.
            read = read_table(str(self.labels), table.beside(), len(found.points))
            labels, tables["labels table"] = read.values, read
        elif self.labels == "auto" and labels is None:
            raise InvalidOption(f"--labels is auto, but {self.source} brings none; name a file")
        if labels is not None and labels.shape != (len(found.points),):
            raise InvalidFile(
                f"--labels has shape {labels.shape}, but there are {len(found.points)} points; "
                "one for each is needed"
            )
        if method != "none" and (self.scale_columns or self.source not in _PIXELS):
            from subsetopt.problems import scale_columns

            return Data(scale_columns(found.points, method), labels, tables)
        return Data(found.points, labels, tables)

    def _found(self, table: inputs.TableInput, square: bool) -> Data:
        if self.source in _PIXELS and (table.columns or table.id):
            raise InvalidOption(f"--columns and --id are for files, not for {self.source}")
        match self.source:
            case "digits":
                from subsetopt._dependencies import OptionalDependency

                sklearn = OptionalDependency("scikit-learn", "sklearn", extra="bench")
                digits = sklearn.load("datasets").load_digits()
                return Data((digits.data / 16).astype("float32"), digits.target, {})
            case "mnist":
                from subsetopt.formats.idx import read_mnist

                images, labels = read_mnist(self._folder())
                return Data(images.astype("float32") / 255, labels, {})
        from subsetopt.formats import read_table

        read = read_table(self.source, table.options(), "square" if square else None)
        return Data(read.values, None, {"table": read})

    def _folder(self) -> Path:
        folder = self.data or os.environ.get("SUBSETOPT_DATA")
        if not folder:
            raise InvalidFile(
                "mnist is read from a folder: --data DIR or the variable SUBSETOPT_DATA names it"
            )
        return Path(folder)


@dataclass(frozen=True, kw_only=True)
class Method:
    """How batches are chosen; what is wrong with it is said at once."""

    batch_size: Annotated[
        int, typer.Option("--batch-size", "-k", metavar="K", help="Points in a batch.")
    ]
    kernel: Annotated[
        str,
        typer.Option(metavar="NAME", help="gaussian, laplace, polynomial, linear or precomputed."),
    ] = "gaussian"
    scale: Annotated[
        str | None,
        typer.Option(metavar="S", help="Of gaussian and laplace: a number, or 'median'."),
    ] = None
    degree: Annotated[int | None, typer.Option(metavar="D", help="Of polynomial.")] = None
    solver: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="herding; swap, which is herding and exchanges; or one that 'subsetopt solvers' "
            "lists for mmd, which solves each batch as a problem of its own.",
        ),
    ] = "swap"
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="An option of the solver's own; repeatable."),
    ] = None
    engine: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Where kernel rows come from: matrix, matrix16, rows, fourier, nystroem or torch; "
            "auto is matrix where that fits into the memory, else rows.",
        ),
    ] = "auto"
    device: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of torch: cpu or cuda; else a GPU if there is one."),
    ] = None
    dtype: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of torch: float32, bfloat16 or float16.")
    ] = None
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE", help="Such as 4GiB or 500MB; else three quarters of the machine's."
        ),
    ] = None
    threads: Annotated[int | None, typer.Option(metavar="T", help="Number of threads.")] = None
    drop_last: Annotated[
        bool, typer.Option("--drop-last", help="Leave out a last batch that is smaller.")
    ] = False
    seed: inputs.Seed = 0
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Kept up to date; the same command goes on from there."),
    ] = None

    def __post_init__(self) -> None:
        from subsetopt.sequencing import ENGINES

        if self.engine != "auto" and self.engine not in ENGINES:
            raise InvalidOption(f"--engine is {self.engine!r}; known: auto, {', '.join(ENGINES)}")
        for name in _DEVICE_OPTIONS:
            if getattr(self, name) is not None and self.engine != "torch":
                raise InvalidOption(f"--{name} is for --engine torch, not for {self.engine}")
        self._kernel()
        self._bytes()
        self.options()

    def _kernel(self) -> Any:
        # The same three options, so the same reading of them.
        alike: dict[str, Any] = {"kernel": self.kernel, "scale": self.scale, "degree": self.degree}
        return inputs.MMDInput(file="-", k=1, **alike)._kernel()

    def _bytes(self) -> int | None:
        return None if self.memory is None else memory_size(self.memory)

    def options(self) -> dict[str, Any]:
        """Return the solver's own options with values as they look: number, truth or text."""
        options = {}
        for assignment in self.option or ():
            key, equals, value = assignment.partition("=")
            if not equals:
                raise InvalidOption(f"--option {assignment!r} is not of the form key=value")
            options[key.strip().replace("-", "_")] = _value(value.strip())
        return options

    def made_engine(self, X: "NDArray[Any]") -> "Engine":
        """Return the engine for the points."""
        from subsetopt.sequencing.choosers import chooser_of
        from subsetopt.sequencing.sequence import batch_size_of

        # Said now, not after a minute of kernel evaluations.
        batch_size_of(self.batch_size, len(X))
        limits = {"seed": self.seed, "memory": self._bytes(), "threads": self.threads}
        chooser_of(self.solver, dict(self.options()), **limits)  # type: ignore[arg-type]
        from subsetopt.sequencing import choose

        given = {name: getattr(self, name) for name in _DEVICE_OPTIONS}
        given = {name: value for name, value in given.items() if value is not None}
        if given:
            from subsetopt.torch.sequencing.engine import TorchEngine, default_device

            device = given.pop("device", None) or default_device()
            return TorchEngine(X, self._kernel(), device=device, memory=self._bytes(), **given)
        return choose(
            X,
            self._kernel(),
            self._bytes(),
            engine=self.engine,
            threads=self.threads,
            seed=self.seed,
        )

    def run(
        self, X: "NDArray[Any]", engine: "Engine", progress: Any, **replaced: Any
    ) -> "MiniBatchSequence":
        """Return the sequence, or that of another solver, which then has no checkpoint."""
        from subsetopt.sequencing import sequence

        own = {"solver": self.solver, "checkpoint": self.checkpoint, **self.options()}
        return sequence(
            X,
            self.batch_size,
            engine=engine,
            memory=self._bytes(),
            drop_last=self.drop_last,
            seed=self.seed,
            threads=self.threads,
            progress=progress,
            **(replaced or own),
        )


@dataclass(frozen=True, kw_only=True)
class Results:
    """What is done with the sequence."""

    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write it: .npz, for MiniBatchSequence.load."),
    ] = None
    compare: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Others beside it, with commas: random, submodular, k-dpp, facility, or solvers.",
        ),
    ] = ""
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the MMD after each batch: .svg, .pdf or .png."),
    ] = None
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead.")] = False

    def __post_init__(self) -> None:
        from subsetopt._files import require_writable, suffix_of

        for path, known in ((self.out, (".npz",)), (self.plot, _PICTURES)):
            if path is not None:
                suffix_of(path, known)
                require_writable(path)

    @property
    def others(self) -> list[str]:
        """The names to compare with."""
        return [name.strip() for name in self.compare.split(",") if name.strip()]


def memory_size(text: str) -> int:
    """Return the bytes that a size such as ``4GiB``, ``500 MB`` or ``1e9`` stands for."""
    found = re.fullmatch(r"\s*([0-9.]+(?:e\+?[0-9]+)?)\s*([a-z]*)\s*", text.lower())
    try:
        size = int(float(found[1]) * _UNITS[found[2]]) if found else 0
    except (ValueError, KeyError, OverflowError):
        size = 0
    if size < 1:
        raise InvalidOption(
            f"--memory is {text!r}; a number of bytes is needed, or one with a unit: kB, MB, GB, "
            "TB, KiB, MiB, GiB or TiB"
        )
    return size


def _value(text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
