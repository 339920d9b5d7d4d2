"""The options that state a quadratic selection."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from subsetopt import formats
from subsetopt._options import option
from subsetopt.formats import TableOptions

from .problem_options import problem_file

if TYPE_CHECKING:
    from subsetopt.formats._libraries import Reading


@dataclass(frozen=True, kw_only=True)
class QuadraticOptions:
    """An instance of a published format, or a matrix."""

    file: str = problem_file(
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
