"""``subsetopt sequence``: what it prints and writes, what it refuses, and Ctrl-C."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import subsetopt as so
from subsetopt.cli import app, sequence
from subsetopt.formats._array_files import IMAGES, LABELS
from subsetopt.sequencing import _selectors

POINTS = np.random.default_rng(0).normal(size=(53, 3)).astype(np.float32)
CLASSES = np.arange(53) % 3


def run(*arguments: Any, **more: Any) -> Any:
    return CliRunner().invoke(app, ["sequence", *map(str, arguments)], **more)


def answer(*arguments: Any, **more: Any) -> Any:
    result = run(*arguments, "--json", **more)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return json.loads(result.stdout)


def assert_error(result: Any, code: int, *words: str) -> None:
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert all(word in result.stderr for word in words), result.stderr


@pytest.fixture
def features(tmp_path: Path) -> Path:
    np.save(tmp_path / "X.npy", POINTS)
    return tmp_path / "X.npy"


def test_the_sequence_of_a_file(features: Path, tmp_path: Path) -> None:
    out = tmp_path / "order.npz"
    found = answer(features, "--batch-size", 10, "--out", out)
    assert (found["batches"], found["points"]) == (6, 53)
    read = so.MiniBatchSequence.load(out)
    expected = so.sequence(so.scale_columns(POINTS), 10)
    np.testing.assert_array_equal(read.order, expected.order)
    assert found["mmd"][:-1] == pytest.approx(expected.mmd[:-1].tolist())
    assert found["mmd"][-1] is None
    assert found["mmd_mean"] == pytest.approx(expected.mmd[:-1].mean())
    assert found["mmd_last"] == found["mmd"][-2]
    assert 0 < found["relative_area"] < 1
    assert found["balance"] is None
    assert found["compare"] == []
    assert found["peak_bytes"] is None or found["peak_bytes"] > 2**20


def test_what_people_see(features: Path, tmp_path: Path) -> None:
    np.savetxt(tmp_path / "y.csv", CLASSES, fmt="%d")
    result = run(
        features, "-k", 10, "--labels", tmp_path / "y.csv", "--compare", "random, running-herding",
        env={"COLUMNS": "140"},
    )  # fmt: skip
    assert result.exit_code == 0
    assert result.stderr.startswith("engine matrix: the 53 x 53 kernel matrix in float32")
    for words in (
        "running-swap: 53 points in 6 batches",
        "Gaussian(scale=",
        "peak memory",
        "(batch ",
    ):
        assert words in result.stdout
    for name in ("running-swap", "random", "running-herding"):
        assert any(line.split()[:1] == [name] for line in result.stdout.splitlines())


def test_options_reach_the_sequence(features: Path) -> None:
    found = answer(
        features, "-k", 10, "--kernel", "laplace", "--scale", 2.5, "--solver", "running-swap",
        "--option", "sweeps=1", "--engine", "rows", "--memory", "1GiB", "--drop-last",
        "--seed", 3, "--threads", 1,
    )  # fmt: skip
    assert (found["batches"], found["points"]) == (5, 50)
    assert found["mmd"][-1] is not None
    told = found["provenance"]
    assert told["kernel"] == repr(so.Laplace(scale=2.5))
    assert told["solver"] == "running-swap(sweeps=1)"
    assert told["engine"].startswith("rows")
    assert (told["drop_last"], told["seed"]) == (True, 3)


def test_stopping_after_some_batches(features: Path, tmp_path: Path) -> None:
    out = tmp_path / "order.npz"
    options = ("--batch-size", 10, "--batches", 2, "--compare", "random")
    found = answer(features, *options, "--out", out)
    assert (found["batches"], found["points"]) == (2, 20)
    assert [len(other["mmd"]) for other in found["compare"]] == [2]
    expected = so.sequence(so.scale_columns(POINTS), 10).order[:20]
    np.testing.assert_array_equal(so.MiniBatchSequence.load(out).order, expected)
    assert_error(run(features, "--batch-size", 10, "--batches", 7), 2, "in [1, 6] or None; got 7")


def test_a_kernel_matrix(tmp_path: Path) -> None:
    K = so.Gaussian(scale=1.0)(POINTS, POINTS)
    np.save(tmp_path / "K.npy", K)
    found = answer(tmp_path / "K.npy", "-k", 10, "--kernel", "precomputed", "--compare", "random")
    np.save(tmp_path / "X.npy", POINTS)
    plain = ["--scale-columns", "none"]
    other = answer(tmp_path / "X.npy", "-k", 10, "--scale", 1, "--compare", "random", *plain)
    assert found["mmd"][:-1] == pytest.approx(other["mmd"][:-1], rel=1e-4)
    assert found["compare"][0]["mmd"][:-1] == pytest.approx(other["compare"][0]["mmd"][:-1], 1e-4)
    result = run(tmp_path / "K.npy", "-k", 10, "--kernel", "precomputed", "--compare", "submodular")
    assert_error(result, 2, "submodular, which needs features")


def test_pixels_stay_as_they_are_unless_asked() -> None:
    plain = answer("digits", "-k", 300)["provenance"]["data"]
    assert plain == answer("digits", "-k", 300, "--scale-columns", "none")["provenance"]["data"]
    assert plain != answer("digits", "-k", 300, "--scale-columns", "std")["provenance"]["data"]


def test_the_torch_engine(features: Path) -> None:
    pytest.importorskip("torch")
    found = answer(features, "-k", 10, "--engine", "torch", "--device", "cpu")
    assert found["provenance"]["engine"].startswith("torch-cpu-float32-matrix")
    found = answer(
        features, "-k", 10, "--engine", "torch", "--device", "cpu", "--dtype", "bfloat16"
    )
    assert found["provenance"]["engine"].startswith("torch-cpu-bfloat16-matrix")


# -- sources and classes --------------------------------------------------------------------------


def test_digits_bring_their_classes() -> None:
    pytest.importorskip("sklearn")
    found = answer("digits", "-k", 100, "--solver", "running-herding", "--compare", "random")
    assert found["points"] == 1797
    assert 0 <= found["balance"]["mean"] <= found["balance"]["worst"] <= 1
    (random,) = found["compare"]
    assert found["balance"]["mean"] < random["balance"]["mean"]
    assert random["relative_area"] == pytest.approx(1, abs=0.2)
    assert found["relative_area"] < 0.5 < random["relative_area"]
    assert random["mmd"][-1] is None


def test_mnist_from_its_folder(tmp_path: Path) -> None:
    def idx(array: Any) -> bytes:
        shape = np.array(array.shape, ">u4").tobytes()
        return b"".join([bytes([0, 0, 8, array.ndim]), shape, bytes(array.astype(np.uint8))])

    (tmp_path / "mnist").mkdir()
    rng = np.random.default_rng(0)
    (tmp_path / "mnist" / IMAGES).write_bytes(idx(rng.integers(0, 256, (40, 5, 4))))
    (tmp_path / "mnist" / LABELS).write_bytes(idx(np.arange(40) % 10))
    found = answer("mnist", "-k", 10, "--data", tmp_path)
    assert found["balance"] is not None
    again = answer("mnist", "-k", 10, "--labels", "auto", env={"SUBSETOPT_DATA": str(tmp_path)})
    assert again["mmd"] == found["mmd"]
    assert_error(run("mnist", "-k", 10, env={"SUBSETOPT_DATA": ""}), 2, "--data DIR")


def test_labels_that_do_not_fit(features: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", CLASSES[:9])
    result = run(features, "-k", 10, "--labels", tmp_path / "y.npy")
    assert_error(result, 2, "--labels has shape (9,)", "53 points")
    assert_error(run(features, "-k", 10, "--labels", "auto"), 2, "brings none")


# -- others beside it -----------------------------------------------------------------------------


def test_all_baselines_and_a_picture(features: Path, tmp_path: Path) -> None:
    from subsetopt.sequencing.baselines import BASELINES

    np.save(features, np.abs(POINTS))
    names = ",".join([*BASELINES, "greedy"])
    unscaled = ["--scale-columns", "none"]  # submodular wants features that are not negative
    options = [features, "-k", 10, "--compare", names, "--drop-last", *unscaled]
    found = answer(*options)
    assert [row["name"] for row in found["compare"]] == names.split(",")
    assert all(len(row["mmd"]) == 5 and None not in row["mmd"] for row in found["compare"])
    pytest.importorskip("matplotlib")
    for name in ("one.svg", "two.svg"):
        answer(*options, "--plot", tmp_path / name)
    assert b"facility" in (tmp_path / "one.svg").read_bytes()
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_what_cannot_be_compared_is_left_out(features: Path) -> None:
    result = run(features, "-k", 10, "--compare", "submodular,random", "--json")
    assert result.exit_code == 0
    assert result.stderr.startswith("submodular is left out: X[")
    found = json.loads(result.stdout)
    assert list(found["left_out"]) == ["submodular"]
    assert [row["name"] for row in found["compare"]] == ["random"]


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engine", "gpu"], "--engine must be auto, matrix"),
        (["--device", "cuda"], "--device needs --engine torch"),
        (["--memory", "lots"], "--memory must be a number of bytes"),
        (["--scale", "wide"], "--scale must be a number or 'median'; got 'wide'"),
        (["--kernel", "linear", "--scale", "2"], "kernel 'linear' has no option 'scale'"),
        (["--kernel", "cubic"], "got 'cubic'"),
        (["--option", "sweeps"], "not of the form KEY=VALUE"),
        (["--option", "sweeps=-1"], "sweeps must be an integer >= 0 or None; got -1"),
        (["--option", "turns=2"], "no option 'turns'"),
        (["--solver", "nothing"], "got 'nothing'"),
        (["--compare", "random,nothing"], "--compare names 'nothing'; known are random"),
        (["--compare", "stride"], "--compare names 'stride'"),
        (["--out", "order.csv"], "known are .npz"),
        (["--plot", "curve.txt"], "known are .svg"),
        (["--out", "nowhere/order.npz"], "there is no such folder"),
        (["--batch-size", "0"], "--batch-size must"),
        (["--batch-size", "54"], "batch_size must be an integer in [1, 53]; got 54"),
        (["--threads", "0"], "threads"),
    ],
)
def test_bad_options(features: Path, options: list[str], message: str) -> None:
    given = [features, *([] if "--batch-size" in options else ["-k", 10]), *options, "--json"]
    assert_error(run(*given), 2, message)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    assert_error(run(tmp_path / "X.npy", "-k", 10), 2, "X.npy")
    assert run(tmp_path / "X.npy").exit_code == 2  # without --batch-size


def test_what_does_not_fit(features: Path) -> None:
    result = run(features, "-k", 10, "--engine", "matrix", "--memory", "1kB", "--json")
    assert_error(result, 1, "above the limit of")


# -- Ctrl-C ---------------------------------------------------------------------------------------


@pytest.fixture
def interrupting(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that sets before which batch Ctrl-C comes."""
    original = _selectors.RunningSwap.__call__

    def at(batch: int) -> None:
        def call(self: Any, state: Any, k: int) -> None:
            if len(state.boundaries) - 1 == batch:
                raise KeyboardInterrupt
            original(self, state, k)

        monkeypatch.setattr(_selectors.RunningSwap, "__call__", call)

    return at


