"""Cases from files: values, points, kernel matrices, instances of published formats."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from subsetopt._checks import require, require_integer
from subsetopt._registry import require_options
from subsetopt._spec import Spec
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats import TableOptions, read_problem, read_table
from subsetopt.problems import Kernel, _validation
from subsetopt.problems._kernel_choice import kernel_of
from subsetopt.problems._kernel_matrices import symmetric_kernel
from subsetopt.problems._points import points

from ._clouds import Cloud, MMDCase
from ._quadratic_cases import QuadraticCase
from ._sequence_cases import SequenceCase
from .base import Case, MeanMatchingCase, Values, VectorCase

_KERNEL = ("kernel", "scale", "degree")
_TABLE = ("header", "columns", "id")
KEYS: Mapping[str, tuple[str, ...]] = {
    "mean-matching": _TABLE,
    "vector-mean-matching": _TABLE,
    "mmd": (*_KERNEL, *_TABLE),
    "quadratic": ("format", "instance", *_TABLE),
    "sequence": (*_KERNEL, *_TABLE),
}
"""The families, and what may be said of a file besides k."""
PACKED = (".xz", ".gz", ".bz2")


def stem(source: str) -> str:
    """Return the name of a file, or of a member of an archive, without its suffixes."""
    path = Path(source.rpartition(":")[2])
    return Path(path.stem).stem if path.suffix in PACKED else path.stem


def read(
    source: str,
    family: str,
    name: str,
    ks: Sequence[int] | None,
    options: Mapping[str, Any],
) -> list[Case]:
    """Return the cases of choosing each k of what a file holds.

    `source` is as `subsetopt.formats.read_values` takes it, for quadratics as `read_problem` does;
    `name` is the beginning of the names of the cases, `options` are by the keys that the family
    has. Without `ks`, quadratic instances state one of their own.

    Raises InvalidFile if the file is missing or damaged, or holds another shape; InvalidOption for
    a missing k, or an unknown kernel or format; InvalidProblem for a k out of range, or numbers
    that state no problem.
    """
    if family == "quadratic":
        return list(_quadratic(source, name, ks, options))
    if ks is None:
        raise InvalidOption(f"k must be given, as files of {family} state none")
    if family in ("mmd", "sequence"):
        return list(_clouds(source, family, name, ks, options))
    return list(_matching(source, family, name, ks, options))


def _table(options: Mapping[str, Any]) -> TableOptions:
    """Return how text is read: columns go by name or by number from 1, as on the command line."""
    header, columns, key = (options.get(name) for name in _TABLE)
    require("header", header, header is None or isinstance(header, bool), "true or false")
    columns = columns if columns is None or isinstance(columns, list) else [columns]
    columns = None if columns is None else [str(column) for column in columns]
    return TableOptions(header=header, columns=columns, id=None if key is None else str(key))


def _matching(
    source: str, family: str, name: str, ks: Sequence[int], options: Mapping[str, Any]
) -> Iterator[Case]:
    values = read_table(source, _table(options)).values
    kind = {1: MeanMatchingCase, 2: VectorCase}.get(values.ndim)
    if kind is None or kind.family != family:
        wanted = "(n,)" if family == MeanMatchingCase.family else "(n, d)"
        raise InvalidFile(f"{source}: holds shape {values.shape}; {family} needs {wanted}")
    batch = Values(name, Path(source).name, values)
    for k in ks:
        case = kind.of(batch, k)
        case.problem()  # raises now for what states none
        yield case


def _clouds(
    source: str, family: str, name: str, ks: Sequence[int], options: Mapping[str, Any]
) -> Iterator[Case]:
    kernel = _kernel({key: options[key] for key in options if key in _KERNEL})
    square = kernel == "precomputed"
    values = read_table(source, _table(options), "square" if square else None).values
    if kernel == "precomputed":
        values = symmetric_kernel("K", _validation.square_matrix("K", values, copy=False))
    else:
        values = points("X", values)
    cloud = Cloud(name, Path(source).name, values, kernel)
    for k in ks:
        require_integer("k", k, f"[1, {len(values) - 1}]")
        yield MMDCase(cloud, k) if family == "mmd" else SequenceCase(cloud, k)


def _kernel(options: Mapping[str, Any]) -> Kernel | Literal["precomputed"]:
    spec = Spec.parse(str(options.get("kernel", "gaussian")))
    given = spec.options | {key: options[key] for key in options if key != "kernel"}
    if spec.name != "precomputed":
        return kernel_of(Spec(spec.name, given))
    require_options("kernel 'precomputed'", given, ())
    return "precomputed"


def _quadratic(
    source: str, name: str, ks: Sequence[int] | None, options: Mapping[str, Any]
) -> Iterator[Case]:
    instance = options.get("instance")
    require_integer("instance", instance, none=True)
    table = _table(options)
    wanted: Sequence[int | None] = ks or [None]
    for k in wanted:
        selection = read_problem(
            source,
            format=options.get("format"),
            k=k,
            instance=instance,
            header=table.header,
            columns=table.columns,
            id=table.id,
        )
        yield QuadraticCase(f"{name}-k{selection.k}", Path(source).name, selection)
