"""The judge finds what is wrong, and nothing wrong with what is right."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from . import judge
from .instances import Instance, instance

KINDS = {
    "scalar": Instance("mean", np.array([1.0, 2.0, 4.0, 7.0]), 2, {"target": 2.75}),
    "vector": Instance("mean", np.array([[0.0, 1.0], [2.0, 0.0], [1.0, 3.0], [5.0, 5.0]]), 2),
    "quadratic": Instance(
        "quadratic",
        np.array([[0.0, 3.0, 1.0], [3.0, 0.0, 2.0], [1.0, 2.0, 0.5]]),
        2,
        {"sense": "maximise"},
    ),
    "mmd": Instance(
        "mmd",
        np.array([[0.0], [1.0], [2.0], [4.0]]),
        2,
        {"kernel": ("gaussian", {"scale": 1.0}), "formulation": "true"},
    ),
}
EXPECTED = {"scalar": (0, 2), "vector": (0, 3), "quadratic": (0, 1), "mmd": None}


@dataclass(frozen=True)
class Certificate:
    kind: str
    eps: float | None


@dataclass(frozen=True)
class Claim:
    indices: Any
    objective: Any
    bound: Any
    certificate: Certificate
    termination: str = "finished"


def down(number: Fraction) -> float:
    rounded = float(number)
    return rounded if Fraction(rounded) <= number else float(np.nextafter(rounded, -np.inf))


def right(known: judge.Truth, rank: int = 0) -> Claim:
    """Return what may be said of the selection of this rank among all."""
    chosen = sorted(known.values, key=lambda s: known.values[s])[rank]
    value, best = known.values[chosen], known.optimum
    eps = float(np.nextafter(float(value - best), np.inf))
    kind = "exact" if value == best else "bound"
    return Claim(
        np.array(chosen, np.int64), float(value), down(best), Certificate(kind, eps if rank else 0)
    )


def complaints(known: judge.Truth, claim: Claim) -> list[str]:
    return list(judge.faults(known, claim, may_lack=False))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_right_is_let_pass(kind: str) -> None:
    known = judge.truth(KINDS[kind])
    for rank in range(len(known.values)):
        assert not complaints(known, right(known, rank))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_wrong_is_found(kind: str) -> None:
    known = judge.truth(KINDS[kind])
    best, worst = right(known), right(known, len(known.values) - 1)
    above = float(np.nextafter(float(known.optimum + 2 * known.slack), np.inf)) + 1e-300
    wrong = [
        replace(best, objective=best.objective + 0.01),
        replace(best, indices=np.array([0, 0], np.int64)),
        replace(best, indices=np.array([0, 9], np.int64)),
        replace(best, indices=best.indices.astype(np.float64)),
        replace(best, indices=None),
        replace(best, indices=None, termination="infeasible"),
        replace(best, bound=above),
        replace(best, bound=float("nan")),
        replace(best, certificate=Certificate("exact", -1e-15)),
        replace(best, certificate=Certificate("bound", None)),
        replace(best, certificate=Certificate("sure", 0.0)),
        replace(worst, certificate=Certificate("exact", 0.0)),
        replace(worst, certificate=Certificate("bound", 0.0)),
        replace(worst, certificate=Certificate("tolerance", 1e-9)),
    ]
    for claim in wrong:
        assert complaints(known, claim), claim


@pytest.mark.parametrize("kind", [kind for kind in KINDS if EXPECTED[kind]])
def test_the_optima_are_those_worked_out_by_hand(kind: str) -> None:
    known = judge.truth(KINDS[kind])
    assert known.values[EXPECTED[kind]] == known.optimum  # type: ignore[index]


def test_the_squared_mmd_is_that_of_its_definition() -> None:
    known = judge.truth(KINDS["mmd"])
    X = KINDS["mmd"].data
    K = np.exp(-np.square(X - X.T) / 2)
    w = np.array([0.5, -0.5, 0.5, -0.5])
    assert float(known.values[0, 2]) == pytest.approx(float(w @ K @ w), rel=1e-14)


def test_a_seed_is_one_instance() -> None:
    assert instance(5).describe() == instance(5).describe()
    assert {instance(seed).kind for seed in range(40)} == {"mean", "quadratic", "mmd"}
