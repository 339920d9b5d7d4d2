"""The benchmark of sequences, on a few points."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from subsetopt.benchmarks.scripts import sequence_cost


def test_rows_and_exponents() -> None:
    X = np.random.default_rng(0).normal(size=(400, 5)).astype(np.float32)
    rows = [sequence_cost.measured(X[:n], 20) for n in (200, 400)]
    for row in rows:
        assert row["total / matrix"] == pytest.approx(row["total, s"] / row["matrix, s"])
        assert row["running-swap / random"] < row["running-herding / random"] < 0.9
        assert row["peak, GiB"] > 0.01
    slopes = sequence_cost.exponents(rows)
    assert slopes["running-swap, s"] == pytest.approx(
        np.log2(rows[1]["running-swap, s"] / rows[0]["running-swap, s"])
    )


def test_program() -> None:
    folder = os.environ.get("SUBSETOPT_DATA")
    if folder is None or not os.path.isdir(os.path.join(folder, "mnist")):
        pytest.skip("SUBSETOPT_DATA names no folder with mnist")
    command = [
        sys.executable,
        "-m",
        "subsetopt.benchmarks.scripts.sequence_cost",
        "--n",
        "300",
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    machine, row = map(json.loads, done.stdout.splitlines())
    assert row["n"] == 300
    assert machine["cpu"]
