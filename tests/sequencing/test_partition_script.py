"""The script that measures partitions, on few rows."""

import numpy as np
import pytest

import subsetopt as so
from subsetopt.benchmarks.scripts import partition

pytest.importorskip("sklearn")


def test_many_rows() -> None:
    plain, balanced = partition.of_many([300])
    assert (plain["classes"], balanced["classes"]) == (0, 10)
    for row in (plain, balanced):
        assert 0 < row["ratio to stratified"] < 0.8
        assert row["passes over the kernel"] > 0


def test_the_baseline_is_stratified() -> None:
    labels = np.repeat(np.arange(3), 20)
    parts = partition.stratified([30, 20, 10], labels, seed=0)
    counts = np.array([np.bincount(labels[parts == part]) for part in range(3)])
    assert counts.sum(axis=1).tolist() == [30, 20, 10]
    assert np.abs(counts - np.array([[10], [20 / 3], [10 / 3]])).max() <= 1


def test_arms() -> None:
    rows = list(partition.of_arms(2, (2,)))
    assert [row["method"] for row in rows] == ["random", "gaussian", "linear"]
    assert [row["arms"] for row in rows] == [2, 2, 2]
    assert rows[0]["rows it is worth"] == 1


def test_the_distance_of_means_is_that_of_the_result() -> None:
    X = np.random.default_rng(0).normal(size=(60, 2))
    result = so.partition(X, 3, full_output=True)
    found = partition.apart(X, [result.parts])[0]
    np.testing.assert_allclose(found, result.mmd[np.triu_indices(3, 1)], atol=1e-7)