def test_ctrl_c_says_where_the_checkpoint_is(
    features: Path, tmp_path: Path, interrupting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, out = tmp_path / "kept.npz", tmp_path / "order.npz"
    options = [features, "-k", 10, "--checkpoint", kept, "--out", out]
    interrupting(3)
    result = run(*options)
    assert result.exit_code == 130
    assert result.stdout == ""
    assert f"interrupted; the checkpoint is {kept}: the same command goes on" in result.stderr
    assert not out.exists()
    monkeypatch.undo()
    assert run(*options).exit_code == 0
    expected = so.sequence(so.scale_columns(POINTS), 10)
    np.testing.assert_array_equal(so.MiniBatchSequence.load(out).order, expected.order)
    assert not kept.exists()


def test_ctrl_c_with_nothing_to_keep(features: Path, tmp_path: Path, interrupting: Any) -> None:
    interrupting(0)
    result = run(features, "-k", 10)
    assert result.exit_code == 130
    assert "interrupted; nothing is kept; --checkpoint FILE keeps" in result.stderr
    result = run(features, "-k", 10, "--checkpoint", tmp_path / "kept.npz")
    assert result.exit_code == 130
    assert "no batch was complete" in result.stderr


def test_ctrl_c_among_the_others(features: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from subsetopt.cli import sequence_report

    original = sequence_report.run

    def called(name: str, *rest: Any) -> Any:
        if name == "random":
            raise KeyboardInterrupt
        return original(name, *rest)

    monkeypatch.setattr(sequence_report, "run", called)
    result = run(features, "-k", 10, "--compare", "running-herding,random", "--json")
    assert result.exit_code == 130
    assert result.stderr == "interrupted; random and what follows is left out\n"
    assert [row["name"] for row in json.loads(result.stdout)["compare"]] == ["running-herding"]


def test_the_command_is_registered() -> None:
    assert sequence.sequence.__doc__ is not None
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "100", **os.environ})
    assert "sequence" in result.stdout


@pytest.mark.parametrize(
    ("wrong", "word"), [(("--solver", "odd"), "odd"), (("--batch-size", "0"), "--batch-size must")]
)
def test_bad_usage_is_told_before_the_kernel_matrix(
    wrong: tuple[str, str], word: str, tmp_path: Path
) -> None:
    np.save(tmp_path / "points.npy", np.eye(20))
    usage = {"--batch-size": "5"} | {wrong[0]: wrong[1]}
    words = [part for pair in usage.items() for part in pair]
    result = CliRunner().invoke(app, ["sequence", str(tmp_path / "points.npy"), *words])
    assert result.exit_code == 2
    assert word in result.stderr
    assert "engine" not in result.stderr
