"""Branch and bound by sums of the largest pairs, for `solvers.exact._combinatorial`.

Choose `size` of n items so that their gains and the values of all pairs add up to the most, in
integers. With S chosen, C left to choose from and r items missing, the score of an item of C is

    its gain + its pairs with S + half of the r - 1 largest of its pairs within C

and no selection is worth more than S and the r largest scores: each pair is counted half at either
end. Pairs are handed in as halves, everything else in units of a half, so all is exact. It is the
bound of Marti, Gallego & Duarte (European Journal of Operational Research 200, 2010) over what is
still open at a node instead of over a suffix of a fixed order; where it also shows that an item is
in none, or in all, of the selections that are worth more than the best, the item is settled.

A child that takes item i has the scores of its parent, exactly, less the larger of the least of
those r - 1 pairs and the pair with i, plus the pair with i as a whole: so most children end in
O(C) without a node of their own.
"""

import numpy as np

from ._jit import kernel

COUNT, TAKEN, VALUE, BOUND, FORCED = range(5)
"""Places in a row of `heads`: items left, items taken, their value, a bound, how many were forced
in since the node was begun."""
TOP, BEST, NOTED = range(3)
"""Places in `state`: the last open node, the value of the best selection, entries in `notes`."""
LEAF = -1
"""What `notes` have for a node without children."""


