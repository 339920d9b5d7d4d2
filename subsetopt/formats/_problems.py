"""Instances of quadratic selection, in the formats that they are published in."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subsetopt._checks import require_one_of
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.problems import QuadraticSelection
from subsetopt.problems._pairs import Duplicates
from subsetopt.problems.quadratic import Sense

from ._array_files import ZIP_MAGIC
from ._csv_table import CSVTable
from ._graph_files import MAGIC, read_edges, read_matrix_market, read_rudy
from ._libraries import Reading, given, read_biqmac, read_bqp, read_kcluster, read_mdplib
from ._opb import read_opb
from ._recognising import BOM, FORMATS, recognised
from ._sources import content_of, member_of
from ._table_options import TableOptions
from ._value_files import read_table, table_from

_ALIKE = 1e-9  # differences of mirror images that are rounding, relative to the largest entry
_OPTIONS = {
    "instance": ("bqp",),
    "sense": ("matrix", "edges", "rudy", "biqmac", "matrix-market"),
    "duplicates": ("edges", "rudy", "matrix-market"),
    "header": ("edges", "matrix"),
    "columns": ("matrix",),
    "id": ("matrix",),
    "linear": ("matrix",),
}
"""The formats that each option is for; the others say it themselves, or have no such thing."""
_READERS: dict[str, Callable[..., Reading]] = {
    "mdplib": read_mdplib,
    "kcluster": read_kcluster,
    "bqp": read_bqp,
    "opb": read_opb,
    "biqmac": read_biqmac,
    "rudy": read_rudy,
    "edges": read_edges,
    "matrix-market": read_matrix_market,
}


def read_problem(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 - what it is called everywhere
    k: int | None = None,
    instance: int | None = None,
    sense: Sense | None = None,
    duplicates: Duplicates | None = None,
    header: bool | None = None,
    columns: Sequence[str | int] | None = None,
    id: str | int | None = None,  # noqa: A002
) -> QuadraticSelection:
    """Read an instance of quadratic selection from a file.

    Parameters
    ----------
    path : str or path
        A file, plain or packed by gzip, xz or bzip2; a tar archive of one file, or
        ``archive:member``; or ``-`` for standard input.
    format : {"mdplib", "kcluster", "bqp", "opb", "biqmac", "rudy", "edges", "matrix-market", \
            "matrix"}, optional
        None recognises it by the content. ``"matrix"`` is a square ``.npy``, ``.npz`` or text
        table.
    k : int, optional
        How many to choose; None is what the file says.
    instance : int, optional
        Which one, from 1, of a bqp file that holds several.
    sense : {"minimise", "maximise"}, optional
        For files that do not say it: None is minimise for matrices and Biq Mac files, maximise for
        graphs.
    duplicates : {"refuse", "sum", "once"}, optional
        Of graphs that hold a pair of nodes twice: see `QuadraticSelection.from_graph`. None is
        refuse.
    header : bool, optional
        Whether the first line of a list of edges, or of a matrix in text, is a header; None decides
        by what it holds.
    columns : sequence of str or int, optional
        Of a matrix in text: its columns, as `read_values` takes them. None is all but `id`.
    id : str or int, optional
        Of a matrix in text: the column that names the rows.

    Returns
    -------
    QuadraticSelection
        In the file's own sense: `QuadraticSelection.stated` gives its own value back.

    Raises
    ------
    InvalidFile
        Naming the file, the line, what is wrong and the fix.
    InvalidOption
        If k, the instance or the format has to be named, or cannot be.
    InvalidProblem
        If k lies outside 1..n.
    TooLarge
        If the matrix would not fit; before it is allocated.
    """
    options: dict[str, Any] = {"instance": instance, "sense": sense, "duplicates": duplicates}
    options |= {"header": header, "columns": columns, "id": id}
    return read_with_format(path, format=format, k=k, **options).problem


def read_with_format(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002
    k: int | None = None,
    linear: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Reading:
    """Read as `read_problem` does; return the name of the format and what was decided too.

    `linear` is a file that `read_table` reads: the linear term (n,) of a matrix.
    """
    if format is not None:
        require_one_of("format", format, FORMATS)
    stated = {key: value for key, value in options.items() if value is not None}
    if linear is not None:
        stated["linear"] = linear
    if format in (None, "matrix") and _is_array_file(path):
        _require_fitting("matrix", stated)
        chosen = _table_options(stated)
        return _matrix(read_table(path, chosen), chosen, k, os.fspath(path), **stated)
    content, name, member = content_of(path)
    content = content.removeprefix(BOM)
    found = format or recognised(content, name)
    if member is not None and not content.startswith(ZIP_MAGIC):
        raise InvalidFile(f"{name}: this is not an archive; leave out ':{member}'")
    if content.startswith(MAGIC) and found in ("edges", "matrix"):
        _require_fitting("matrix-market", stated)
        return read_matrix_market(content, name, k, reading=found, **stated)
    _require_fitting(found, stated)
    if found == "matrix":
        chosen = _table_options(stated)
        table = table_from(content, name, member, options=chosen, rows="square")
        if format is None:
            _require_symmetric(table, name)
        return _matrix(table, chosen, k, name, **stated)
    try:
        return _READERS[found](content, name, k, **stated)
    except InvalidFile as error:
        if found != "kcluster" or format is not None:
            raise
        raise InvalidFile(
            f"{error} (format 'edges' reads line 1 as an edge: --format on the command line)"
        ) from error


def _is_array_file(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is best read by `read_table`, which does not hold the bytes as well."""
    return member_of(path)[0].suffix.lower() in (".npy", ".npz")


