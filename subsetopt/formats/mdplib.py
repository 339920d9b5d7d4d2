"""Maximum diversity, as MDPLIB writes it."""

from subsetopt.problems import QuadraticSelection
from subsetopt.problems.memory import require_memory

from .words import Words

_LINE = "i j distance"


def read_mdplib(content: bytes, name: str, k: int | None) -> QuadraticSelection:
    """Read ``n m``, then ``i j distance`` for each pair i < j from 0.

    Returns
    -------
    QuadraticSelection
        Maximise the sum of the distances between the chosen, each pair counted once.

    Raises
    ------
    InvalidFile
    """
    words = Words.of(content, name)
    n, m = words.header(0, ("n", "m"))
    if not 1 <= m <= n:
        words.wrong(0, f"choosing {m} of {n} is announced; 1 <= m <= n is needed")
    triples = words.triples(2, None, _LINE)
    pairs = n * (n - 1) // 2
    if len(triples) != pairs:
        early = "; the file is cut short" if len(triples) < pairs else ""
        words.wrong(0, f"{n} candidates have {pairs} pairs, here are {len(triples)}{early}")
    require_memory(f"the {n} x {n} matrix of {name}", 8 * n * n, "it needs a larger machine")
    distances = triples.matrix(n, base=0, diagonal=False)
    distances /= 2  # m'Qm counts each pair twice
    return QuadraticSelection(distances, k=m if k is None else k, sense="maximise", copy=False)
