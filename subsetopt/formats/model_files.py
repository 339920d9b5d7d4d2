"""Models as files for other solvers."""

import os
from collections.abc import Callable, Iterator

from subsetopt._files import replacing, suffix_of
from subsetopt.models import LinearModel, QuadraticModel

from ._lp import lp_lines
from ._mps import mps_lines

__all__ = ["write_model"]

WRITERS: dict[str, Callable[[LinearModel | QuadraticModel], Iterator[str]]] = {
    ".mps": mps_lines,
    ".lp": lp_lines,
}
"""Suffix to the generator of the file's lines."""


def write_model(model: LinearModel | QuadraticModel, path: str | os.PathLike[str]) -> None:
    """Write a model as free MPS or CPLEX LP, as the suffix says, whole or not at all.

    Every number is written with the digits that give back the same float.

    Raises
    ------
    InvalidOption
        For a suffix other than ``.mps`` and ``.lp``.
    InvalidProblem
        If the model holds what the format cannot state: a name with a space, NaN, limits that
        cross.
    OSError
        If the file cannot be written.
    """
    lines = WRITERS[suffix_of(path, tuple(WRITERS))]
    with replacing(path) as stream:
        stream.writelines(f"{line}\n".encode("ascii") for line in lines(model))
