"""Binary quadratic programmes of the OR-Library, given a cardinality."""

from subsetopt.errors import InvalidOption
from subsetopt.problems import QuadraticSelection
from subsetopt.problems._memory import require_square

from ._reading import PRODUCTS_TWICE, Reading
from ._tokens import Words


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
    index = _index(len(headers), name, instance)
    if k is None:
        raise InvalidOption(
            f"{name}: bqp files state no number to choose; give k (--k on the command line)"
        )
    first, n, entries = headers[index - 1]
    triples = words.triples(first + 2, entries, "i j q")
    require_square(name, n)
    rows, columns, values = triples.entries(n, base=1, diagonal=True)
    problem = QuadraticSelection.from_entries(n, rows, columns, values, k, sense="maximise")
    return Reading(problem, "bqp", PRODUCTS_TWICE)


def _headers(words: Words) -> list[tuple[int, int, int]]:
    """Return the place, n and the number of entries of each instance."""
    (count,) = words.header(0, ("instances",))
    found: list[tuple[int, int, int]] = []
    first = 1
    while len(found) < count:
        if first >= len(words):
            words.wrong(first, f"{count} instances are announced, here are {len(found)}")
        n, entries = words.header(first, ("n", "entries"))
        if n < 1:
            words.wrong(first, "n is 0; at least one candidate is needed")
        found.append((first, n, entries))
        words.triples(first + 2, entries, "i j q")
        first += 2 + 3 * entries
    if first < len(words):
        words.wrong(first, f"{count} instances are announced on line 1, here is more")
    if not count:
        words.wrong(0, "no instance is announced; at least one is needed")
    return found


def _index(count: int, name: str, instance: int | None) -> int:
    if instance is None and count > 1:
        raise InvalidOption(
            f"{name}: holds {count} instances; name one, from 1 to {count}: instance "
            "(--instance on the command line)"
        )
    index = 1 if instance is None else instance
    if not 1 <= index <= count:
        raise InvalidOption(f"{name}: instance is {instance}; the file holds 1 to {count}")
    return index
