import lzma
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subsetopt.benchmarks._suite_file import read_suite
from subsetopt.benchmarks.cases import MMDCase, SequenceCase
from subsetopt.benchmarks.cases._instance_files import stem
from subsetopt.benchmarks.results import MeasurementOptions
from subsetopt.errors import (
    InvalidFile,
    InvalidOption,
    InvalidProblem,
    MissingDependency,
    UnknownSolver,
    UnsupportedProblem,
)
from subsetopt.problems import Gaussian, Laplace

pytest.importorskip("yaml")

WHOLE = """
name: my-suite
time_limits: [0.1, 1]
repeats: 2
seed: 4
threads: null
instances:
  - {suite: mean-matching, source: synthetic, sizes: [16, 24], k: [3, 8], instances: 2}
  - {suite: mean-matching, source: synthetic, sizes: 16, k: 3, instances: 1, seed: 9, }
  - {file: losses.npy, family: mean-matching, k: [5, 10]}
  - {file: points.csv, family: mmd, k: 5}
  - {file: points.csv, family: mmd, k: 5, name: laplace, kernel: laplace, scale: 2}
  - {file: few.txt.xz, family: quadratic}
  - {file: few.txt.xz, family: quadratic, k: 3}
  - {file: points.csv, family: vector, k: [4], name: vectors}
  - {file: points.csv, family: sequence, k: 5, name: in-batches, scale: median}
solvers:
  - swap
  - {name: tabu, label: tabu-short, options: {iterations: 10}}
  - {name: tabu, options: {iterations: 20}}
  - tabu:iterations=30
  - k-dpp
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "losses.npy", rng.exponential(size=20).astype(np.float32))
    np.savetxt(tmp_path / "points.csv", rng.normal(size=(20, 3)), delimiter=",")
    lines = "\n".join(f"{i} {j} {i + j}" for i in range(5) for j in range(i + 1, 5))
    (tmp_path / "few.txt.xz").write_bytes(lzma.compress(f"5 2\n{lines}\n".encode()))
    return tmp_path


def written(folder: Path, text: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_tables_in_text_are_read_as_stated(folder: Path) -> None:
    (folder / "table.csv").write_text("id,0,1\nS1,1,5\nS2,2,7\nS3,3,9\n")
    (folder / "zero.csv").write_text("0\n1\n2\n5\n")
    entry = "{file: table.csv, family: mean-matching, k: 2, columns: %s, header: true}"
    for columns, value in (("[2]", 1.0), ("0", 1.0), ("['1']", 5.0)):
        suite = read_suite(written(folder, f"instances: [{entry % columns}]\nsolvers: [swap]"))
        case: Any = suite.cases[0]
        assert (case.n, case.problem().values[0]) == (3, value)
    entry = "{file: table.csv, family: mmd, k: 2, id: id}"
    assert read_suite(written(folder, f"instances: [{entry}]\nsolvers: [swap]")).cases[0].n == 3
    entry = "{file: zero.csv, family: mean-matching, k: 2%s}"
    with pytest.raises(InvalidFile, match="line 1, '0', may be a header"):
        read_suite(written(folder, f"instances: [{entry % ''}]\nsolvers: [swap]"))
    text = f"instances: [{entry % ', header: false'}]\nsolvers: [swap]"
    assert read_suite(written(folder, text)).cases[0].n == 4


def test_a_whole_suite(folder: Path) -> None:
    text = WHOLE.replace(", }", "}").replace("sizes: 16, k: 3, instances: 1", "sizes: 17, k: 3")
    own = read_suite(written(folder, text))
    assert own.name == "my-suite"
    assert own.settings == {"time_limits": (0.1, 1.0), "repeats": 2, "seed": 4, "threads": None}
    assert MeasurementOptions(**own.settings).seed == 4
    assert [(case.name, case.family, case.n, case.k) for case in own.cases[-8:]] == [
        ("losses-k5", "mean-matching", 20, 5),
        ("losses-k10", "mean-matching", 20, 10),
        ("points-k5", "mmd", 20, 5),
        ("laplace-k5", "mmd", 20, 5),
        ("few-k2", "quadratic", 5, 2),
        ("few-k3", "quadratic", 5, 3),
        ("vectors-k4", "vector-mean-matching", 20, 4),
        ("in-batches-by5", "sequence", 20, 5),
    ]
    assert len(own.cases) == 8 + 5 + 8
    assert set(own.families) == {case.family for case in own.cases}
    plain, laplace, batches = own.cases[-6], own.cases[-5], own.cases[-1]
    assert isinstance(plain, MMDCase)
    assert isinstance(laplace, MMDCase)
    assert isinstance(batches, SequenceCase)
    assert plain.cloud.kernel == batches.cloud.kernel == Gaussian()
    assert laplace.cloud.kernel == Laplace(scale=2.0)
    assert plain.source == "points.csv"
    assert [(one.label, one.name, dict(one.options)) for one in own.contenders] == [
        ("swap", "swap", {}),
        ("tabu-short", "tabu", {"iterations": 10}),
        ("tabu(iterations=20)", "tabu", {"iterations": 20}),
        ("tabu:iterations=30", "tabu", {"iterations": 30}),
        ("k-dpp", "k-dpp", {}),
    ]
    for case in own.cases:
        assert pickle.loads(pickle.dumps(case)).name == case.name


def test_seeds_are_those_of_the_entry_or_of_the_file(folder: Path) -> None:
    entry = "{suite: mean-matching, source: synthetic, sizes: 16, k: 3, instances: 1"
    texts = [
        f"instances: [{entry}}}]",
        f"seed: 9\ninstances: [{entry}}}]",
        f"instances: [{entry}, seed: 9}}]",
    ]
    default, of_file, of_entry = (
        read_suite(written(folder, text)).cases[0].values  # type: ignore[attr-defined]
        for text in texts
    )
    np.testing.assert_array_equal(of_file, of_entry)
    assert not np.array_equal(default, of_file)


def test_what_is_left_out_is_left_to_the_command(folder: Path) -> None:
    own = read_suite(
        written(folder, "instances: [{file: losses.npy, family: mean-matching, k: 2}]")
    )
    assert (own.name, own.contenders, own.settings) == ("own", (), {})


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("a/b.npy", "b"),
        ("a/b.txt.xz", "b"),
        ("a/k-cluster_40.tar.xz:k-cluster_40/c_1.dat", "c_1"),
        ("a/b.npz:c", "c"),
    ],
)
def test_the_stem_of_a_file(source: str, wanted: str) -> None:
    assert stem(source) == wanted


LOSSES = "{file: losses.npy, family: mean-matching, k: 2}"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("instances: [", InvalidFile, "is not YAML"),
        ("- a", InvalidFile, "this is no suite: must be a mapping; got"),
        ("", InvalidFile, "must be a mapping; got None"),
        ("name: a", InvalidFile, "instances is missing"),
        ("instances: {}", InvalidFile, "instances: must be a list"),
        ("instances: 3", InvalidFile, "instances: must be a list; got 3"),
        (f"instance: [{LOSSES}]", InvalidFile, "instances is missing"),
        (f"name: 3\ninstances: [{LOSSES}]", InvalidFile, "name: must be a string; got 3"),
        (
            f"repeats: two\ninstances: [{LOSSES}]",
            InvalidOption,
            "repeats must be an integer >= 1; got 'two'",
        ),
        (
            f"repeats: 0\ninstances: [{LOSSES}]",
            InvalidOption,
            "repeats must be an integer >= 1; got 0",
        ),
        (
            f"seed: true\ninstances: [{LOSSES}]",
            InvalidOption,
            "seed must be an integer in .*; got True",
        ),
        (f"time_limits: [1, .1]\ninstances: [{LOSSES}]", InvalidOption, "time limits must ascend"),
        (
            f"time_limits: [1s]\ninstances: [{LOSSES}]",
            InvalidOption,
            "time_limits must be distinct numbers > 0; got 1s",
        ),
        (
            f"instances: [{LOSSES}, losses.npy]",
            InvalidFile,
            "entry 2: must be a mapping of names; got 'losses.npy'",
        ),
        ("instances: [{k: 3}]", InvalidFile, "entry 1: .* either suite or file"),
        ("instances: [{suite: mmd, file: a.npy}]", InvalidFile, "entry 1: .* either suite or file"),
        (
            "instances: [{suite: nmd}]",
            InvalidOption,
            "entry 1: suite must be .*; got 'nmd'",
        ),
        ("instances: [{suite: mmd, n: 3}]", InvalidOption, "a suite has no option 'n'"),
        (
            "instances: [{suite: mmd, sizes: x}]",
            InvalidFile,
            "entry 1: .*sizes: must be",
        ),
        ("instances: [{suite: mmd, sizes: []}]", InvalidOption, "sizes must be .*; got none"),
        (
            "instances: [{suite: mmd, source: nowhere}]",
            InvalidOption,
            "source must be .*; got 'nowhere'",
        ),
        (
            "instances: [{suite: mmd, instances: 1.5}]",
            InvalidFile,
            "entry 1: .*instances: must be .*; got 1.5",
        ),
        ("instances: [{file: losses.npy}]", InvalidFile, "family is missing"),
        (
            "instances: [{file: losses.npy, family: sum, k: 2}]",
            InvalidFile,
            "family must be one of mean-matching, vector-mean-matching, mmd, quadratic, s",
        ),
        (
            "instances: [{file: losses.npy, family: mean-matching, k: 2, scale: 1}]",
            InvalidOption,
            "a file of mean-matching has no option 'scale'; it has at_least, .*, start, target$",
        ),
        (
            "instances: [{file: losses.npy, family: mean-matching}]",
            InvalidOption,
            "k must be given, as files of mean-matching state none",
        ),
        (
            "instances: [{file: no.npy, family: mean-matching, k: 2}]",
            InvalidFile,
            r"entry 1: .*no\.npy: there is no such file",
        ),
        (
            "instances: [{file: points.csv, family: mean-matching, k: 2}]",
            InvalidFile,
            r"holds shape \(20, 3\); mean-matching needs \(n,\)",
        ),
        (
            "instances: [{file: losses.npy, family: vector-mean-matching, k: 2}]",
            InvalidFile,
            r"vector-mean-matching needs \(n, d\)",
        ),
        (
            "instances: [{file: losses.npy, family: mean-matching, k: 21}]",
            InvalidProblem,
            "entry 1: k must",
        ),
        (
            "instances: [{file: points.csv, family: mmd, k: 20}]",
            InvalidOption,
            r"k must be an integer in \[1, 19\]; got 20",
        ),
        (
            "instances: [{file: points.csv, family: mmd, k: 2, kernel: cubic}]",
            InvalidProblem,
            "kernel must be one of 'gaussian', 'laplace', 'polynomial', 'linear'",
        ),
        (
            "instances: [{file: points.csv, family: mmd, k: 2, kernel: linear, scale: 1}]",
            InvalidOption,
            "kernel 'linear' has no option 'scale'",
        ),
        (
            "instances: [{file: points.csv, family: mmd, k: 2, scale: small}]",
            InvalidProblem,
            "entry 1: .*scale",
        ),
        (
            "instances: [{file: points.csv, family: mmd, k: 2, kernel: precomputed}]",
            InvalidProblem,
            "square",
        ),
        (
            "instances: [{file: few.txt.xz, family: quadratic, format: cnf}]",
            InvalidOption,
            "format must be 'mdplib', .*; got 'cnf'",
        ),
        (
            "instances: [{file: few.txt.xz, family: quadratic, instance: a}]",
            InvalidOption,
            r"instance must .*got",
        ),
        (
            f"instances: [{LOSSES}, {LOSSES}]",
            InvalidFile,
            "entry 2: the case losses-k2 must stand once, but is there already, from .*entry 1",
        ),
        (
            f"instances: [{LOSSES}]\nsolvers: [swap, swap]",
            InvalidFile,
            "solvers, entry 2: label 'swap' must stand once",
        ),
        (
            f"instances: [{LOSSES}]\nsolvers: [swop]",
            UnknownSolver,
            "solvers, entry 1: solver must be one of ",
        ),
        (
            f"instances: [{LOSSES}]\nsolvers: [{{name: swap, options: {{tenure: 1}}}}]",
            InvalidOption,
            "solver 'swap' has no option 'tenure'",
        ),
        (
            f"instances: [{LOSSES}]\nsolvers: [{{name: swap, options: [1]}}]",
            InvalidFile,
            r"options: must be a mapping of names; got",
        ),
        (
            f"instances: [{LOSSES}]\nsolvers: [3]",
            InvalidFile,
            "entry 1: must be .*; got 3",
        ),
        (f"instances: [{LOSSES}]\nsolvers: [{{label: a}}]", InvalidFile, "name is missing"),
        (
            f"instances: [{LOSSES}]\nsolvers: [tabu]",
            UnsupportedProblem,
            "solver 'tabu' takes .*; the instances are of mean-matching",
        ),
        (
            "instances: [{file: points.csv, family: sequence, k: 2}]\nsolvers: [stride]",
            UnsupportedProblem,
            "'stride' makes no sequences",
        ),
    ],
)
def test_what_is_no_suite(folder: Path, text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        read_suite(written(folder, text))
    assert str(folder / "own.yaml") in str(caught.value)


@pytest.mark.parametrize(
    ("options", "solver"),
    [({"sweeps": 2}, "running-swap"), ({"restarts": 2}, "swap"), ({}, "stride")],
)
def test_one_family_that_takes_a_solver_is_enough(
    folder: Path, options: dict[str, Any], solver: str
) -> None:
    batches = "{file: points.csv, family: sequence, k: 2}"
    entry = f"{{name: {solver}, options: {options}}}"
    own = read_suite(written(folder, f"instances: [{LOSSES}, {batches}]\nsolvers: [{entry}]"))
    assert own.contenders[0].options == options


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"no\.yaml: there is no such file"):
        read_suite(tmp_path / "no.yaml")
    (tmp_path / "own.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidFile, match="is not YAML"):
        read_suite(tmp_path / "own.yaml")


def test_without_pyyaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingDependency, match=r"pip install 'subsetopt\[bench\]'"):
        read_suite(written(tmp_path, "instances: []"))
