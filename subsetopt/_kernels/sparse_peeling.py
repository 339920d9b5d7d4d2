"""Reverse greedy on a sparse quadratic: the worst candidate leaves until k are left.

For the densest k-subgraph that is the node of the least weighted degree among those left (Asahiro,
Iwama, Tamaki & Tokuyama, Journal of Algorithms 34, 2000): O((n + m) log n) with a heap.

Throughout, row i of A are ``indices[indptr[i]:indptr[i + 1]]`` and the `data` there, both halves
stored and the diagonal apart; `potentials` are as in `quadratic_descent`.
"""

import numpy as np

from ._jit import inner, kernel


@kernel
def add_potentials(indptr, indices, data, members, potentials):
    """Add to the potentials what the members contribute; O(their entries)."""
    for p in range(members.size):
        i = members[p]
        for e in range(indptr[i], indptr[i + 1]):
            potentials[indices[e]] += 2.0 * data[e]


@inner
def _before(i, j, potentials):
    """Whether i leaves before j: the higher potential, of equal ones the later candidate."""
    return potentials[i] > potentials[j] or (potentials[i] == potentials[j] and i > j)


@inner
def _down(heap, size, places, potentials, place):
    """Move what stands at a place of the heap down to where it belongs."""
    i = heap[place]
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and _before(heap[child + 1], heap[child], potentials):
            child += 1
        if not _before(heap[child], i, potentials):
            break
        heap[place] = heap[child]
        places[heap[place]] = place
        place = child
    heap[place] = i
    places[i] = place


@inner
def _up(heap, places, potentials, place):
    """Move what stands at a place of the heap up to where it belongs."""
    i = heap[place]
    while place > 0:
        parent = (place - 1) // 2
        if not _before(i, heap[parent], potentials):
            break
        heap[place] = heap[parent]
        places[heap[place]] = place
        place = parent
    heap[place] = i
    places[i] = place


@kernel
def order_heap(heap, places, potentials):
    """Make a heap of the candidates that it holds, the first to leave at the top; O(n)."""
    for p in range(heap.size):
        places[heap[p]] = p
    for back in range(heap.size):
        _down(heap, heap.size, places, potentials, heap.size - 1 - back)


@kernel
def peel(indptr, indices, data, potentials, heap, places, size, steps):
    """Remove the worst of the `size` candidates that are left, `steps` times.

    Parameters
    ----------
    potentials : (n,) of the selection of all that are left
    heap : (n,) int64
        The candidates that are left, from 0 to size, as `order_heap` has them.
    places : (n,) int64
        Where each stands in the heap; -1 for those that are gone.
    """
    for _ in range(steps):
        i = heap[0]
        size -= 1
        places[i] = -1
        if size > 0:
            heap[0] = heap[size]
            _down(heap, size, places, potentials, np.int64(0))
        for e in range(indptr[i], indptr[i + 1]):
            j = np.int64(indices[e])
            potentials[j] -= 2.0 * data[e]
            if places[j] >= 0:
                if data[e] < 0.0:
                    _up(heap, places, potentials, places[j])
                elif data[e] > 0.0:
                    _down(heap, size, places, potentials, places[j])