def _require_fitting(found: str, stated: dict[str, Any]) -> None:
    """Raise InvalidOption if an option is not for files of this format."""
    for option, value in stated.items():
        fitting = _OPTIONS[option]
        if found not in fitting:
            raise InvalidOption(
                f"{option} is {value!r}, which is for {', '.join(fitting)}; this is a file of "
                f"format {found}"
            )


def _table_options(stated: dict[str, Any]) -> TableOptions:
    """Take the options about tables out of those that are given."""
    return TableOptions(**{key: stated.pop(key, None) for key in ("header", "columns", "id")})


def _matrix(
    table: CSVTable,
    options: TableOptions,
    k: int | None,
    name: str,
    sense: Sense = "minimise",
    linear: str | os.PathLike[str] | None = None,
) -> Reading:
    k = given(k, name, "matrices")
    values = table.values
    if values.shape == (1,):
        values = values.reshape(1, 1)  # a table of one column is read as a vector
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        raise InvalidFile(f"{name}: a matrix must be square, (n, n); got shape {values.shape}")
    tables = {"table": table}
    if linear is not None:
        tables["linear table"] = read_table(
            linear, TableOptions(header=options.header), len(values)
        )
    c = tables["linear table"].values if linear is not None else None
    problem = QuadraticSelection(values, c, k, sense=sense, copy=False, names=_names(table))
    return Reading(problem, "matrix", "m'Qm" if c is None else "m'Qm + c'm", tables)


def _require_symmetric(table: CSVTable, name: str) -> None:
    """Refuse text that is square, but no symmetric matrix nor a triangle, unless it was named."""
    Q = table.values
    if not table.is_text or Q.ndim != 2 or Q.shape[0] != Q.shape[1] or not np.isfinite(Q).all():
        return
    apart = np.abs(Q - Q.T)
    symmetric = apart.max() <= _ALIKE * np.abs(Q).max()
    if symmetric or not np.tril(Q, -1).any() or not np.triu(Q, 1).any():
        return
    i, j = (int(place) for place in np.unravel_index(apart.argmax(), Q.shape))
    raise InvalidFile(
        f"{name}: {len(Q)} lines of {len(Q)} numbers, but not a symmetric matrix: row {i + 1} has "
        f"{Q[i, j]:g} in column {j + 1}, row {j + 1} has {Q[j, i]:g} in column {i + 1}. Format "
        "'matrix' (--format on the command line) takes the mean of the two, as m'Qm does; points "
        "with as many features are for 'solve mmd', and edges are lines of two nodes and a weight"
    )


def _names(table: CSVTable) -> tuple[str, ...] | None:
    """Return the names of the rows, where they tell them apart."""
    return table.ids if table.ids is not None and len(set(table.ids)) == len(table.ids) else None
