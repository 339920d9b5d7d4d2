import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subsetopt.benchmarks import _suite_options
from subsetopt.benchmarks import _suites as suites
from subsetopt.benchmarks._families import FAMILIES
from subsetopt.benchmarks._suite_options import SuiteOptions
from subsetopt.benchmarks.cases import (
    MMDCase,
    _classifier,
    _quadratic_cases,
)
from subsetopt.benchmarks.results import CaseInfo, MeasurementOptions
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats import _image_sets
from subsetopt.problems import QuadraticSelection


@pytest.fixture(autouse=True)
def _no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(_suite_options.DATA_VARIABLE, raising=False)


def write_cifar(folder: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(60, 32, 32, 3), dtype=np.uint8)
    np.savez(folder / _image_sets.SUBSET, x_train=images, y_train=np.arange(60) % 10)


# -- what all suites share ------------------------------------------------------------------------


@pytest.mark.parametrize("name", suites.SUITES)
def test_every_suite_is_made_of_its_families(name: str) -> None:
    pytest.importorskip("sklearn")
    suite = suites.find_suite(name)
    cases = suite.build(SuiteOptions(seed=1))
    assert len({case.name for case in cases}) == len(cases)
    assert {case.family for case in cases} == set(suite.families) <= set(FAMILIES)
    assert all(1 <= case.k <= case.n for case in cases)
    assert [CaseInfo.of(case) for case in suite.build(SuiteOptions(seed=1))] == [
        CaseInfo.of(case) for case in cases
    ]
    MeasurementOptions(time_limits=suite.time_limits, repeats=suite.repeats)


def test_no_such_suite() -> None:
    with pytest.raises(
        InvalidOption, match="mean-matching, vector-mean-matching, mmd, quadratic, c"
    ):
        suites.find_suite("scalar")


@pytest.mark.parametrize(
    ("name", "ks"),
    [
        ("mean-matching", {20: [2, 5, 10], 128: [12, 32, 64], 5: [1, 2]}),
        ("vector-mean-matching", {20: [2, 5], 256: [25, 64]}),
        ("mmd", {20: [2, 6], 300: [30, 100]}),
        ("sequence", {20: [2], 600: [50]}),
    ],
)
def test_numbers_to_choose_are_shares_of_every_size(name: str, ks: dict[int, list[int]]) -> None:
    cases = suites.find_suite(name).build(
        SuiteOptions(source="synthetic", sizes=tuple(ks), instances=1, seed=3)
    )
    assert len({case.name for case in cases}) == len(cases)
    found: dict[int, list[int]] = {}
    for case in cases:
        found.setdefault(case.n, []).append(case.k)
        assert f"n{case.n}" in case.name
    assert found == ks
    wider = suites.find_suite(name).build(
        SuiteOptions(source="synthetic", sizes=(20, 30), ks=(2, 3))
    )
    assert {(case.n, case.k) for case in wider} == {(n, k) for n in (20, 30) for k in (2, 3)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "cifar"}, "'digits', 'mnist', 'cifar10', 'synthetic' or 'all'"),
        ({"sizes": (0,)}, "sizes must be distinct integers >= 1; got 0"),
        ({"sizes": ()}, "sizes must be distinct integers >= 1; got none"),
        ({"sizes": (8, 8)}, "distinct"),
        ({"instances": 0}, "instances must be an integer >= 1; got 0"),
        (
            {"instances": ["a", "b"]},
            "instances must be a number, .*; got a,b",
        ),
        ({"ks": ()}, "ks must be distinct integers; got none"),
        ({"ks": (3, 3)}, "distinct"),
        ({"ks": (0,)}, r"k must be an integer in \[1, 128\]; got 0"),
        ({"ks": (129,)}, "got 129"),
        ({"ks": (20,), "sizes": (30, 10)}, r"k must be an integer in \[1, 10\]; got 20"),
        (
            {"sizes": (20, 1798)},
            "n must be at most 1797, .*; got 1798",
        ),
    ],
)
def test_what_states_no_suite(options: dict[str, Any], message: str) -> None:
    pytest.importorskip("sklearn")
    with pytest.raises(InvalidOption, match=message):
        suites.mean_matching(SuiteOptions(**options))


@pytest.mark.parametrize("build", [suites.mmd, suites.sequence])
def test_some_points_are_always_left(build: Any) -> None:
    with pytest.raises(InvalidOption, match=r"k must be an integer in \[1, 29\]; got 30"):
        build(SuiteOptions(source="synthetic", sizes=(30,), ks=(30,)))


def test_data_on_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    small = {"sizes": (16,), "ks": (3,), "instances": 1}
    with pytest.raises(InvalidFile, match="the images of cifar10 need files: --data DIR"):
        suites.mmd(SuiteOptions(source="cifar10", sizes=(16,), ks=(3,)))
    without = suites.mmd(SuiteOptions(source="all", sizes=(16,), ks=(3,), instances=1))
    assert [case.name.split("-")[0] for case in without] == ["digits", "mixture"]
    write_cifar(tmp_path)
    monkeypatch.setenv(_suite_options.DATA_VARIABLE, str(tmp_path))
    for name in ("mean-matching", "vector-mean-matching", "mmd", "sequence"):
        (case,) = suites.find_suite(name).build(SuiteOptions(source="cifar10", **small))  # type: ignore[arg-type]
        assert case.name.startswith("cifar10-")
        assert case.source.startswith("CIFAR-10, 32x32 pixels in colour")
    with pytest.raises(InvalidOption, match=r"n must be at most 60, .*; got 61"):
        suites.vector(SuiteOptions(source="cifar10", sizes=(61,)))


