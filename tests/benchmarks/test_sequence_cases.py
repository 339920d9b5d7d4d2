import pickle
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from subsetopt.benchmarks.cases import Case, Cloud, SequenceCase, _clouds, _sequence_cases
from subsetopt.benchmarks.cases._sequence_cases import Ordered
from subsetopt.benchmarks.results import Contender
from subsetopt.errors import InvalidOption, InvalidResult, UnknownSolver, UnsupportedProblem
from subsetopt.limits import Limits
from subsetopt.problems import Linear
from subsetopt.sequencing.baselines import BASELINES
from subsetopt.solution import CertificateKind, Stats, Termination


def contender(name: str, **options: object) -> Contender:
    return Contender(label=name, name=name, options=options)


@pytest.fixture(scope="module")
def case() -> SequenceCase:
    return SequenceCase(_clouds.of_mixture(64, 1, seed=0)[0], 10)


def area(case: SequenceCase, order: np.ndarray) -> float:
    """Return the objective from its definition."""
    K = np.asarray(case.cloud.matrix)
    n, mmd, expected = case.n, 0.0, 0.0
    variance = K.diagonal().mean() - K.mean()
    for _, end in pairwise(range(0, n, case.k)):
        weights = np.full(n, -1 / (n - end))
        weights[order[:end]] = 1 / end
        mmd += np.sqrt(weights @ K @ weights)
        expected += np.sqrt(variance * n * n / (end * (n - end) * (n - 1)))
    return float(mmd / expected)


@pytest.mark.parametrize("name", [*_sequence_cases.METHODS, "tabu"])
def test_every_method_makes_an_order_that_is_judged_on_its_own(
    case: SequenceCase, name: str
) -> None:
    sent: Case = pickle.loads(pickle.dumps(case))
    assert (sent.name, sent.family, sent.n, sent.k) == ("mixture-n64-b0-by10", "sequence", 64, 10)
    found = case.solution(sent.prepared(contender(name), Limits(seed=2, time_limit=0.2))())
    assert found.indices is not None
    assert sorted(found.indices) == list(range(64))
    assert found.objective == pytest.approx(area(case, found.indices), rel=1e-9)
    assert (found.bound, found.certificate.eps) == (None, None)
    assert found.termination is Termination.FINISHED
    assert found.certificate.kind is CertificateKind.NONE
    assert (found.stats.build_seconds > 0) == (name not in BASELINES)
    assert found.version


def test_random_orders_are_a_yardstick(case: SequenceCase) -> None:
    objectives = case.random_objectives(0)
    assert len(objectives) == 100
    assert np.mean(objectives) == pytest.approx(1, abs=0.1)
    np.testing.assert_array_equal(objectives, case.random_objectives(0))
    herding = case.solution(case.prepared(contender("running-herding"), Limits())())
    assert herding.objective is not None
    assert herding.objective < objectives.min()


@pytest.mark.parametrize(
    "wrong", [np.arange(63), np.append(np.arange(63), 3), np.arange(64) + 1, np.full(64, 0.5)]
)
def test_what_is_no_permutation(case: SequenceCase, wrong: np.ndarray) -> None:
    right = Ordered(order=np.arange(64), solver="x", version="1", stats=Stats(0.0, 1.0, 1.0))
    assert case.solution(right).objective is not None
    with pytest.raises(InvalidResult, match="not a permutation of the points"):
        case.solution(replace(right, order=wrong))


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        (contender("stride"), UnsupportedProblem, "makes no sequences"),
        (contender("nobody"), UnknownSolver, "got 'nobody'"),
        (
            contender("running-swap", restarts=3),
            InvalidOption,
            "has no option 'restarts'; it has sweeps",
        ),
        (contender("facility", pools=3), InvalidOption, "'facility' has no option 'pools'"),
        (contender("k-dpp", pool=0), InvalidOption, r"pool must .*got 0"),
    ],
)
def test_who_makes_no_sequence(
    case: SequenceCase, asked: Contender, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        case.prepared(asked, Limits())


def test_options_reach_the_methods(case: SequenceCase) -> None:
    herding, idle, swap = (
        np.asarray(case.solution(case.prepared(asked, Limits())()).indices).tolist()
        for asked in (
            contender("running-herding"),
            contender("running-swap", sweeps=0),
            contender("running-swap"),
        )
    )
    assert herding == idle
    assert herding != swap


def test_a_kernel_matrix_in_place_of_features(case: SequenceCase) -> None:
    linear = Cloud("x", "x", case.cloud.points, Linear())
    given = SequenceCase(Cloud("x", "x", linear.matrix, "precomputed"), 10)
    with pytest.raises(UnsupportedProblem, match="'k-dpp' needs features"):
        given.prepared(contender("k-dpp"), Limits())
    for name in ("random", "running-herding"):
        first, second = (
            each.solution(each.prepared(contender(name), Limits())())
            for each in (given, SequenceCase(linear, 10))
        )
        assert first.objective == pytest.approx(second.objective, rel=1e-6)
