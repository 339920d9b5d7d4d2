"""Hash tables of millions of ids, and the latest record of each.

Called by `records._ids` and `records.latest`. The table has a power of two rows, at least twice as
many as ids, so that a search meets an empty row soon, and one at all; nothing is ever removed. Rows
are found by multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4) and probed in
order, which reads one line of memory. Where times are equal the later record counts.
"""

import numpy as np

from ._cache import njit

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, nogil=True, inline="always")
def _mixed(key):
    """Return a product whose high bits depend on all of a key."""
    mixed = np.uint64(key)
    # Products carry bits upwards only: what differs in the high half would reach few of the bits
    # that are used, if it were not folded into the low half.
    mixed ^= mixed >> np.uint64(32)
    return mixed * _MULTIPLIER


@njit(cache=True, nogil=True, inline="always")
def _first(key, shift):
    """Return where to look first for a key."""
    return np.int64(_mixed(key) >> np.uint64(shift))


@njit(cache=True, nogil=True)
def mark(bits, shift, ids):
    """Set the bit of each id: eight times as many bits as the table has rows.

    A Bloom filter with one hash: a bit that is not set proves an id unknown, from one byte a row
    where the table has sixteen.
    """
    for p in range(ids.size):
        bit = _mixed(ids[p]) >> np.uint64(shift - 3)
        bits[bit >> np.uint64(3)] |= np.uint8(1) << np.uint8(bit & np.uint64(7))


@njit(cache=True, nogil=True)
def find_among(bits, keys, places, shift, ids, out):
    """As `find`, three times as fast where most ids are unknown: their bit is not set."""
    mask = keys.size - 1
    for p in range(ids.size):
        key = ids[p]
        mixed = _mixed(key)
        bit = mixed >> np.uint64(shift - 3)
        if not (bits[bit >> np.uint64(3)] >> np.uint8(bit & np.uint64(7))) & np.uint8(1):
            out[p] = -1
            continue
        at = np.int64(mixed >> np.uint64(shift))
        while places[at] >= 0 and keys[at] != key:
            at = (at + 1) & mask
        out[p] = places[at]


@njit(cache=True, nogil=True)
def find(keys, places, shift, ids, out):
    """Fill `out` with the place of each id, -1 where there is none."""
    mask = keys.size - 1
    for p in range(ids.size):
        key = ids[p]
        at = _first(key, shift)
        while places[at] >= 0 and keys[at] != key:
            at = (at + 1) & mask
        out[p] = places[at]


@njit(cache=True, nogil=True)
def add(keys, places, shift, ids, out, count):
    """As `find`, but give new ids the places `count` and on; return how many places there are."""
    mask = keys.size - 1
    for p in range(ids.size):
        key = ids[p]
        at = _first(key, shift)
        while places[at] >= 0 and keys[at] != key:
            at = (at + 1) & mask
        if places[at] < 0:
            keys[at] = key
            places[at] = count
            count += 1
        out[p] = places[at]
    return count


@njit(cache=True, nogil=True)
def keep_outputs(places, times, losses, outputs, models, best_times, best_outputs, best_models):
    """Keep the latest outputs for each place, of records that have some and no loss."""
    for p in range(places.size):
        place = places[p]
        waits = losses[p] != losses[p] and outputs[p, 0] == outputs[p, 0]
        if place >= 0 and waits and times[p] >= best_times[place]:
            best_times[place] = times[p]
            for c in range(outputs.shape[1]):
                best_outputs[place, c] = outputs[p, c]
            best_models[place] = models[p]


@njit(cache=True, nogil=True)
def keep_losses(places, times, losses, models, best_times, best_losses, best_models):
    """Keep the latest loss for each place that is not NaN, with its time and model."""
    for p in range(places.size):
        place = places[p]
        if place >= 0 and losses[p] == losses[p] and times[p] >= best_times[place]:
            best_times[place] = times[p]
            best_losses[place] = losses[p]
            best_models[place] = models[p]


@njit(cache=True, nogil=True)
def keep_labels(places, times, labels, best_times, best_labels, counts):
    """Keep the latest label for each place; count repeated and contradicting ones in `counts`."""
    for p in range(places.size):
        place = places[p]
        if place < 0:
            continue
        if best_labels[place] == best_labels[place]:
            counts[0] += 1
            if best_labels[place] != labels[p]:
                counts[1] += 1
        if times[p] >= best_times[place]:
            best_times[place] = times[p]
            best_labels[place] = labels[p]
