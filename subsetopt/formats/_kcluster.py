"""The densest k-subgraph, as the k-cluster library writes it."""

import numpy as np

from subsetopt.problems import QuadraticSelection
from subsetopt.problems._memory import require_square

from ._reading import EACH_EDGE_ONCE, NUMBER_OF_EDGES, Reading
from ._tokens import Words

_HALF = 0.5


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
    if not 1 <= chosen <= n:
        words.wrong(0, f"choosing {chosen} of {n} is announced; 1 <= k <= n is needed")
    triples = words.triples(3, edges, "i j weight")
    if 3 + 3 * edges < len(words):
        words.wrong(3 + 3 * edges, f"{edges} edges are announced on line 1, here are more")
    require_square(name, n)
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
