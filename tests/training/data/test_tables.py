"""Tables of numbers, and what is wrong with some."""

import os
from pathlib import Path

import numpy as np
import pytest

from subsetopt.errors import InvalidFile

pytest.importorskip("torch")

from subsetopt.training.tasks._tabular import TABLES, read_table

DATA = Path(os.environ.get("SUBSETOPT_DATA", "none"))
HEADER = "rooms,total,median_house_value,ocean_proximity\n"
ROWS = "".join(f"{i},{'' if i == 3 else 2 * i},{10 * i},{'INLAND' if i % 2 else 'ISLAND'}\n"
               for i in range(20))  # fmt: skip


def written(folder: Path, text: str, name: str = "california") -> Path:
    (folder / "regression").mkdir(exist_ok=True)
    (folder / "regression" / TABLES[name].file).write_text(text, encoding="utf-8")
    return folder


def test_standardised_by_the_training_part(tmp_path: Path) -> None:
    read, scale = read_table(written(tmp_path, HEADER + ROWS), "california", seed=3)
    (x, y), (x_test, y_test) = read.train, read.test
    assert (x.shape, x_test.shape, y.shape) == ((16, 7), (4, 7), (16,))
    assert x.dtype == y.dtype == np.float32
    np.testing.assert_allclose(x[:, :2].mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(x[:, :2].std(0), 1, atol=1e-5)
    np.testing.assert_allclose([y.mean(), y.std()], [0, 1], atol=1e-5)
    assert np.isfinite(x).all()
    assert np.isfinite(x_test).all()
    assert 40 < scale < 70
    back = np.concatenate([y, y_test]) * scale
    assert len(np.unique(back.round(2))) == 20  # every row is in one part
    again = read_table(tmp_path, "california", seed=3)[0]
    np.testing.assert_array_equal(again.train[0], x)
    other = read_table(tmp_path, "california", seed=4)[0]
    assert not np.array_equal(other.train[0], x)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "got 0 lines"),
        (HEADER, "got 1 lines"),
        (ROWS, "'median_house_value' is missing"),
        (HEADER + ROWS + "1,2\n", "2 of 4 columns in row 22"),
        (HEADER + ROWS + "1,2,x,INLAND\n", "damaged: could not convert"),
        (HEADER + ROWS + "1,2,3,MOON\n", "ocean_proximity 'MOON'"),
        (HEADER.replace(",", ";") + ROWS, "columns in row 2"),
    ],
)
def test_bad_tables(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidFile, match=message):
        read_table(written(tmp_path, text), "california")


def test_missing_and_unknown(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"no airfoil_self_noise\.csv in"):
        read_table(tmp_path, "airfoil")
    path = written(tmp_path, "") / "regression" / TABLES["california"].file
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidFile, match="is not text"):
        read_table(tmp_path, "california")


@pytest.mark.skipif(
    not (DATA / "regression").is_dir(), reason="SUBSETOPT_DATA names no such folder"
)
@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [("california", 20640, 13), ("airfoil", 1503, 5), ("wine", 4898, 11)],
)
def test_published_tables(name: str, rows: int, columns: int) -> None:
    read, _ = read_table(DATA, name)
    assert len(read.train[1]) + len(read.test[1]) == rows
    assert read.train[0].shape[1] == columns
    assert np.isfinite(read.train[0]).all()
    assert np.isfinite(read.test[0]).all()
