"""All compiled kernels, and the types of arguments that each is compiled for.

Types are written as NumPy does: ``f8`` is a number, ``f8[]`` and ``f8[,]`` are C-contiguous
arrays, ``!`` makes them read-only. ``T`` stands for ``f4`` and for ``f8``, the same one in all
places; ``?`` for ``!`` and for nothing, likewise.
"""

import re
from collections.abc import Iterator
from importlib import import_module
from itertools import product
from typing import Any

import numpy as np

SIGNATURES = {
    "row_swaps.shuffle": "i8[] u8[]",
    "row_swaps.lay_out": "T[,] i8[] b1 f8 f4[,] T[,] f8[] f8[]",
    "row_swaps.take_greedily": "f4[,] i8[] i8 f8[] f4[] f4[]",
    "row_swaps.exchange": "f4[,] i8[] (i8[] i8[] i8[]) i8 i8 i8 f8 f8[] f4[] f4[]",
    "multiple_swaps.double_swap": "f8[] b1[] f8 i8 u8[] (i8[] i8[] i8[] i8[] f8[] f8[] i4[])",
    "multiple_swaps.quadruple_swap": "f8[] b1[] f8 i8 u8[] i8[] i8[]",
    "combinatorial_tree.search": (
        "i8[,] i4[,] i8 i8[,] i8[,] i8[,] i8[,] i8[] i8[] i8 i8 i8[] i8[] i8[] b1[] i8[]"
    ),
    "constrained_swaps.descend": (
        "T[,]! f8[] f8[] i8 i8[] f8[] b1[] f8[] (i8[] i8[] i8[] i8[] i8[] i8[] i8[] i8[])"
    ),
    "constrained_swaps.refill": (
        "T[,]! f8[] i8[] i8[] i8 i8 f8 u8[] b1[] f8[] (i8[] i8[] i8[] i8[] i8[] i8[] i8[] i8[])"
    ),
    "constrained_swaps.walk": (
        "T[,]! f8[] b1[] f8[] i8[] i8[] b1[] f8[] i8[] i8 i8 f8 i8[] u8[] "
        "(i8[] i8[] i8[] i8[] i8[] i8[] i8[] i8[])"
    ),
    "heat_bath.anneal": "T[,]! f8[] f8[] i8[] i8[] f8[] i8[] f8[] i8[] f8[] u8[] f8[]",
    "near_heat_bath.anneal": "T[,]! f8[] f8[] i8[] i4[,] b1[] f8[] i8[] f8[] i8[] f8[] u8[]",
    "constrained_heat_bath.anneal": (
        "T[,]! f8[] f8[] i8[] i8[] f8[] i8[] f8[] i8[] f8[] u8[] f8[] i8 f8[] f8[] i8[] "
        "(i8[] i8[] i8[] i8[] i8[] i8[] i8[] i8[])"
    ),
    "part_swaps.shake": "T[,] f8[] i8[] i8[,] i8[,] i8[,] u8[] i8 i8[] f8[,] f8[] f8[] i8[,]",
    "part_swaps.descend": (
        "T[,] f8[] i8[] i8[,] i8[,] i8[,] b1 i8 f8 i8 i8 i8 i8[] f8[,] f8[] f8[] i8[,] f8[,] f8[,] "
        "f8[] i8[]"
    ),
    "even_parts.deal_out": "i8[] i8[,] f8[,] f8[,] i8[,] i8[,] i8[]",
    "even_parts.even_out": "i8[] i8[,] f8[,] f8[,] i8 i8[,] i8[,] i8[] f8[,]",
    "facility_gains.lazy_greedy": "f4[,]! f4[] f8[] i8[] i8[] f8[]",
    "unit_rows.settle": "f4[,] i8 f4[,] f4[,] f4[]",
    "zero_sum_rows.products": "f8[,] f8[] f8[]",
    "zero_sum_rows.squared_norms": "f8[,] f8[]",
    "zero_sum_rows.best_addition": "f8[,] f8[] b1[] f8[]",
    "zero_sum_rows.extend": "f8[,] f8[] i8 b1[] f8[]",
    "zero_sum_rows.total_of": "f8[,] b1[] f8[]",
    "zero_sum_rows.sweep": "f8[,] i8[] f8[,] f8[] i8 i8 b1[] f8[] f8[]",
    "hull_frank_wolfe.add_rows": "f8[,] f8 f8[]",
    "hull_frank_wolfe.point_of": "f8[,] f8[] i8 f8[]",
    "hull_frank_wolfe.iterate": (
        "f8[,] i8 i8 f8 i8[,] f8[,] f8[] i8 f8 f8 b1 f8[] f8[] i8[] f8[] f8[]"
    ),
    "grouped_swaps.start": "f8[] i8[] i8[] i8[] f8 b1[]",
    "grouped_swaps.improve": (
        "f8[] i8[] i8[] i8[] i8[] b1[] f8 f8 b1 u8[] (i8[] i8[] i8[] b1[] i8[,] i8[,] f8[] i4[] f8)"
    ),
    "grouped_swaps.quadruple_swap": (
        "f8[] i8[] i8[] i8[] b1[] i8[] b1[] f8 f8 u8[] i8[,] i8[,] f8[] i4[]"
    ),
    "herding_steps.herd": "T[,]! f8[] i8 i8 b1 i8 b1[] f8[] f8[] i8[] i8[]",
    "sum_matching.strided_start": "f8[] i8 f8 b1[]",
    "sum_matching.settle": "f8[] f8 f8 b1 u8[] b1[] b1[] i8[] i8[] i8",
    "sum_matching.scale": "f8[]",
    "sum_matching.write_indices": "b1[] i8[] b1[] i8[]",
    "sum_matching.select_sorted": "f8[] i8[] f8 f8 i8 i8 u8 i8[]",
    "sum_matching.select_rows": "f8[,] i8[,] i8 f8[] f8 i8 i8 u8 i8[,]",
    "quadratic_descent.exchange_all": "T[,]! f8[] i8[] i8[] b1[] f8[]",
    "quadratic_descent.descend": "T[,]! f8[] f8[] i8 i8[] f8[] b1[] f8[] f8[] i8[]",
    "quadratic_descent.enumerate_all": "T[,]! f8[] f8[] i8[] f8[] f8[,] i8[]",
    "quadratic_frank_wolfe.add_images": "T[,]! i8 i8 f8[] f8[]",
    "quadratic_frank_wolfe.add_sizes": "T[,]! i8 i8 f8[] f8[]",
    "quadratic_frank_wolfe.exchange": (
        "T[,]! f8[] f8[] i8 f8 f8[] f8[] i8[] f8[] f8[] f8[] f8[] i8[]"
    ),
    "quadratic_frank_wolfe.iterate": (
        "T[,]! f8[] f8[] i8 i8 f8 i8[,] f8[,] f8[] i8 f8[] f8[] f8[] f8[] f8[] i8[] f8[] f8[]"
    ),
    "radix_order.pack": "u4[] i8 u8[]",
    "radix_order.count": "u8[] i8 i8[]",
    "radix_order.scatter": "u8[] i8 i8[] u8[]",
    "radix_order.insert": "f8[] i8[] i8",
    "reachable.reach": "i8[] i8 i8 i4[,] u8[,]",
    "reachable.nearest": "i4[,] i8 i8",
    "reachable.subset": "i8[] i4[,] i8 i8[]",
    "batch_herding.aim_and_add": "T[]? f8[] f8[] i8[]",
    "batch_herding.complete": "T[,]? i8[] i8[] f8[] f8[]",
    "batch_herding.look": "T[,]? i8[] i8[] f8[] f8[] i8 i8 i8 f8 f8[] i8[]",
    "batch_herding.exchange": "T[]? T[]? i8 i8 f8 i8[] f8[] f8[]",
    "sparse_peeling.add_potentials": "i8[]! i4[]! f8[]! i8[] f8[]",
    "sparse_peeling.order_heap": "i8[] i8[] f8[]",
    "sparse_peeling.peel": "i8[]! i4[]! f8[]! f8[] i8[] i8[] i8 i8",
    "sparse_swaps.build": "f8[]",
    "sparse_swaps.descend": "i8[]! i4[]! f8[]! i8[] f8[] f8[] f8[] f8 i8 i8[] u8[]",
    "sparse_swaps.walk": (
        "i8[]! i4[]! f8[]! i8[] i8[] f8[] f8[] f8[] i8[] i8[] i8[] f8[] i8[] i8 i8 f8 i8[] i8 u8[]"
    ),
    "matched_batches.even_out": ("f4[,] i8[] i8[] i8[] i8[] i8[] f4[] i8 f4[,] u8[]"),
    "stratified_batches.deal": "i8[] i8[] i8[] u8[] i8[] i8[] i8[] f8[] f8[] i8[]",
    "strata.strata_of": "f4[,] i8[] i8[] f8[] i8[] f8[] f8[]",
    "strata.apportion": "f4[,] i8 i8[] i8[] i8 f4[,] i8[] i8[] f8[] f4[] f4[]",
    "strata.fill": "i8[] i8[] i8[] i8[]",
    "submodular_gains.lazy_greedy": (
        "f8[,] f8[] f8 f8[] f8 i8[] i8[] f8[] f8[] f8[] i8[] f8[] f8[]"
    ),
    "subset_sums.subset_keys": "i8[] i8 i8[] i4[] i4[] i4[]",
    "subset_sums.count_below": "i8[] i8[] i8",
    "subset_sums.sums_between": "i8[] i8[] i8 i8 i8[]",
    "subset_sums.sort_keys": "i8[] i4[] i8[]",
    "subset_sums.closest_pairs": "i8[] i8[] i8",
    "subset_sums.pairs_between": "i8[] i8[] i8 i8 i8[,]",
    "tabu_walk.walk": (
        "T[,]! f8[] f8[] i8[] i8[] i8[] f8[] i8[] f8[] i8[] i8 i8 f8 i8[] u8[] f8[]"
    ),
    "tilted.start": "f4[,] i8[] i8 f4 i8 u8[] f4[] f4[] f4[] f4[] f4[] f4[]",
    "triangles.separate": "f8[,] f8 i4[,] f8[]",
    "triangles.violations": "f8[,] i4[,] f8[]",
    "triangles.combine": "i4[,] f8[] f8[,]",
    "triangles.dual_step": "f8[,] f8[,] f8 i8 f8[] f8 f8[,] f8[,] f8[,] f8[,]",
    "record_tables.mark": "u1[] i8 i8[]",
    "record_tables.find_among": "u1[] i8[] i8[] i8 i8[]! i8[]",
    "record_tables.find": "i8[] i8[] i8 i8[] i8[]",
    "record_tables.add": "i8[] i8[] i8 i8[]? i8[] i8",
    "record_tables.keep_outputs": "i8[] i8[]! f4[]! f4[,]! i4[] i8[] f4[,] i4[]",
    "record_tables.keep_losses": "i8[] i8[]! f4[]! i4[] i8[] f4[] i4[]",
    "record_tables.keep_labels": "i8[] i8[]! f8[]! i8[] f8[] i8[]",
}
"""By module and name of each kernel that Python calls."""


def kernel(name: str) -> Any:
    """Return the function that a name of `SIGNATURES` stands for."""
    module, function = name.split(".")
    return getattr(import_module(f"{__package__}.{module}"), function)


def types_of(name: str) -> Iterator[tuple[Any, ...]]:
    """Yield Numba's types of the arguments of a kernel, once for each time it is compiled."""
    written = SIGNATURES[name]
    floats = ("f4", "f8") if "T" in written else ("",)
    flags = ("", "!") if "?" in written else ("",)
    for kind, flag in product(floats, flags):
        yield _types(written.replace("T", kind).replace("?", flag))


def _types(written: str) -> tuple[Any, ...]:
    return tuple(map(_type, re.findall(r"\(.*?\)|\S+", written)))


def _type(written: str) -> Any:
    from numba import from_dtype, types

    if written.startswith("("):
        several: Any = types.Tuple
        return several(_types(written[1:-1]))
    dtype = from_dtype(np.dtype(written[:2]))
    if "[" not in written:
        return dtype
    return types.Array(dtype, 2 if "," in written else 1, "C", readonly=written.endswith("!"))
