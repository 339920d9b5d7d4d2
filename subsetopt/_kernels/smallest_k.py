"""The k smallest of n numbers: linear minimisation over ``{0 <= m <= 1, sum m = k}``.

`hull_frank_wolfe` and `quadratic_frank_wolfe` call it in every step, and `stratified_batches`. No
value may be NaN.
"""

from ._jit import inner


@inner
def smallest(values, k, scratch, indices):
    """Fill `indices` (k,) with where the k smallest stand, ascending; of equal ones the first.

    Hoare's quickselect with the median of three, O(n) on average; `scratch` (n,) is workspace.
    Numba's own partition gives the same and takes four times as long to compile, its sort ten.
    """
    n = values.size
    for i in range(n):
        scratch[i] = values[i]
    low = 0
    high = n - 1
    # What is left of `low` is not above what is within low..high, and that not above what is right
    # of `high`; so place k - 1, the k-th smallest, lies within.
    while low < high:
        one = scratch[low]
        two = scratch[(low + high) // 2]
        three = scratch[high]
        pivot = max(min(one, two), min(max(one, two), three))
        i = low
        j = high
        # The pivot is one of the values within, so that neither scan leaves the range.
        while i <= j:  # up to j none is above the pivot, from i on none below
            while scratch[i] < pivot:
                i += 1
            while scratch[j] > pivot:
                j -= 1
            if i <= j:
                held = scratch[i]
                scratch[i] = scratch[j]
                scratch[j] = held
                i += 1
                j -= 1
        if k - 1 <= j:
            high = j
        elif k - 1 >= i:
            low = i
        else:
            break
    # Only the k-th smallest is taken from the partition. Who is chosen is read off the values in
    # their own order, so that ties do not depend on the pivots.
    limit = scratch[k - 1]
    equal = k
    for i in range(n):
        equal -= values[i] < limit
    place = 0
    for i in range(n):
        if values[i] < limit:
            indices[place] = i
            place += 1
        elif values[i] == limit and equal > 0:
            indices[place] = i
            place += 1
            equal -= 1
