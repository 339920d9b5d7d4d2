"""The options of ``subsetopt sequence``."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import subsetopt
from subsetopt import formats, problems, sequencing
from subsetopt._options import option
from subsetopt._spec import Spec
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats import TableOptions
from subsetopt.problems._memory import memory_size

from .derived_options import assignments, json_flag, output_file, picture_file
from .kernel_options import KernelOptions
from .problem_options import Tables, of_one_column

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from subsetopt.sequencing import Engine, MiniBatchSequence

_PIXELS = ("digits", "mnist")  # all columns in one unit


class SequenceData(NamedTuple):
    """Points, their classes where there are any, and the tables that they were read from."""

    points: "NDArray[Any]"
    labels: "NDArray[Any] | None"
    tables: Tables


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """The points to be put into batches, and their classes."""

    source: str = option(
        "Features (n, d): .npy, .npz (or FILE.npz:NAME), .csv, .txt, or - for standard input; "
        "their kernel matrix with --kernel precomputed; digits; or mnist.",
        argument=True,
        metavar="SOURCE",
    )
    data: Path | None = option("Folder of mnist/.", None, unset="SUBSETOPT_DATA")
    labels: str | None = option(
        "File of one class for each point, to report how the batches mix them; auto takes those "
        "of digits and mnist.",
        None,
        metavar="FILE",
    )

    def read(self, table: TableOptions, kernel: KernelOptions) -> SequenceData:
        """Read points, their columns scaled, and labels."""
        method = kernel.scaling("none" if self.source in _PIXELS else "std")
        found = self._found(table, kernel.precomputed)
        labels, tables = found.labels, dict(found.tables)
        if self.labels not in (None, "auto"):
            # As many as points: that tells whether a first line `0` is a header.
            one = of_one_column(table)
            read = formats.read_table(str(self.labels), one, len(found.points))
            labels, tables["labels table"] = read.values, read
        elif self.labels == "auto" and labels is None:
            raise InvalidOption(f"--labels is auto, but {self.source} brings none; name a file")
        if labels is not None and labels.shape != (len(found.points),):
            raise InvalidFile(
                f"--labels has shape {labels.shape}, but there are {len(found.points)} points; "
                "give one label for each"
            )
        if method == "none":
            return SequenceData(found.points, labels, tables)
        return SequenceData(problems.scale_columns(found.points, method), labels, tables)

    def _found(self, table: TableOptions, square: bool) -> SequenceData:
        if self.source in _PIXELS and (table.columns or table.id):
            raise InvalidOption(f"--columns and --id are for files, not for {self.source}")
        match self.source:
            case "digits":
                digits, labels = formats._image_sets.read_digits()
                return SequenceData((digits / 16).astype("float32"), labels, {})
            case "mnist":
                images, labels = formats._array_files.read_mnist(self._folder())
                return SequenceData(images.astype("float32") / 255, labels, {})
        read = formats.read_table(self.source, table, "square" if square else None)
        return SequenceData(read.values, None, {"table": read})

    def _folder(self) -> Path:
        folder = self.data or os.environ.get("SUBSETOPT_DATA")
        if not folder:
            raise InvalidFile(
                "mnist is read from a folder: --data DIR or the variable SUBSETOPT_DATA names it"
            )
        return Path(folder)


@dataclass(frozen=True, kw_only=True)
class SequenceOptions:
    """How batches are chosen, and where kernel rows come from; bad options are refused at once."""

    batch_size: int = option(
        "Number of points in a batch.", flags=("--batch-size", "-k"), metavar="K", ge=1
    )
    solver: str = option(
        "Selector of each batch: running-herding; running-swap (the same, then swaps until none "
        "helps); or a solver that 'subsetopt solvers' lists for mmd. Also with its options, as in "
        "running-swap:sweeps=2.",
        "running-swap",
    )
    options: tuple[str, ...] = assignments()
    batches: int | None = option("Number of batches to stop after.", None, unset="all", ge=1)
    drop_last: bool = option("Leave out a last batch that is smaller.", False)
    seed: int = option("Seed of whatever is random.", 0)
    checkpoint: Path | None = option(
        "File of the batches so far, from which the same command resumes.", None, metavar="FILE"
    )
    engine: str = option(
        "Engine of kernel rows: matrix, matrix16, rows, torch, or dask or ray (rows, whose sums a "
        "cluster adds up); auto is matrix where that fits into the memory, else rows.",
        "auto",
    )
    scheduler: str | None = option(
        "Address of the scheduler of the cluster, such as tcp://10.0.0.1:8786 of Dask or "
        "10.0.0.1:6379 of Ray.",
        None,
        metavar="ADDRESS",
        needs="engine=dask|ray",
    )
    device: str | None = option(
        "Device of --engine torch: cpu or cuda.",
        None,
        unset="a GPU if there is one",
        needs="engine=torch",
    )
    dtype: str | None = option(
        "Precision of --engine torch: float32, bfloat16 or float16.",
        None,
        unset="float32",
        needs="engine=torch",
    )
    memory: int | None = option(
        "Memory that it may take, such as 4GiB or 500MB.",
        None,
        metavar="SIZE",
        unset="three quarters of the machine's",
        parse=memory_size,
    )
    threads: int | None = option("Number of threads.", None, unset="all processors")

    def __post_init__(self) -> None:
        self.spec()
        if self.engine not in ("auto", *sequencing.ENGINES):
            raise InvalidOption(
                f"--engine must be auto, {', '.join(sequencing.ENGINES)}; got {self.engine!r}"
            )

    def spec(self) -> Spec:
        """Return the selector and its options."""
        return Spec.parse(self.solver, self.options)

    def made_engine(self, X: "NDArray[Any]", kernel: KernelOptions) -> "Engine":
        """Return the engine for the points."""
        # Said now, not after a minute of kernel evaluations.
        size = sequencing.engines.batch_size_of(self.batch_size, len(X))
        sequencing.engines.batch_count_of(self.batches, len(X), size, self.drop_last)
        spec = self.spec()
        sequencing._selectors.selector_of(
            spec.name, spec.options, seed=self.seed, threads=self.threads
        )
        given: dict[str, Any] = {"device": self.device, "dtype": self.dtype}
        given = {name: value for name, value in given.items() if value is not None}
        if given:
            from subsetopt.torch.sequencing._engine import TorchEngine, default_device

            placed = {"device": default_device(), **given}
            return TorchEngine(X, kernel.made(), memory=self.memory, **placed)
        return sequencing.choose(
            X,
            kernel.made(),
            engine=self.engine,
            memory=self.memory,
            seed=self.seed,
            threads=self.threads,
            scheduler=self.scheduler,
        )

    def run(
        self, X: "NDArray[Any]", engine: "Engine", progress: Any, selector: str = ""
    ) -> "MiniBatchSequence":
        """Return the sequence, or that of another selector, which then has no checkpoint."""
        spec = self.spec()
        own: dict[str, Any] = {"selector": selector}
        if not selector:
            own = {"selector": spec.name, "checkpoint": self.checkpoint, **spec.options}
        return subsetopt.sequence(
            X,
            self.batch_size,
            engine=engine,
            memory=self.memory,
            batches=self.batches,
            drop_last=self.drop_last,
            seed=self.seed,
            threads=self.threads,
            progress=progress,
            **own,
        )


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """What is done with the sequence."""

    out: Path | None = output_file("File for the sequence, for MiniBatchSequence.load", ".npz")
    compare: tuple[str, ...] = option(
        "Others to compare with: random, submodular, k-dpp, facility, poisson-disk, "
        "running-herding, running-swap, or solvers.",
        (),
    )
    plot: Path | None = picture_file("File for a picture of the MMD after each batch")
    as_json: bool = json_flag("Print one JSON object.")
