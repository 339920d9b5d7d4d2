"""The measurements of the GPU benchmark, made small and on the processor."""

import json
from pathlib import Path

import pytest

from subsetopt.benchmarks.scripts import gpu_sequences

pytest.importorskip("torch")


def test_rows_of_the_benchmark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--points", "400", "--features", "8", "--copy", "100000", "--batches", "3"]
    gpu_sequences.main(["--json", "--device", "cpu", "--data", str(tmp_path), *small])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0]["card"] == "cpu"
    assert "no train-images" in rows[1]["left_out"]
    assert "400 x 8 features" in rows[2]["engine"]
    assert [row["solver"] for row in rows[3:]] == ["running-herding", "running-swap"]
    for row in rows[3:]:
        assert row["batches"] == 3
        assert row["of_copy_bandwidth"] > 0
        assert row["extrapolated_seconds"] == pytest.approx(row["seconds"] / 3 * 7)
    assert rows[4]["mean_root_mmd_to_whole"] < rows[3]["mean_root_mmd_to_whole"]
