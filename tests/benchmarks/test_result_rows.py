import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from subsetopt import _dependencies
from subsetopt._machine import Machine
from subsetopt.benchmarks.reporting import _comparison_report as frames
from subsetopt.benchmarks.results import (
    Bound,
    CaseInfo,
    Contender,
    MeasurementOptions,
    Plan,
    Results,
    Row,
    Session,
)
from subsetopt.benchmarks.results._rows import SCHEMA
from subsetopt.errors import MissingDependency
from subsetopt.solution import CertificateKind, Termination

pd = pytest.importorskip("pandas")
parquet = pytest.importorskip("pyarrow.parquet")

MACHINE = Machine("a processor", 2, "Linux x86_64", "3.11", "2.0", "9.9")
SESSIONS = tuple(
    Session(machine=MACHINE, packages={}, commit=commit, started="2024-01-01T00:00:00Z", jobs=1)
    for commit in ("abc", "def")
)
CASE = {"case": "b-k2", "family": "quadratic", "source": "drawn", "n": 4, "k": 2}
FULL = Row(
    **CASE,  # type: ignore[arg-type]
    solver="tabu, long",
    options={"tenure": 3, "iterations": 9},
    time_limit=1.0,
    threads=1,
    objective=-8.0,
    bound=-9.0,
    termination=Termination.ITERATION_LIMIT,
    certificate=CertificateKind.BOUND,
    eps=1.0,
    seconds=(0.25, 0.125, 1.0),
    peak_bytes=2**40,
    indices=(0, 3),
    message='said "so", and\nmore',
    session=1,
)
BETTER = Row(**CASE, solver="swap", objective=-10.0, seconds=(0.5,), indices=(1, 2))  # type: ignore[arg-type]
FAILED = Row(**CASE, solver="random", failure="ended by SIGSEGV")  # type: ignore[arg-type]
RESULTS = Results(
    plan=Plan(
        suite="quadratic",
        settings=MeasurementOptions(),
        contenders=(Contender(label="swap", name="swap"),),
        cases=(CaseInfo(name="b-k2", family="quadratic", source="drawn", n=4, k=2),),
    ),
    sessions=SESSIONS,
    rows=(FULL, BETTER, FAILED),
    bounds=(
        Bound(case="b-k2", method="fw", value=-30.0),
        Bound(case="b-k2", method="sdp", value=-20.0),
        Bound(case="b-k2", method="qp", failure="TooLarge: ..."),
    ),
)


def test_the_columns_are_those_that_are_documented() -> None:
    frame = frames.result_table(RESULTS).to_frame()
    assert list(frame.columns) == [column.key for column in frames.COLUMNS]
    assert {field.name for field in fields(Row)} <= {column.key for column in frames.COLUMNS}
    for column in frames.COLUMNS:
        held = "object" if column.dtype.startswith("list") else column.dtype
        assert str(frame[column.key].dtype) == held, column.key
        assert column.meaning.endswith(".")


def test_a_row_with_everything() -> None:
    row = frames.result_table(RESULTS).to_frame().iloc[0]
    assert row["termination"] == "iteration_limit"
    assert json.loads(row["options"]) == FULL.options
    assert row["seconds"] == [0.25, 0.125, 1.0]
    assert (row["seconds_median"], row["seconds_min"], row["seconds_max"]) == (0.25, 0.125, 1.0)
    assert row["gap_to_best"] == pytest.approx(0.2)
    assert row["case_bound"] == -20.0
    assert (row["cpu"], row["commit"], row["subsetopt"]) == ("a processor", "def", "9.9")
    assert row["indices"] == [0, 3]
    assert row["peak_bytes"] == 2**40


def test_a_row_without_an_answer() -> None:
    frame = frames.result_table(RESULTS).to_frame()
    row = frame.iloc[2]
    for name in ("objective", "termination", "certificate", "seconds_median", "gap_to_best"):
        assert row[name] is pd.NA
    assert row["indices"] is None
    assert row["seconds"] == []
    assert row["failure"] == "ended by SIGSEGV"
    assert frame["gap_to_best"].isna().tolist() == [False, False, True]


def test_dtypes_do_not_depend_on_the_rows() -> None:
    none = Results(plan=RESULTS.plan, sessions=(), rows=())
    assert (
        frames.result_table(none)
        .to_frame()
        .dtypes.equals(frames.result_table(RESULTS).to_frame().dtypes)
    )
    assert len(frames.result_table(none).to_frame()) == 0


def test_parquet_gives_the_frame_back(tmp_path: Path) -> None:
    written, _ = frames.write_tables(RESULTS, tmp_path)
    table = parquet.read_table(written)
    assert table.schema.metadata[b"subsetopt.schema"] == str(SCHEMA).encode()
    assert str(table.schema.field("indices").type).startswith("list<")
    assert str(table.schema.field("peak_bytes").type) == "int64"
    assert table.column("indices").to_pylist() == [[0, 3], [1, 2], None]
    assert table.column("seconds").to_pylist() == [[0.25, 0.125, 1.0], [0.5], []]
    frame = frames.result_table(RESULTS).to_frame()
    plain = [c.key for c in frames.COLUMNS if not c.dtype.startswith("list")]
    pd.testing.assert_frame_equal(pd.read_parquet(written)[plain], frame[plain])


def test_csv_gives_the_frame_back(tmp_path: Path) -> None:
    _, written = frames.write_tables(RESULTS, tmp_path)
    dtypes: dict[str, Any] = {
        column.key: "string" if column.dtype.startswith("list") else column.dtype
        for column in frames.COLUMNS
    }
    read = pd.read_csv(written, dtype=dtypes, keep_default_na=False, na_values={"indices": [""]})
    assert list(read.columns) == [column.key for column in frames.COLUMNS]
    assert json.loads(read["indices"][0]) == [0, 3]
    assert read["indices"][2] is pd.NA
    assert json.loads(read["seconds"][1]) == [0.5]
    assert read["message"][0] == FULL.message


def test_no_cell_of_the_csv_is_a_formula(tmp_path: Path) -> None:
    rows = tuple(replace(row, message="=1+1; @b") for row in RESULTS.rows)
    written = frames.write_tables(replace(RESULTS, rows=rows), tmp_path)
    assert set(pd.read_csv(written[1])["message"]) == {"'=1+1; @b"}
    assert set(pd.read_parquet(written[0])["message"]) == {"=1+1; @b"}


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    assert [path.name for path in frames.write_tables(RESULTS, tmp_path)] == [
        "rows.parquet",
        "rows.csv",
    ]
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(FileNotFoundError):
        frames.write_tables(RESULTS, tmp_path / "none")


@pytest.mark.parametrize("missing", ["pandas", "pyarrow"])
def test_a_missing_package_is_told_with_the_fix(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = _dependencies._findable
    monkeypatch.setattr(_dependencies, "_findable", lambda name: name != missing and real(name))
    with pytest.raises(MissingDependency, match=rf"{missing} is not.*subsetopt\[bench\]"):
        frames.write_tables(RESULTS, tmp_path)
    assert not list(tmp_path.iterdir())
