"""Cases from files: values, points, kernel matrices, and instances of the published formats."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats import read_problem, read_values
from subsetopt.problems import Gaussian, Kernel, Laplace, Linear, Polynomial, checks
from subsetopt.problems.kernel_matrices import symmetric_kernel
from subsetopt.problems.points import points

from .base import Case, MeanMatchingCase, Values, VectorCase
from .clouds import Cloud, MMDCase
from .quadratic import QuadraticCase
from .sequences import SequenceCase

_KERNEL = ("kernel", "scale", "degree")
KEYS: Mapping[str, tuple[str, ...]] = {
    "mean-matching": (),
    "vector-mean-matching": (),
    "mmd": _KERNEL,
    "quadratic": ("format", "instance"),
    "sequence": _KERNEL,
}
"""The families, and what may be said of a file beside k."""
_KERNELS: dict[str, tuple[type[Kernel], tuple[str, ...]]] = {
    "gaussian": (Gaussian, ("scale",)),
    "laplace": (Laplace, ("scale",)),
    "polynomial": (Polynomial, ("degree",)),
    "linear": (Linear, ()),
}
_PACKED = (".xz", ".gz", ".bz2")


def stem(source: str) -> str:
    """Return the name of a file, or of a member of an archive, without its suffixes."""
    path = Path(source.rpartition(":")[2])
    return Path(path.stem).stem if path.suffix in _PACKED else path.stem


def read(
    source: str,
    family: str,
    name: str,
    ks: Sequence[int] | None,
    options: Mapping[str, Any],
) -> list[Case]:
    """Return the cases of choosing each k of what a file holds.

    Parameters
    ----------
    source : str
        As `subsetopt.formats.read_values` takes it, for quadratics as `read_problem` does.
    family : str
        A key of `KEYS`.
    name : str
        The beginning of the names of the cases.
    ks : sequence of int or None
        Quadratic instances may state one of their own.
    options : dict
        By the keys that the family has.

    Raises
    ------
    InvalidFile
        If the file is missing or damaged, or holds another shape.
    InvalidOption
        For a missing k, or an unknown kernel or format.
    InvalidProblem
        For a k out of range, or numbers that state no problem.
    """
    if family == "quadratic":
        return list(_quadratic(source, name, ks, options))
    if ks is None:
        raise InvalidOption(f"k is missing; {family} files state none")
    if family in ("mmd", "sequence"):
        return list(_clouds(source, family, name, ks, options))
    return list(_matching(source, family, name, ks))


def _matching(source: str, family: str, name: str, ks: Sequence[int]) -> Iterator[Case]:
    values = read_values(source)
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
    kernel = _kernel(options)
    values = read_values(source)
    if kernel == "precomputed":
        values = symmetric_kernel("K", checks.square_matrix("K", values, copy=False))
    else:
        values = points("X", values)
    cloud = Cloud(name, Path(source).name, values, kernel)
    for k in ks:
        if not 1 <= k < len(values):
            raise InvalidOption(f"k is {k}; with n = {len(values)} it has to be in 1..n-1")
        yield MMDCase(cloud, k) if family == "mmd" else SequenceCase(cloud, k)


def _kernel(options: Mapping[str, Any]) -> Kernel | Literal["precomputed"]:
    name = options.get("kernel", "gaussian")
    known = (*_KERNELS, "precomputed")
    if name not in known:
        raise InvalidOption(f"kernel is {name!r}; it is one of {', '.join(known)}")
    made, takes = _KERNELS.get(name, (Linear, ()))
    given = {key: value for key, value in options.items() if key != "kernel"}
    for key in given:
        if key not in takes:
            raise InvalidOption(f"{key} is not for the kernel {name}")
    return "precomputed" if name == "precomputed" else made(**given)


def _quadratic(
    source: str, name: str, ks: Sequence[int] | None, options: Mapping[str, Any]
) -> Iterator[Case]:
    instance = options.get("instance")
    if instance is not None and (isinstance(instance, bool) or not isinstance(instance, int)):
        raise InvalidOption(f"instance is {instance!r}; a whole number is needed")
    wanted: Sequence[int | None] = ks or [None]
    for k in wanted:
        selection = read_problem(source, format=options.get("format"), k=k, instance=instance)
        yield QuadraticCase(f"{name}-k{selection.k}", Path(source).name, selection)
