"""Pictures and pages of chosen rows."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import subsetopt as so
from subsetopt.tables import RowSelection, select_rows

pytest.importorskip("matplotlib")

rng = np.random.default_rng(0)
TABLE = pa.table(
    {
        "id": [f"<r{i}>" for i in range(60)],
        "x & y": rng.normal(size=60),
        "when": pa.array(range(19000, 19060), pa.date32()),
        "group": ["north", "<b>", "east", "west"] * 15,
    }
)


@pytest.fixture(scope="module")
def few() -> RowSelection:
    return select_rows(TABLE, 8, exactly={"group": 2}, time_limit=0.05)


def test_a_page_needs_nothing_else(few: RowSelection, tmp_path: Path) -> None:
    few.plot(tmp_path / "few.html")
    page = (tmp_path / "few.html").read_text()
    assert page.count("<svg") == 3
    assert not re.search(r'(?:href|src)="(?!#)', page)
    assert "<b>" not in page.replace("<b></b>", "")
    for text in ("8 of 60 rows", "x &amp; y", "2022-0", "&lt;r", "&lt;b&gt;", "random rows"):
        assert text in page
    assert [path.name for path in tmp_path.iterdir()] == ["few.html"]


def test_a_picture_shows_rows_and_columns(few: RowSelection, tmp_path: Path) -> None:
    titles = [axes.get_title(loc="left") for axes in few.plot().axes]
    assert titles[0] == "The rows"
    assert set(titles[1:]) == {"x & y", "when", "group"}
    few.plot(tmp_path / "few.png")
    assert (tmp_path / "few.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(so.InvalidOption, match=r"known are \.svg, \.png, \.pdf"):
        few.plot(tmp_path / "few.gif")


def test_two_numbers_are_the_axes_and_a_target_is_drawn() -> None:
    from matplotlib.figure import Figure

    table = pa.table({"x": rng.normal(size=30), "y": 5 + rng.normal(size=30)})
    few = select_rows(table, 4, target=table.slice(0, 10), time_limit=0.05)
    axes = Figure().add_subplot()
    assert few.plot(axes=axes) is axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "y")
    drawn = {str(line.get_label()): len(line.get_xydata()) for line in axes.lines}
    assert drawn == {"all rows": 30, "target": 10, "chosen": 4}
    assert axes.lines[2].get_xydata() == pytest.approx(
        np.column_stack([table["x"].to_numpy(), table["y"].to_numpy()])[few.indices]
    )