@kernel
def search(
    halves,
    order,
    size,
    gains,
    items,
    members,
    heads,
    state,
    best,
    allowed,
    steps,
    scores,
    least,
    probes,
    inside,
    notes,
):
    """Look at `steps` nodes, depth first, or until none is open; returns how many were looked at.

    O(n size) a node and less where few items are out.

    Parameters
    ----------
    halves : (n, n) int64, symmetric, the diagonal is not read
        Half the value of each pair.
    order : (n, n) int32
        Row i has all items but i, the largest pair with i first, and i last.
    size : int
        How many are chosen.
    gains : (depth, n) int64
        Of the items that are left at each open node, its pairs with those taken included. There
        are never more than ``size + 1`` open nodes.
    items : (depth, n) int64
        Those items, first so many as `COUNT` says.
    members : (depth, size) int64
        Those taken.
    heads : (depth, 5) int64
        See `COUNT`.
    state : (3,) int64
        See `TOP`; `TOP` is -1 where no node is open.
    best : (size,) int64
        The best selection, where it is better than `BEST` was.
    allowed : int
        Nodes that hold nothing more than so much above the best are left.
    scores, least, probes : (n,) int64, workspace
    inside : (n,) bool, workspace, all False
    notes : (room,) int64
        Becomes the tree in preorder, from place `NOTED` on: an item, then the subtree with it,
        then that without; `LEAF` ends a path. Nothing is noted where there is no room at all; the
        search pauses where there is no room for a node.
    """
    n = halves.shape[0]
    seen = 0
    noting = notes.size > 0
    while state[TOP] >= 0 and seen < steps:
        if noting and state[NOTED] + 6 * n + 8 > notes.size:
            break
        seen += 1
        top = state[TOP]
        left = items[top]
        gain = gains[top]
        taken = members[top]
        count = heads[top, COUNT]
        m = heads[top, TAKEN]
        value = heads[top, VALUE]
        forced_in = heads[top, FORCED]
        bound = heads[top, BOUND]
        closed = False
        while not closed:
            missing = size - m
            if count < missing:
                closed = True
                break
            for a in range(count):
                inside[left[a]] = True
            for a in range(count):
                i = left[a]
                score = gain[i]
                pair = np.int64(0)
                wanted = missing - 1
                place = 0
                while wanted > 0:
                    j = order[i, place]
                    place += 1
                    if inside[j]:
                        pair = halves[i, j]
                        score += pair
                        wanted -= 1
                scores[i] = score
                least[i] = pair
            for a in range(count):
                inside[left[a]] = False
            # By insertion: the order of the parent is nearly right.
            for a in range(1, count):
                i = left[a]
                b = a
                while b > 0 and scores[left[b - 1]] < scores[i]:
                    left[b] = left[b - 1]
                    b -= 1
                left[b] = i
            bound = value
            for a in range(missing):
                bound += scores[left[a]]
            enough = state[BEST] + allowed
            if bound <= enough:
                closed = True
                break
            if missing <= 1 or count == missing:  # then the bound is attained
                for a in range(m):
                    best[a] = taken[a]
                for a in range(missing):
                    best[m + a] = left[a]
                state[BEST] = bound
                closed = True
                break
            # In none that is wanted: in place of the last of the best, it is too little.
            before = count
            rest = bound - scores[left[missing - 1]]
            while count > missing and rest + scores[left[count - 1]] <= enough:
                count -= 1
                if noting:
                    notes[state[NOTED]] = left[count]
                    notes[state[NOTED] + 1] = LEAF
                    state[NOTED] += 2
            # In all that are wanted: the next in its place is too little.
            forced = 0
            while (
                forced < missing < count
                and bound - scores[left[forced]] + scores[left[missing]] <= enough
            ):
                i = left[forced]
                forced += 1
                taken[m] = i
                m += 1
                value += gain[i]
                for a in range(forced, count):
                    gain[left[a]] += 2 * halves[i, left[a]]
                if noting:
                    notes[state[NOTED]] = i
                    state[NOTED] += 1
            if forced:
                forced_in += forced
                count -= forced
                for a in range(count):
                    left[a] = left[a + forced]
            if forced == 0 and count > missing and 8 * (before - count) < before:
                break
        # Take the first item, or leave it out; what is not worth a node of its own ends here.
        opened = False
        while not closed and not opened:
            missing = size - m
            i = left[0]
            enough = state[BEST] + allowed
            child = items[top + 1]
            worth = value + gain[i]
            kept = count - 1
            for a in range(1, count):
                j = left[a]
                pair = halves[i, j]
                score = scores[j] + 2 * pair - (pair if pair > least[j] else least[j])
                probes[j] = score
                b = a - 1
                while b > 0 and probes[child[b - 1]] < score:
                    child[b] = child[b - 1]
                    b -= 1
                child[b] = j
            reach = worth
            for a in range(missing - 1):
                reach += probes[child[a]]
            if noting:
                notes[state[NOTED]] = i
                state[NOTED] += 1
            if reach > enough:
                rest = reach - probes[child[missing - 2]]
                while kept >= missing and rest + probes[child[kept - 1]] <= enough:
                    kept -= 1
                    if noting:
                        notes[state[NOTED]] = child[kept]
                        notes[state[NOTED] + 1] = LEAF
                        state[NOTED] += 2
                opened = True
                for a in range(m):
                    members[top + 1, a] = taken[a]
                members[top + 1, m] = i
                for a in range(kept):
                    gains[top + 1, child[a]] = gain[child[a]] + 2 * halves[i, child[a]]
                heads[top + 1, COUNT] = kept
                heads[top + 1, TAKEN] = m + 1
                heads[top + 1, VALUE] = worth
                heads[top + 1, BOUND] = reach
                heads[top + 1, FORCED] = 0
                state[TOP] += 1
            if noting and not opened:
                notes[state[NOTED]] = LEAF
                state[NOTED] += 1
            count -= 1
            for a in range(count):
                left[a] = left[a + 1]
            if count < missing:
                closed = not opened
                bound = value
                break
            bound = value
            for a in range(missing):
                bound += scores[left[a]]
            enough = state[BEST] + allowed
            if bound <= enough:
                closed = not opened
                count = count if opened else 0
                break
            rest = bound - scores[left[missing - 1]]
            while not opened and count > missing and rest + scores[left[count - 1]] <= enough:
                count -= 1
                if noting:
                    notes[state[NOTED]] = left[count]
                    notes[state[NOTED] + 1] = LEAF
                    state[NOTED] += 2
        if closed:
            state[TOP] -= 1
            if noting:
                for _ in range(forced_in + 1):
                    notes[state[NOTED]] = LEAF
                    state[NOTED] += 1
        else:
            heads[top, COUNT] = count
            heads[top, TAKEN] = m
            heads[top, VALUE] = value
            heads[top, BOUND] = bound
            heads[top, FORCED] = forced_in
    return seen
