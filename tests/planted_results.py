"""Results as if measured, without solving anything."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

from subsetopt._machine import Machine
from subsetopt.benchmarks._best_known import BestKnown
from subsetopt.benchmarks.results import (
    Bound,
    CaseInfo,
    Contender,
    MeasurementOptions,
    Plan,
    Results,
    Row,
    Session,
)
from subsetopt.benchmarks.results._results_folder import Folder
from subsetopt.solution import CertificateKind, Termination

MACHINE = Machine(
    cpu="Planted Processor @ 2.50GHz",
    cores=2,
    system="Linux x86_64",
    python="3.11.7",
    numpy="2.4.6",
    subsetopt="0.1.0",
)

# Seconds at n = 128, exponent of n, quality, and whether it claims an optimum in the end.
MODELS: dict[str, tuple[float, float, float, bool]] = {
    "random": (6e-5, 0.6, 1.0, False),
    "greedy": (9e-5, 1.1, 3e-2, False),
    "swap": (2e-4, 1.3, 1e-8, False),
    "exact": (1.4e-2, 1.9, 0.0, True),
    "cbc": (6e-2, 2.4, 5e-6, True),
    "scip": (1.6e-1, 2.8, 4e-7, True),
}


def _cases(family: str, sizes: Sequence[int]) -> list[CaseInfo]:
    return [
        CaseInfo(
            name=f"{family}-{letter}-n{n}",
            family=family,
            source=f"planted {family}",
            n=n,
            k=n // 8,
            sense="maximise" if family == "quadratic" else "minimise",
            known=_known(f"{family}-{letter}", n) if family == "quadratic" else None,
        )
        for n in sizes
        for letter in "ab"
    ]


def _known(name: str, n: int) -> BestKnown:
    return BestKnown(
        instance=name,
        k=n // 8,
        sense="maximise",
        value=10.0 * n if name.endswith("a") else 9.99 * n,  # of b a better one is found
        proven=False,
        published=f"{10 * n}",
        source="Nobody et al.",
        year="2009",
    )


def _row(case: CaseInfo, solver: str, repeat: int, limit: float) -> Row:
    rng = np.random.default_rng([repeat, round(1000 * limit), *f"{case.name}{solver}".encode()])
    base, power, quality, claims = MODELS[solver]
    wanted = base * (case.n / 128) ** power * float(rng.lognormal(0, 0.1))
    row = Row(
        case=case.name,
        family=case.family,
        source=case.source,
        n=case.n,
        k=case.k,
        sense=case.sense,
        best_known=case.known.objective if case.known else None,
        solver=solver,
        version="1.0",
        repeat=repeat,
        seed=repeat,
        time_limit=limit,
        threads=1,
    )
    if solver == "scip" and case.n >= 2048:
        held = f"killed: it held {4 + rng.random():.1f} GiB, the limit is 4 GiB"
        return replace(row, failure=held, peak_bytes=4 * 2**30)
    ended = wanted <= limit
    seconds = min(wanted, limit) * rng.lognormal(0, 0.03, 1 if wanted > 0.01 else 20)
    lacking = quality if ended else max(quality, 1e-3) * wanted / limit
    error = float(lacking * rng.lognormal(0, 0.3))
    best = (
        0.0
        if case.family == "mean-matching"
        else {"quadratic": -10.0 * case.n}.get(case.family, 0.02)
    )
    optimal = claims and ended
    terminated = Termination.OPTIMAL if optimal else Termination.FINISHED
    return replace(
        row,
        objective=best + error * (abs(best) or 1.0),
        bound=best if optimal else best - 0.2 * abs(best),
        termination=terminated if ended else Termination.TIME_LIMIT,
        certificate=CertificateKind.TOLERANCE if optimal else CertificateKind.BOUND,
        eps=1e-6 if optimal else error,
        seconds=tuple(float(s) for s in seconds),
        build_seconds=0.2 * float(np.median(seconds)),
        solve_seconds=0.6 * float(np.median(seconds)),
        overhead_seconds=4e-5,
        warm_up_seconds=0.4,
        cpu_seconds=float(np.mean(seconds)) * (1.8 if solver == "cbc" else 1.0),
        peak_bytes=int(6e6 + 2e3 * case.n),
        indices=tuple(range(case.k)),
        random_rank=min(1.0, error) / 2,
    )


def results(
    sizes: Sequence[int] = (128, 512, 2048),
    families: Sequence[str] = ("mean-matching", "mmd", "quadratic"),
    solvers: Sequence[str] = tuple(MODELS),
    time_limits: tuple[float, ...] = (0.1, 1.0),
    repeats: int = 3,
) -> Results:
    cases = [case for family in families for case in _cases(family, sizes)]
    rows = []
    for case, solver, repeat in product(cases, solvers, range(repeats)):
        for limit in time_limits:
            rows.append(_row(case, solver, repeat, limit))
            if rows[-1].termination is not Termination.TIME_LIMIT:
                break
    return Results(
        plan=Plan(
            suite="planted",
            settings=MeasurementOptions(time_limits=time_limits, repeats=repeats),
            contenders=tuple(
                Contender(label=solver, name=solver, families=tuple(families)) for solver in solvers
            ),
            cases=tuple(cases),
            left_out={"highs": "highspy is not installed; pip install highspy"},
            notes=("random was not named; it always takes part",),
        ),
        sessions=(
            Session(
                machine=MACHINE,
                packages={"ortools": "9.15.6755", "pyscipopt": "6.3.0"},
                commit="0123456789abcdef0123456789abcdef01234567",
                started="2025-01-02T03:04:05+00:00",
                jobs=1,
            ),
        ),
        rows=tuple(rows),
        bounds=(Bound(case=cases[0].name, method="fw", failure="TimeLimit: too late"),),
    )


def keep(results: Results, path: Path) -> Path:
    """Write results to a folder as a comparison leaves them."""
    with Folder(path, results.plan, results.sessions[0]) as folder:
        for row in results.rows:
            folder.keep(row)
        for bound in results.bounds:
            folder.keep(bound)
    return path
