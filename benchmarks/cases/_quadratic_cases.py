"""Cases of quadratic selection: public instances, and generated ones of the same families."""

import difflib
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from subsetopt.benchmarks._best_known import BestKnown, best_known, registry
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats import read_problem
from subsetopt.problems import QuadraticSelection

from .base import SelectionCase

__all__ = ["QuadraticCase"]


@dataclass(frozen=True, eq=False)
class QuadraticCase(SelectionCase):
    """One instance of quadratic selection."""

    family: ClassVar[str] = "quadratic"

    name: str
    source: str
    """As for `Case`."""
    selection: QuadraticSelection
    known: BestKnown | None = None

    @classmethod
    def public(cls, name: str, source: str, selection: QuadraticSelection) -> "QuadraticCase":
        """Return the case of an instance that its library calls `name`."""
        return cls(f"{name}-k{selection.k}", source, selection, best_known(name, selection.k))

    @property
    def n(self) -> int:
        """The number of candidates."""
        return self.selection.n

    @property
    def k(self) -> int:
        """The number to choose."""
        return self.selection.k

    @property
    def sense(self) -> str:
        """That of the instance."""
        return self.selection.sense

    @property
    def constraints(self) -> tuple[str, ...]:
        """As of `Case`."""
        return ("k-range",) if self.selection.smallest_count < self.k else ()

    def problem(self) -> QuadraticSelection:
        """Build a fresh problem on the same matrix, with its canonical form worked out."""
        problem = copy(self.selection)  # a problem of its own, without another matrix
        problem.quadratic_form()
        return problem


Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]


def _reals(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    return rng.integers(0, 1001, size=(n, n)) / 100


def _digits(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    return rng.integers(0, 10, size=(n, n)).astype(np.float64)


def _euclidean(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    points = 10 * rng.random((n, rng.integers(2, 22)))
    return np.array([np.linalg.norm(points - point, axis=1) for point in points])


def _graph(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    return (rng.random((n, n)) < 0.5).astype(np.float64)


KINDS: dict[str, tuple[str, int, Draw]] = {
    "reals": ("maximum diversity, distances uniform in 0..10 as in MDG", 10, _reals),
    "integers": ("maximum diversity, distances 0..9 as in SOM", 10, _digits),
    "euclidean": ("maximum diversity, Euclidean distances as in GKD", 10, _euclidean),
    "graph": ("densest subgraph, every second edge as in k-cluster", 4, _graph),
}
"""Name to what it is, for people; n / k where no k is asked for; how the pairs i < j are drawn."""


def instances(n: int, ks: Sequence[int] | None, count: int, seed: int) -> list[QuadraticCase]:
    """Return `count` instances over n candidates, the kinds in turn, each with every k."""
    cases = []
    for i in range(count):
        kind = tuple(KINDS)[i % len(KINDS)]
        label, part, draw = KINDS[kind]
        upper = np.triu(draw(np.random.default_rng([seed, i]), n), 1)
        weights = (upper + upper.T) / 2  # m'Qm counts each pair twice
        for k in ks or [max(1, n // part)]:
            selection = QuadraticSelection(weights, k=k, sense="maximise")
            name = f"{kind}-n{n}-b{i}-k{k}"
            cases.append(QuadraticCase(name, f"generated: {label}", selection))
    return cases


SOURCES = {
    "mdplib": "MDPLIB: maximum diversity",
    "kcluster": "k-cluster library: densest k-subgraph",
    "qplib": "QPLIB: quadratic programs over a choice of k of n",
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

    Raises InvalidOption if a pattern matches none; the message names some that are near.
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in among):
            near = difflib.get_close_matches(pattern, among, 3, cutoff=0.3) or list(among[:3])
            raise InvalidOption(
                f"an instance must be one of {len(among)}, such as {', '.join(near)}, with * for "
                f"any letters; got {pattern!r}"
            )
    return [name for name in among if any(fnmatchcase(name, p) for p in patterns)]


def read(folder: Path, name: str, ks: Sequence[int] | None) -> list[QuadraticCase]:
    """Return an instance with every k, or with its own.

    Raises InvalidFile if its file is missing or damaged; InvalidProblem if a k does not suit.
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
