"""The benchmarks of the kernels still run, and their answers are still right."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pytest_benchmark")

ROOT = Path(__file__).parents[2]
REGRESSION = ROOT / "benchmarks" / "regression"


def run(*options: str) -> "subprocess.CompletedProcess[str]":
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "benchmarks/regression",
            "-p",
            "no:cacheprovider",
            *options,
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_all_answers_are_right() -> None:
    done = run("--benchmark-disable", "-q")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.slow
def test_a_run_is_saved_and_compared_with(tmp_path: Path) -> None:
    options = ["-k", "test_herding", "--benchmark-max-time=0.01", f"--benchmark-storage={tmp_path}"]
    nothing = run(*options, "--benchmark-compare")
    assert nothing.returncode == 4
    assert "holds no earlier run" in nothing.stderr
    assert run(*options, "--benchmark-autosave").returncode == 0
    (saved,) = tmp_path.rglob("*.json")
    document = json.loads(saved.read_text())
    assert set(document["machine_info"]) == {"cpu", "cores", "system"}
    assert {"subsetopt", "numpy", "numba"} <= set(document["versions"])
    document["benchmarks"][0]["stats"]["median"] = 1e-9
    saved.write_text(json.dumps(document))
    regressed = run(*options, "--benchmark-compare", "--benchmark-compare-fail=median:10%")
    assert regressed.returncode != 0
    assert "Performance has regressed" in regressed.stderr


def test_runs_of_two_machines_are_not_compared() -> None:
    from subsetopt.benchmarks.regression import conftest

    here = conftest.pytest_benchmark_generate_machine_info()
    conftest.pytest_benchmark_compare_machine_info(here, {"machine_info": dict(here)})
    with pytest.raises(pytest.UsageError, match="the earlier run is of"):
        conftest.pytest_benchmark_compare_machine_info(
            here, {"machine_info": {**here, "cpu": "another"}}
        )


def test_the_normal_tests_leave_them_out() -> None:
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]
    assert settings["ini_options"]["testpaths"] == ["tests"]
