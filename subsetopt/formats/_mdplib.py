"""Maximum diversity, as MDPLIB writes it."""

from subsetopt.problems import QuadraticSelection
from subsetopt.problems._memory import require_square

from ._reading import Reading
from ._tokens import Words

_LINE = "i j distance"


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
    if not 1 <= m <= n:
        words.wrong(0, f"choosing {m} of {n} is announced; 1 <= m <= n is needed")
    triples = words.triples(2, None, _LINE)
    pairs = n * (n - 1) // 2
    if len(triples) != pairs:
        reason = "; the file is cut short" if len(triples) < pairs else ""
        if len(triples) == m:
            reason = f"; {m} entries are what format 'biqmac' or 'rudy' announces on line 1"
        words.wrong(0, f"{n} candidates have {pairs} pairs, here are {len(triples)}{reason}")
    require_square(name, n)
    rows, columns, distances = triples.entries(n, base=0, diagonal=False)
    problem = QuadraticSelection.from_entries(
        n, rows, columns, distances / 2, m if k is None else k, sense="maximise"
    )
    return Reading(problem, "mdplib", "sum of the distances between the chosen, each pair once")
