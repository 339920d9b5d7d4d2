"""The public instances of quadratic selection, from a folder that holds their files."""

import difflib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from subsetopt.benchmarks._best_known import registry
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats import read_problem

from .quadratic_cases import QuadraticCase

SOURCES = {
    "mdplib": "MDPLIB: maximum diversity",
    "kcluster": "k-cluster library: densest k-subgraph",
    "qplib": "QPLIB: quadratic programmes over a choice of k of n",
}
"""Name to what it is, for people."""
_BEGINNINGS = {"kcluster": "kcluster", "QPLIB": "qplib", "bqp": "bqp"}
_ENDS = (".xz", ".gz", ".bz2", "")


def names(source: str | None = None) -> list[str]:
    """Return the instances of a source, or of all, as their libraries call them."""
    found = dict.fromkeys(instance for instance, k in registry() if k is not None)
    return [name for name in found if source in (None, source_of(name))]


def source_of(name: str) -> str:
    """Return the source of an instance."""
    return next((s for start, s in _BEGINNINGS.items() if name.startswith(start)), "mdplib")


def matching(patterns: Sequence[str], among: Sequence[str]) -> list[str]:
    """Return the names that a pattern matches, in their own order.

    Raises
    ------
    InvalidOption
        If a pattern matches none; the message names some that are near.
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in among):
            near = difflib.get_close_matches(pattern, among, 3, cutoff=0.3) or list(among[:3])
            raise InvalidOption(
                f"no instance is called {pattern!r}; there are {len(among)}, such as "
                f"{', '.join(near)} (* stands for any letters)"
            )
    return [name for name in among if any(fnmatchcase(name, p) for p in patterns)]


def read(folder: Path, name: str, ks: Sequence[int] | None) -> list[QuadraticCase]:
    """Return an instance with every k, or with its own.

    Raises
    ------
    InvalidFile
        If its file is missing or damaged.
    InvalidProblem
        If a k does not suit.
    """
    path, source = locate(folder, name), SOURCES[source_of(name)]
    wanted: Sequence[int | None] = ks or [None]
    return [QuadraticCase.public(name, source, read_problem(path, k=k)) for k in wanted]


def locate(folder: Path, name: str) -> str:
    """Return where an instance lies, as `read_problem` takes it; InvalidFile if nowhere."""
    source, member = source_of(name), ""
    places = {"mdplib": f"mdplib/{name}.txt", "qplib": f"bqp/{name}.opb"}
    if source == "kcluster":
        size = name.removeprefix("kcluster").partition("_")[0]
        member = f":k-cluster_{size}/{name}.dat"
        places["kcluster"] = f"kcluster/k-cluster_{size}.tar"
    for end in _ENDS:
        path = folder / f"{places[source]}{end}"
        if path.is_file():
            return f"{path}{member}"
    raise InvalidFile(f"no {folder / places[source]}, packed or not, for the instance {name}")
