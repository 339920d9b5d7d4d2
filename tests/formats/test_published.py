"""Published instances: selections that attain what their libraries say."""

import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

import subsetopt as so

DATA = Path(os.environ.get("SUBSETOPT_DATA", "none"))
SOM_B_1 = [13, 14, 16, 21, 49, 52, 57, 75, 77, 87]
KCLUSTER = [0, 2, 3, 8, 26, 31, 33, 37, 38, 39]
QPLIB_0633 = [4, 5, 13, 20, 28, 32, 41, 43, 54, 56, 58, 60, 61, 71, 74]
BQP_LEFT_OUT = [1, 7, 9, 14, 16, 19, 22, 23, 24, 25, 26, 38, 39, 43, 44, 48, 49]


def needed(name: str) -> Path:
    if not (DATA / name).exists():
        pytest.skip(f"SUBSETOPT_DATA names no folder that holds {name}")
    return DATA / name


def stated(problem: so.QuadraticSelection, selection: list[int]) -> float:
    return problem.stated(problem.objective(selection))


def test_mdplib() -> None:
    problem = so.read_problem(needed("mdplib/SOM-b_1_n100_m10.txt.xz"))
    assert (problem.n, problem.k) == (100, 10)
    assert stated(problem, SOM_B_1) == 333


def test_every_mdplib_file() -> None:
    folder = needed("mdplib")
    for path in sorted(folder.glob("*.txt.xz")):
        problem = so.read_problem(path)
        assert f"_n{problem.n}_m{problem.k}." in path.name
        assert problem.sense == "maximise"
        assert np.count_nonzero(problem.Q) > 0.8 * problem.n**2


def test_kcluster() -> None:
    path = needed("kcluster/k-cluster_40.tar.xz")
    member = "k-cluster_40/kcluster40_025_10_1.dat"
    problem = so.read_problem(f"{path}:{member}")
    assert (problem.n, problem.k, problem.Q.sum()) == (40, 10, 183)
    assert stated(problem, KCLUSTER) == 29
    with pytest.raises(so.InvalidFile, match="holds 45 files"):
        so.read_problem(path)


def test_every_kcluster_member_of_one_size(tmp_path: Path) -> None:
    with tarfile.open(needed("kcluster/k-cluster_80.tar.xz")) as archive:
        for entry in archive.getmembers():
            stream = archive.extractfile(entry)
            assert stream is not None
            (tmp_path / "member").write_bytes(stream.read())
            problem = so.read_problem(tmp_path / "member")
            assert (problem.n, f"_{problem.k}_" in entry.name) == (80, True)


def test_bqp() -> None:
    path = needed("bqp/bqp50.txt.xz")
    chosen = np.setdiff1d(np.arange(50), BQP_LEFT_OUT).tolist()
    problem = so.read_problem(path, k=33, instance=3)
    assert stated(problem, chosen) == 4626
    for instance in range(1, 11):
        assert so.read_problem(path, k=1, instance=instance).n == 50


def test_opb() -> None:
    problem = so.read_problem(needed("bqp/QPLIB_0633.opb.xz"))
    assert (problem.n, problem.k, problem.sense) == (75, 15, "minimise")
    assert stated(problem, QPLIB_0633) / 1e11 == pytest.approx(79.560706216, abs=1e-8)
