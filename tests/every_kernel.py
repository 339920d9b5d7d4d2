"""Calls every kernel with all types that Python gives it, where nothing may be compiled.

A script: whatever ``subsetopt warmup`` has not compiled ends it with NotCompiled, or is named.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

import subsetopt as so
from subsetopt._kernels import _compiling, _signatures, _tiers
from subsetopt.limits import Limits
from subsetopt.solvers import _tiny, bounds
from subsetopt.solvers.heuristics import _vector_search
from subsetopt.solvers.relaxations import frank_wolfe


def points(dtype: str = "float64") -> NDArray[Any]:
    return np.random.default_rng(0).exponential(size=(48, 3)).astype(dtype)


@contextmanager
def large() -> Iterator[None]:
    """Let solvers work as on inputs of several million entries."""
    modules: list[Any] = [_vector_search, frank_wolfe]
    before = modules[0].CHUNK
    for module in modules:
        module.CHUNK = 1
    yield
    for module in modules:
        module.CHUNK = before


def solvers() -> None:
    for name in _tiny.own_solvers():
        _tiny.solved(name, so.solver(name).handles)
    with large():
        for name, families in (
            ("greedy", ["vector-mean-matching"]),
            ("swap", ["vector-mean-matching"]),
            ("frank-wolfe", ["vector-mean-matching"]),
        ):
            _tiny.solved(name, families)
    ties = np.repeat(np.random.default_rng(0).random(8), 4)
    so.solve(so.MeanMatching(ties, 9), so.solver("exact", method="meet"))


def relaxations() -> None:
    for family in ("quadratic", "mmd"):
        for _, problem in _tiny.problems(family):
            for method in ("fw", "sdp"):
                bounds.bounded(problem, method, Limits(time_limit=1.0))


def choices() -> None:
    from subsetopt.selecting import _ONE_CALL

    values = np.random.default_rng(0).exponential(size=_ONE_CALL + 1)
    so.select(values, 64)
    so.select(values[:64], 8)
    so.select(values[:64].reshape(4, 16), 4)


def sequences() -> None:
    from subsetopt.sequencing.baselines import FacilityLocation, Submodular

    for dtype in ("float32", "float64"):
        for selector in ("running-herding", "running-swap"):
            for engine in ("matrix", "rows"):
                so.sequence(points(dtype), 8, selector=selector, engine=engine)
    for baseline in (Submodular(uncertainty=0), FacilityLocation()):
        baseline.order(points(), 8)


def partitions() -> None:
    from subsetopt.sequencing import _part_search

    labels, groups = np.arange(48) % 3, np.arange(48) // 2
    for dtype in ("float32", "float64"):
        so.partition(points(dtype), 3, balance=labels)
        so.partition(points(dtype), 3, balance=labels, keep_together=groups)
        so.partition(points(dtype), 3, kernel=lambda A, B: A @ B.T)
        K = points(dtype) @ points(dtype).T
        so.partition(K, [0.5, 0.3, 0.2], kernel="precomputed", full_output=True)
    before = _part_search.ALONE
    _part_search.ALONE = 8
    so.partition(points(), 3, balance=[labels, groups])
    _part_search.ALONE = before


def records() -> None:
    from subsetopt.records import LabelWriter, LatestLosses, Layout, RecordStore, RecordWriter

    ids, draws = np.arange(64), np.random.default_rng(0)
    with TemporaryDirectory() as folder:
        root = Path(folder) / "records"
        with RecordWriter(root, "a", layout=Layout(outputs=2), durable=False) as writer:
            writer.append(ids, draws.random(64), outputs=draws.random((64, 2)))
        with LabelWriter(root, "b", durable=False) as labels:
            labels.append(ids, ids % 2)
        store = RecordStore(root)
        for only in (None, ids[:8]):
            LatestLosses(store, only=only).refresh()
        store.labels().lookup(ids)


def rules() -> None:
    try:
        import torch
    except ImportError:
        return
    from subsetopt.torch.search._compiled import Search, match_vectors_compiled

    for dtype in ("float32", "float64"):
        for rows in (points(dtype), (points(dtype) > 1.0).astype(dtype)):  # a few strata
            for start in ("uniform", "greedy", "relaxed"):
                match_vectors_compiled(torch.from_numpy(rows)[None], 8, [0], Search(start=start))


def undeclared() -> list[str]:
    """Return what is in a cache though ``subsetopt warmup`` has not compiled it."""
    return [
        f"{name}{types}"
        for name in _signatures.SIGNATURES
        for types in {*_signatures.kernel(name).signatures} - {*_signatures.types_of(name)}
    ]


if __name__ == "__main__":
    with _compiling.by_hand(forbidden=True), _tiers.compiled():
        for job in (solvers, relaxations, choices, sequences, partitions, records, rules):
            job()
    sys.exit(", ".join(undeclared()) or 0)
