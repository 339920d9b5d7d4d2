import csv
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from subsetopt import read_problem, solve, solver
from subsetopt.benchmarks._best_known import BestKnown, best_known, registry, relative_gap
from subsetopt.benchmarks._checking import check
from subsetopt.benchmarks.cases import _quadratic_cases
from subsetopt.errors import InvalidFile, InvalidOption

DATA = Path(os.environ.get("SUBSETOPT_DATA") or "nowhere")
needs_data = pytest.mark.skipif(
    not (DATA / "kcluster").is_dir(), reason="SUBSETOPT_DATA names no folder of instances"
)


def known(instance: str, k: int | None) -> BestKnown:
    found = best_known(instance, k)
    assert found is not None
    return found


def test_every_row_is_sound() -> None:
    rows = registry().values()
    assert len(rows) == 11 + 135 + 1 + 30
    for row in rows:
        assert row.sense in ("minimise", "maximise")
        assert row.value > 0
        assert row.published
        assert row.source
        assert row.year == "" or 1990 < int(row.year) < 2030
        assert row.k is None or row.k > 0
        assert (row.k is None) == row.instance.startswith("bqp")
        assert row.proven == row.instance.startswith("kcluster")


def test_published_and_exact_values_agree() -> None:
    for row in registry().values():
        scale = 1e11 if row.instance.startswith("QPLIB") else 1.0
        assert row.value == pytest.approx(float(row.published) * scale, rel=1e-6)


def test_look_ups() -> None:
    row = known("MDG-a_1_n500_m50", 200)
    assert (row.value, row.objective, row.proven) == (107394.58, -107394.58, False)
    assert row.by.endswith(", 2009")
    assert known("QPLIB_0633", 15).objective > 0
    assert known("kcluster40_025_10_1", 10).by == "A. Lambert's k-cluster library"
    assert known("bqp50.1", None).value == 2098
    assert best_known("MDG-a_1_n500_m50", 51) is None
    assert best_known("bqp50.1", 10) is None


@pytest.mark.parametrize(
    ("objective", "standing", "words"),
    [
        (-7833.83, "reached", "reaches the best known value, 7833.83 (Wang et al."),
        (-7833.830000001, "reached", "reaches"),
        (-7755.4917, "worse", "1 % worse than the best known value, 7833.83"),
        (-7834.0, "new best", "NEW BEST 7834.0, 0.00217 % better than 7833.83"),
    ],
)
def test_standings(objective: float, standing: str, words: str) -> None:
    row = known("MDG-a_1_n500_m50", 50)
    assert row.standing(objective) == standing
    assert words in row.judge(objective)


def test_better_than_what_is_proven() -> None:
    row = known("kcluster40_025_10_1", 10)
    assert row.judge(-30.0).endswith("claimed to be optimal, so one of the two is wrong")
    assert "NEW BEST 7000000000000.0" in known("QPLIB_0633", 15).judge(7e12)
    assert "wrong" not in replace(row, proven=False).judge(-30.0)


def test_relative_gaps() -> None:
    assert relative_gap(-90.0, -100.0) == pytest.approx(0.1)
    assert relative_gap(110.0, 100.0) == pytest.approx(0.1)
    assert relative_gap(90.0, 100.0) == pytest.approx(-0.1)
    assert relative_gap(0.0, 0.0) == 0.0
    assert relative_gap(1.0, 0.0) is None


# -- what the data folder says --------------------------------------------------------------------


def table(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="") as stream:
        return list(csv.DictReader(stream))


@needs_data
def test_every_instance_of_the_data_folder_is_registered_with_its_value() -> None:
    expected: dict[tuple[str, int | None], float] = {}
    for row in table("mdplib/best_known.csv"):
        expected[row["instance"], int(row["m"])] = float(row["attained_here"])
    for row in table("kcluster/optima.csv"):
        expected[row["instance"], int(row["k"])] = float(row["optimum"])
    for row in table("bqp/best_known.csv"):
        expected[row["instance"], None] = float(row["published_rliang_metadata"])
    for row in table("bqp/qplib_best_known.csv"):
        scale = float(row["opb_objective_scale"])
        expected[row["instance"], int(row["k"])] = scale * float(row["attained_here"])
    assert registry().keys() == expected.keys()
    for key, value in expected.items():
        assert registry()[key].value == pytest.approx(value, rel=1e-9), key


