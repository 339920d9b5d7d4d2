"""Binary quadratic programs of the Biq Mac library, given a cardinality."""

import numpy as np

from subsetopt.errors import InvalidOption
from subsetopt.problems import QuadraticSelection
from subsetopt.problems._memory import require_square
from subsetopt.problems.quadratic import Sense

from ._reading import PRODUCTS_TWICE, Reading
from ._tokens import Words


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
    if k is None:
        raise InvalidOption(
            f"{name}: Biq Mac files state no number to choose; give k (--k on the command line)"
        )
    words = Words.of(content, name)
    sense = sense or "minimise"
    whole = len(words) > 1 and words.lines[1] > words.lines[0]
    problem = _whole(words, k, sense) if whole else _sparse(words, k, sense)
    return Reading(problem, "biqmac", PRODUCTS_TWICE)


def _sparse(words: Words, k: int, sense: Sense) -> QuadraticSelection:
    n, entries = words.header(0, ("n", "m"))
    if n < 1:
        words.wrong(0, "n is 0; at least one candidate is needed")
    triples = words.triples(2, entries, "i j q")
    if 2 + 3 * entries < len(words):
        words.wrong(2 + 3 * entries, f"{entries} entries are announced on line 1, here are more")
    require_square(words.name, n)
    rows, columns, values = triples.entries(n, base=1, diagonal=True)
    return QuadraticSelection.from_entries(n, rows, columns, values, k, sense=sense)


def _whole(words: Words, k: int, sense: Sense) -> QuadraticSelection:
    (n,) = words.header(0, ("n",))
    if len(words) - 1 != n * n or n < 1:
        words.wrong(0, f"n = {n} needs {n * n} entries; here are {len(words) - 1}")
    matrix = words.numbers(1, len(words)).reshape(n, n)
    different = np.argwhere(matrix != matrix.T)
    if different.size:
        i, j = (int(index) for index in different[0])
        words.wrong(1 + i * n + j, f"entry ({i + 1}, {j + 1}) differs from its mirror image")
    return QuadraticSelection(matrix, k=k, sense=sense, copy=False)
