"""Instances as the libraries of the field publish them: MDPLIB, k-cluster, OR-Library, Biq Mac."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from subsetopt._checks import require_integer
from subsetopt.errors import InvalidOption
from subsetopt.problems import QuadraticSelection
from subsetopt.problems._memory import require_square
from subsetopt.problems._sparse_entries import require_entries
from subsetopt.problems.quadratic import Sense

from ._csv_table import CSVTable
from ._tokens import Triples, Words

EACH_EDGE_ONCE = "sum of the weights of the edges inside the selection, each edge once"
NUMBER_OF_EDGES = "number of edges inside the selection"
PRODUCTS_TWICE = "m'Qm with Q symmetric: products count twice, squares once"
_HALF = 0.5


@dataclass(frozen=True, eq=False)
class Reading:
    """An instance as it was read.

    Parameters
    ----------
    problem : QuadraticSelection
    format : str
    convention : str
        What the value of a selection is, and what else was decided about the file.
    tables : dict of str to CSVTable
        The tables that a matrix and its linear term were read from.
    """

    problem: QuadraticSelection
    format: str
    convention: str
    tables: Mapping[str, CSVTable] = field(default_factory=dict)


def given(k: int | None, name: str, files: str) -> int:
    """Return k, which must be given for files that do not state it."""
    if k is None:
        raise InvalidOption(
            f"{name}: {files} state no number to choose; give k (--k on the command line)"
        )
    return k


def read_mdplib(content: bytes, name: str, k: int | None) -> Reading:
    """Read ``n m``, then ``i j distance`` for each pair i < j from 0.

    Returns
    -------
    Reading
        Maximise the sum of the distances between the chosen, each pair counted once.

    Raises
    ------
    InvalidFile
    """
    words = Words.of(content, name)
    n, m = words.header(0, ("n", "m"))
    _require_choice(words, "m", m, n)
    triples = words.triples(2, None, "i j distance")
    pairs = n * (n - 1) // 2
    if len(triples) != pairs:
        reason = "; the file is cut short" if len(triples) < pairs else ""
        if len(triples) == m:
            reason = f"; {m} entries are what format 'biqmac' or 'rudy' announces on line 1"
        words.wrong(0, f"{n} candidates have {pairs} pairs; got {len(triples)}{reason}")
    require_square(name, n)
    rows, columns, distances = triples.entries(n, base=0, diagonal=False)
    problem = QuadraticSelection.from_entries(
        n, rows, columns, distances / 2, m if k is None else k, sense="maximise"
    )
    return Reading(problem, "mdplib", "sum of the distances between the chosen, each pair once")


def read_kcluster(content: bytes, name: str, k: int | None) -> Reading:
    """Read ``n k edges``, then ``i j weight`` for each edge, from 1.

    The library writes plain graphs with a weight of 0.5 for every edge, the entry of A in m'Am:
    each edge then counts 1. Any other weights count as they stand.

    Returns
    -------
    Reading
        Maximise the sum of the weights of the edges inside the selection, each edge once.

    Raises
    ------
    InvalidFile
    """
    words = Words.of(content, name)
    n, chosen, edges = words.header(0, ("n", "k", "edges"))
    _require_choice(words, "k", chosen, n)
    triples = _announced(words, 3, edges, "i j weight")
    require_entries(name, n, 2 * edges)
    rows, columns, weights = triples.entries(n, base=1, diagonal=False)
    plain = bool((weights == _HALF).all())
    problem = QuadraticSelection.from_entries(
        n,
        rows,
        columns,
        np.full(len(weights), _HALF) if plain else weights / 2,
        chosen if k is None else k,
        sense="maximise",
    )
    library = f"{NUMBER_OF_EDGES} (a weight of 0.5 on all edges is how the library writes a graph)"
    return Reading(problem, "kcluster", library if plain else EACH_EDGE_ONCE)


def read_bqp(content: bytes, name: str, k: int | None, instance: int | None = None) -> Reading:
    """Read one of the instances: a count, then for each ``n entries`` and lines ``i j q``, i <= j.

    Parameters
    ----------
    content : bytes
    name : str
        Of the file, for messages.
    k : int
        How many to choose; the file does not say.
    instance : int
        From 1; None where the file holds but one.

    Returns
    -------
    Reading
        Maximise m'Qm with Q symmetric: entries off the diagonal count twice.

    Raises
    ------
    InvalidFile
    InvalidOption
        If k or the instance has to be named.
    """
    words = Words.of(content, name)
    headers = _headers(words)
    if instance is None and len(headers) > 1:
        raise InvalidOption(
            f"{name}: holds {len(headers)} instances; name one, from 1 to {len(headers)}: instance "
            "(--instance on the command line)"
        )
    instance = 1 if instance is None else instance
    require_integer(f"{name}: instance", instance, f"[1, {len(headers)}]")
    first, n, entries = headers[instance - 1]
    problem = _listed(words, first, n, entries, given(k, name, "bqp files"), "maximise")
    return Reading(problem, "bqp", PRODUCTS_TWICE)


def read_biqmac(content: bytes, name: str, k: int | None, sense: Sense | None = None) -> Reading:
    """Read ``n m``, then m lines ``i j q`` from 1; or ``n``, then the n x n entries.

    Parameters
    ----------
    content : bytes
    name : str
        Of the file, for messages.
    k : int
        How many to choose; the file does not say.
    sense : {"minimise", "maximise"}, optional
        None is the library's: minimise.

    Returns
    -------
    Reading
        m'Qm with Q symmetric: an entry off the diagonal stands for its mirror image too.

    Raises
    ------
    InvalidFile
    InvalidOption
        If k has to be named.
    """
    k = given(k, name, "Biq Mac files")
    words = Words.of(content, name)
    sense = sense or "minimise"
    if len(words) > 1 and words.lines[1] > words.lines[0]:
        return Reading(_square(words, k, sense), "biqmac", PRODUCTS_TWICE)
    n, entries = words.header(0, ("n", "m"))
    _announced(words, 2, entries, "i j q")
    return Reading(_listed(words, 0, n, entries, k, sense), "biqmac", PRODUCTS_TWICE)


def _require_choice(words: Words, name: str, k: int, n: int) -> None:
    if not 1 <= k <= n:
        words.wrong(0, f"{name} must be an integer in [1, {n}]; got {k}")


def _announced(words: Words, first: int, count: int, what: str) -> Triples:
    """Return the lines that line 1 announces, which end the file."""
    triples = words.triples(first, count, what)
    if first + 3 * count < len(words):
        words.wrong(first + 3 * count, f"line 1 announces {count} entries; the file has more")
    return triples


def _listed(
    words: Words, first: int, n: int, entries: int, k: int, sense: Sense
) -> QuadraticSelection:
    """Return the problem of lines ``i j q`` behind the header that begins at word `first`."""
    if n < 1:
        words.wrong(first, f"n must be an integer >= 1; got {n}")
    triples = words.triples(first + 2, entries, "i j q")
    require_square(words.name, n)
    rows, columns, values = triples.entries(n, base=1, diagonal=True)
    return QuadraticSelection.from_entries(n, rows, columns, values, k, sense=sense)


def _square(words: Words, k: int, sense: Sense) -> QuadraticSelection:
    (n,) = words.header(0, ("n",))
    if len(words) - 1 != n * n or n < 1:
        words.wrong(0, f"n = {n} takes {n * n} entries; got {len(words) - 1}")
    matrix = words.numbers(1, len(words)).reshape(n, n)
    different = np.argwhere(matrix != matrix.T)
    if different.size:
        i, j = (int(index) for index in different[0])
        words.wrong(1 + i * n + j, f"entry ({i + 1}, {j + 1}) differs from its mirror image")
    return QuadraticSelection(matrix, k=k, sense=sense, copy=False)


def _headers(words: Words) -> list[tuple[int, int, int]]:
    """Return the place, n and the number of entries of each instance of a bqp file."""
    (count,) = words.header(0, ("instances",))
    headers: list[tuple[int, int, int]] = []
    first = 1
    while len(headers) < count:
        if first >= len(words):
            words.wrong(first, f"line 1 announces {count} instances; got {len(headers)}")
        n, entries = words.header(first, ("n", "entries"))
        if n < 1:
            words.wrong(first, f"n must be an integer >= 1; got {n}")
        headers.append((first, n, entries))
        words.triples(first + 2, entries, "i j q")
        first += 2 + 3 * entries
    if first < len(words):
        words.wrong(first, f"line 1 announces {count} instances; the file has more")
    if not count:
        words.wrong(0, "line 1 must announce at least 1 instance; got 0")
    return headers