def test_a_classifier_is_trained_once_for_all_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    epochs, real = [], _classifier._train_epoch

    def counted(*arguments: Any) -> None:
        epochs.append(arguments)
        real(*arguments)

    monkeypatch.setattr(_classifier, "_train_epoch", counted)
    several = suites.mean_matching(SuiteOptions(sizes=(16, 32), ks=(3,)))
    assert len(epochs) == 25
    alone = suites.mean_matching(SuiteOptions(sizes=(32,), ks=(3,)))
    for first, second in zip(several[3:], alone, strict=True):
        assert first.name == second.name
        np.testing.assert_array_equal(first.values, second.values)


@pytest.mark.parametrize(
    "options", [{"source": "digits"}, {"sizes": (9,)}, {"ks": (3,)}, {"instances": 2}]
)
def test_the_quick_suite_has_its_own_cases(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption, match="must not be given: the suite quick has cases"):
        suites.quick(SuiteOptions(**options))


def test_clouds_of_images() -> None:
    pytest.importorskip("sklearn")
    (case,) = suites.mmd(SuiteOptions(sizes=(30,), ks=(3,)))
    assert isinstance(case, MMDCase)
    assert (case.name, case.n, case.k) == ("digits-n30-b0-k3", 30, 3)
    chosen = np.random.default_rng([0, 0]).choice(1797, size=30, replace=False)
    np.testing.assert_array_equal(case.cloud.points, _classifier.digits().batch(chosen)[0])


# -- quadratic selection --------------------------------------------------------------------------


def test_generated_instances() -> None:
    cases = suites.quadratic(SuiteOptions(sizes=(20,)))
    assert [(case.k, case.sense) for case in cases] == [(2, "maximise")] * 3 + [(5, "maximise")]
    assert len(suites.quadratic(SuiteOptions(sizes=(20, 30), ks=(2, 3), instances=5))) == 20
    reals, integers, euclidean, graph = (case.problem() for case in cases)
    for problem in (reals, integers, euclidean, graph):
        assert isinstance(problem, QuadraticSelection)
        distances = 2 * problem.Q
        assert not distances.diagonal().any()
        assert (distances >= 0).all()
    assert suites.quadratic(SuiteOptions(sizes=(20,)))[0].problem() == reals
    assert suites.quadratic(SuiteOptions(sizes=(20,), seed=1))[0].problem() != reals


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"source": "orlib"},
            InvalidOption,
            "'mdplib', 'kcluster', 'qplib', 'few', 'generated' or 'all'",
        ),
        ({"source": "mdplib"}, InvalidFile, "public instances need files: --data DIR"),
        ({"instances": ["MDG*"]}, InvalidFile, "public instances need files"),
        (
            {"source": "generated", "instances": ["MDG*"]},
            InvalidOption,
            "must be a number",
        ),
        (
            {"source": "qplib", "sizes": (50, 60), "data": Path()},
            InvalidOption,
            "sizes must not be given: public instances have their own; got 50,60",
        ),
        ({"instances": ["MDX"], "data": Path()}, InvalidOption, "for any letters; got 'MDX'"),
        ({"source": "qplib", "data": Path()}, InvalidFile, "for the instance QPLIB_0633"),
        (
            {"sizes": (10,), "ks": (11,)},
            InvalidOption,
            r"k must be an integer in \[1, 10\]; got 11",
        ),
    ],
)
def test_what_states_no_quadratic_suite(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        suites.quadratic(SuiteOptions(**options))


def test_public_instances(tmp_path: Path) -> None:
    (tmp_path / "mdplib").mkdir()
    lines = "\n".join(f"{i} {j} {i + j}" for i in range(5) for j in range(i + 1, 5))
    for name in _quadratic_cases.names("mdplib"):
        (tmp_path / "mdplib" / f"{name}.txt").write_text(f"5 2\n{lines}\n")
    cases = suites.quadratic(SuiteOptions(source="mdplib", instances=3, data=tmp_path))
    assert [case.name for case in cases] == [
        f"{name}-k2" for name in _quadratic_cases.names("mdplib")[:3]
    ]
    cases = suites.quadratic(SuiteOptions(instances=["SOM-b_1_*"], ks=(2, 3), data=tmp_path))
    assert [case.k for case in cases] == [2, 3]
    assert cases[0].problem().objective([3, 4]) == -7


DATA = Path(os.environ.get(_suite_options.DATA_VARIABLE) or "nowhere")


@pytest.mark.skipif(
    not (DATA / "bqp").is_dir(), reason="SUBSETOPT_DATA names no folder of instances"
)
def test_a_few_public_instances_by_default() -> None:
    cases = suites.quadratic(SuiteOptions(data=DATA))
    assert len(cases) == len(suites.A_FEW)
    assert all(case.known is not None for case in cases)
    assert all(
        case.known is None for case in suites.quadratic(SuiteOptions(sizes=(10,), data=DATA))
    )
    assert (
        len(suites.quadratic(SuiteOptions(source="all", instances=2, data=DATA))) == 2 + 2 + 1 + 2
    )


@pytest.mark.skipif(not (DATA / "cifar10").is_dir(), reason="SUBSETOPT_DATA holds no cifar10")
def test_a_classifier_learns_cifar() -> None:
    early, middle, late = suites.mean_matching(
        SuiteOptions(source="cifar10", sizes=(1000,), ks=(10,), data=DATA)
    )
    assert early.values.mean() > middle.values.mean() > late.values.mean()


def test_a_former_name_is_understood() -> None:
    assert suites.find_suite("vector") is suites.find_suite("vector-mean-matching")
