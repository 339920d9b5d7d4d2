"""Stratified batches: the proportions of the data set in each batch of an epoch.

Called by `torch._stratified` once an epoch. It takes O(S) a batch for S strata, and O(1) a sample.
"""

from ._jit import kernel
from .rng import below
from .smallest_k import smallest

_NEVER = 1e300  # above every key


@kernel
def deal(sizes, totals, items, state, order, used, counts, keys, scratch, chosen):
    """Set `order` to `items` in batches, in each of which every stratum has its share.

    A batch of b gets ``b * totals[s] / M`` of stratum s, rounded down or up. Up where most is owed:
    what the batches so far should have had of it less what they had, so that no prefix of the
    epoch is far from the shares either. Among equals chance decides. What cannot be had, near the
    end, is made up for by the strata of which most is left, and the last batch takes the rest.

    Parameters
    ----------
    sizes : (T,) int64
        Of the batches; they sum to M.
    totals : (S,) int64
        How many of `items` are of each stratum; they sum to M < 2**31.
    items : (M,) int64
        Stratum after stratum, each in random order.
    state : (1,) uint64
        Random state.
    order : (M,) int64
        Becomes the batches one after another, each in random order.
    used, counts, keys, scratch, chosen
        Workspace, (S,): int64, int64, float64, float64, int64.
    """
    strata = totals.size
    size = items.size
    for s in range(strata):
        used[s] = 0
    place = 0
    for t in range(sizes.size):
        need = sizes[t]
        after = place + need
        short = need
        for s in range(strata):
            count = need * totals[s] // size
            left = totals[s] - used[s]
            if count > left:
                count = left
            counts[s] = count
            short -= count
        # Rounded up at most once; a second round is only for what the first one could not place.
        rounds = 0
        while short > 0:
            able = 0
            for s in range(strata):
                keys[s] = _NEVER
                up = rounds > 0 or (need * totals[s]) % size > 0
                if up and counts[s] < totals[s] - used[s]:
                    owed = after * totals[s] - (used[s] + counts[s]) * size
                    keys[s] = below(state, 1024) / 1024.0 - owed
                    able += 1
            take = short if short < able else able
            if take > 0:
                smallest(keys, take, scratch, chosen)
                for i in range(take):
                    counts[chosen[i]] += 1
                short -= take
            rounds += 1
        first = 0
        spot = place
        for s in range(strata):
            start = first + used[s]
            for i in range(start, start + counts[s]):
                # Inside out: the batch so far stays in random order.
                other = place + below(state, spot - place + 1)
                order[spot] = order[other]
                order[other] = items[i]
                spot += 1
            used[s] += counts[s]
            first += totals[s]
        place = after
