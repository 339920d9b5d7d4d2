"""MatrixMarket files: a coordinate file is a graph, an array a matrix."""

from io import BytesIO
from typing import Any

import numpy as np

from subsetopt.errors import InvalidFile, InvalidOption, InvalidProblem, MissingDependency
from subsetopt.problems import QuadraticSelection
from subsetopt.problems._graphs import edges_of
from subsetopt.problems._memory import require_square
from subsetopt.problems._pairs import Duplicates
from subsetopt.problems.quadratic import Sense

from ._reading import EACH_EDGE_ONCE, Reading

MAGIC = b"%%MatrixMarket"
_FIELDS = ("real", "double", "integer", "unsigned-integer", "pattern")
_SYMMETRIES = ("general", "symmetric")


def read_matrix_market(
    content: bytes,
    name: str,
    k: int | None,
    *,
    reading: str | None = None,
    sense: Sense | None = None,
    duplicates: Duplicates = "refuse",
) -> Reading:
    """Read a square real matrix in either of the two forms.

    Parameters
    ----------
    content : bytes
    name : str
        Of the file, for messages.
    k : int
        How many to choose; the file does not say.
    reading : {"edges", "matrix"}, optional
        None is edges for a coordinate file and a matrix for an array.
    sense : {"minimise", "maximise"}, optional
        None is maximise for edges and minimise for a matrix.
    duplicates : {"refuse", "sum", "once"}
        What is done about entries that a coordinate file gives twice, and about a graph whose
        matrix is neither symmetric nor a triangle: ``"sum"`` counts every entry.

    Returns
    -------
    Reading

    Raises
    ------
    InvalidFile
    InvalidOption
        If k has to be named.
    MissingDependency
        Without SciPy.
    """
    if k is None:
        raise InvalidOption(
            f"{name}: MatrixMarket files state no number to choose; give k (--k on the command "
            "line)"
        )
    matrix, form = _matrix(content, name)
    if form == "coordinate" and duplicates != "sum":
        _require_once(matrix, name)
    if reading == "matrix" or (reading is None and form == "array"):
        problem = QuadraticSelection(matrix, k=k, sense=sense or "minimise", copy=False)
        return Reading(problem, "matrix", "m'Qm of the matrix in the file")
    if form == "array":
        matrix = _sparse().coo_array(matrix)
    try:
        edges = edges_of(matrix, duplicates=duplicates)
    except InvalidProblem as error:
        raise InvalidFile(
            f"{name}: {error} (--duplicates sum); or name the format 'matrix' for m'Qm"
        ) from error
    problem = QuadraticSelection.from_graph(edges, k, sense=sense or "maximise")
    return Reading(problem, "matrix-market", f"{EACH_EDGE_ONCE}; node 1 of the file is index 0")


def _matrix(content: bytes, name: str) -> tuple[Any, str]:
    """Return the matrix, and whether it is a coordinate file or an array."""
    scipy_io = _scipy_io()
    try:
        rows, columns, entries, form, field, symmetry = scipy_io.mminfo(BytesIO(content))
    except (ValueError, OverflowError, IndexError) as error:
        raise InvalidFile(f"{name}: the MatrixMarket header is damaged: {_plain(error)}") from error
    if field not in _FIELDS or symmetry not in _SYMMETRIES:
        raise InvalidFile(
            f"{name}: line 1: the matrix is {field} and {symmetry}; a real one is needed, general "
            "or symmetric"
        )
    if rows != columns or rows < 1:
        raise InvalidFile(f"{name}: the matrix is {rows} x {columns}; a square one is needed")
    require_square(name, rows)
    if entries > len(content) // 2:  # what is read is allocated first: a digit and a blank each
        raise InvalidFile(
            f"{name}: {entries} entries are announced, more than {len(content)} bytes hold: is the "
            "file cut short?"
        )
    try:
        return scipy_io.mmread(BytesIO(content)), form
    except (ValueError, OverflowError, IndexError) as error:
        raise InvalidFile(f"{name}: damaged or cut short: {_plain(error)}") from error


def _require_once(matrix: Any, name: str) -> None:
    ends = matrix.row.astype(np.int64) * matrix.shape[0] + matrix.col
    _, first, counts = np.unique(ends, return_index=True, return_counts=True)
    if (counts > 1).any():
        at = int(first[counts > 1].min())
        raise InvalidFile(
            f"{name}: the entry ({matrix.row[at] + 1}, {matrix.col[at] + 1}) is given more than "
            "once; duplicates 'sum' adds such entries (--duplicates on the command line)"
        )


def _plain(error: Exception) -> str:
    """Return what SciPy says, which quotes the file, without signs that a terminal obeys."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(error))


def _scipy_io() -> Any:
    try:
        import scipy.io
    except ImportError as error:
        raise MissingDependency(
            "MatrixMarket files are read by SciPy, which is missing: pip install scipy"
        ) from error
    return scipy.io


def _sparse() -> Any:
    import scipy.sparse

    return scipy.sparse
