"""Active set of Frank-Wolfe: vertices, their images and their weights.

`hull_frank_wolfe` and `quadratic_frank_wolfe` call it in every step. An atom is a row of `atoms`
(room, k), its indices ascending, and of `images` (room, m), what the objective sees of it; the
first `count` are there.
"""

from ._jit import inner

VANILLA = 0
AWAY = 1
PAIRWISE = 2


@inner
def find(atoms, count, vertex):
    """Return the place of the atom with the indices of a vertex, `count` where there is none."""
    for a in range(count):
        p = 0
        while p < vertex.size and atoms[a, p] == vertex[p]:
            p += 1
        if p == vertex.size:
            return a
    return count


@inner
def settle(atoms, images, weights, count, towards, leave, pairwise, backwards, length, limit):
    """Take a step of a length: weigh the atoms anew, drop those of no weight; return the count.

    A step towards an atom, unless it is `pairwise`, between two, or `backwards`, away from the atom
    that is left.
    """
    # At the limit the atom leaves: its weight must then be zero, not a rounding of it.
    if pairwise:
        weights[towards] += length
        weights[leave] = 0.0 if length == limit else weights[leave] - length
    elif backwards:
        for a in range(count):
            weights[a] *= 1.0 + length
        weights[leave] = 0.0 if length == limit else weights[leave] - length
    else:
        for a in range(count):
            weights[a] *= 1.0 - length
        weights[towards] += length
    kept = 0
    for a in range(count):
        if weights[a] > 0.0:
            if kept < a:
                weights[kept] = weights[a]
                for p in range(atoms.shape[1]):
                    atoms[kept, p] = atoms[a, p]
                for j in range(images.shape[1]):
                    images[kept, j] = images[a, j]
            kept += 1
    return kept