@needs_data
def test_values_are_no_better_than_what_was_published() -> None:
    for row in table("mdplib/best_known.csv"):
        for source in ("published_mdplib2010", "published_wang2009"):
            if row[source]:
                ours = known(row["instance"], int(row["m"])).value
                assert ours == pytest.approx(float(row[source]), rel=1e-6)


@needs_data
@pytest.mark.parametrize(
    ("name", "k"),
    [("MDG-a_2_n500_m50", None), ("kcluster40_025_10_3", None), ("QPLIB_0633", None)],
)
def test_tabu_attains_registered_values(name: str, k: int | None) -> None:
    problem = read_problem(_quadratic_cases.locate(DATA, name), k=k)
    row = known(name, problem.k)
    solution = solve(problem, solver("tabu", target=row.objective), time_limit=30)
    assert solution.indices is not None
    assert check(name, solution.indices, folder=DATA).standing == "reached"


@needs_data
@pytest.mark.parametrize("size", [50, 100, 250])
def test_instances_without_a_number_to_choose(size: int) -> None:
    found = check(f"bqp{size}.2", np.arange(size // 2), folder=DATA)
    assert found.standing == "worse"
    file = DATA / "bqp" / f"bqp{size}.txt.xz"
    problem = read_problem(file, k=size // 2, instance=2)
    assert found.objective == problem.objective(np.arange(size // 2))


# -- the files ------------------------------------------------------------------------------------


def test_names_by_source() -> None:
    assert len(_quadratic_cases.names("mdplib")) == 10
    assert len(_quadratic_cases.names("kcluster")) == 135
    assert _quadratic_cases.names("qplib") == ["QPLIB_0633"]
    assert len(_quadratic_cases.names()) == 146


def test_names_by_patterns() -> None:
    names = _quadratic_cases.names()
    assert _quadratic_cases.matching(["kcluster40_025_10_*"], names) == [
        f"kcluster40_025_10_{i}" for i in range(1, 6)
    ]
    assert _quadratic_cases.matching(["SOM*", "SOM-b_1_n100_m10"], names)[0] == "SOM-b_12_n300_m120"
    with pytest.raises(InvalidOption, match=r"such as MDG-a_1_n500_m50.*'MDG-a_1'"):
        _quadratic_cases.matching(["MDG-a_1"], names)


def test_where_files_lie(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"MDG-a_1_n500_m50\.txt, packed or not"):
        _quadratic_cases.locate(tmp_path, "MDG-a_1_n500_m50")
    (tmp_path / "mdplib").mkdir()
    (tmp_path / "mdplib" / "MDG-a_1_n500_m50.txt").touch()
    assert _quadratic_cases.locate(tmp_path, "MDG-a_1_n500_m50").endswith("MDG-a_1_n500_m50.txt")
    (tmp_path / "kcluster").mkdir()
    (tmp_path / "kcluster" / "k-cluster_80.tar.xz").touch()
    assert _quadratic_cases.locate(tmp_path, "kcluster80_025_20_1").endswith(
        "k-cluster_80.tar.xz:k-cluster_80/kcluster80_025_20_1.dat"
    )


@needs_data
@pytest.mark.parametrize(
    "name",
    [
        *_quadratic_cases.names("mdplib"),
        *_quadratic_cases.names("qplib"),
        *_quadratic_cases.names("kcluster")[::27],
    ],
)
def test_every_instance_is_where_it_should_be(name: str) -> None:
    (case,) = _quadratic_cases.read(DATA, name, None)
    assert case.known is not None
    assert (case.known.instance, case.known.k, case.known.sense) == (name, case.k, case.sense)
    assert case.problem() == read_problem(_quadratic_cases.locate(DATA, name))
    assert _quadratic_cases.source_of(name) in _quadratic_cases.SOURCES


@needs_data
def test_another_k_has_another_best_value() -> None:
    own, large, odd = _quadratic_cases.read(DATA, "MDG-a_1_n500_m50", [50, 200, 7])
    assert own.known is not None
    assert large.known is not None
    assert own.known.value < large.known.value
    assert odd.known is None
    assert len({own.name, large.name, odd.name}) == 3
