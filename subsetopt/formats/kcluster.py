"""The densest k-subgraph, as the k-cluster library writes it."""

from subsetopt.problems import QuadraticSelection
from subsetopt.problems.memory import require_memory

from .words import Words


def read_kcluster(content: bytes, name: str, k: int | None) -> QuadraticSelection:
    """Read ``n k edges``, then ``i j weight`` for each edge, from 1, with weights of one half.

    Returns
    -------
    QuadraticSelection
        Maximise m'Am with A_ij = A_ji = weight: the number of edges among the chosen.

    Raises
    ------
    InvalidFile
    """
    words = Words.of(content, name)
    n, chosen, edges = words.header(0, ("n", "k", "edges"))
    if not 1 <= chosen <= n:
        words.wrong(0, f"choosing {chosen} of {n} is announced; 1 <= k <= n is needed")
    triples = words.triples(3, edges, "i j weight")
    if 3 + 3 * edges < len(words):
        words.wrong(3 + 3 * edges, f"{edges} edges are announced on line 1, here are more")
    require_memory(f"the {n} x {n} matrix of {name}", 8 * n * n, "it needs a larger machine")
    matrix = triples.matrix(n, base=1, diagonal=False)
    return QuadraticSelection(matrix, k=chosen if k is None else k, sense="maximise", copy=False)
