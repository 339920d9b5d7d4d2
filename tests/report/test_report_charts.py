from math import inf, nan
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidOption, MissingDependency
from subsetopt.report import (
    Axis,
    Bars,
    Chart,
    Forest,
    Interval,
    Matrix,
    PairedBars,
    Panels,
    Scatter,
    Series,
    Shade,
    Strip,
    _figure,
)
from subsetopt.report._figure import OneAxes, text_width
from subsetopt.report._figure_axes import around, extent
from subsetopt.report._name_fitting import fitting_apart

pytest.importorskip("matplotlib")

LOG = Axis(scale="log", reach=(1, 100), label="time")
SERIES = (
    Series(name="swap", x=[1, 10, 100], y=[0.1, nan, 0.9], line="steps", note="90 %"),
    Series(name="<tabu> & $x$", x=[1, 9], y=[0.2, 0.4], marks="filled", low=[0.1, 0.3],
           high=[0.3, inf]),
    Series(name="nothing", x=[], y=[], bold=True),
    Series(name="band", x=[1, 50], y=[0.5, 0.6], low=[0.4, 0.5], high=[0.6, 0.7]),
)  # fmt: skip
FIGURES: dict[str, Any] = {
    "chart": Chart(title="A chart", about="how", series=SERIES, x=LOG, y=Axis(scale="share")),
    "empty": Chart(title="A chart", series=(), empty="there is nothing"),
    "forest": Forest(
        title="A forest",
        rows=[
            Interval(name="swap", value=1.0, low=0.5, high=9.0, note="better", kind="good"),
            Interval(name="tabu", value=None, note="lost", kind="bad", is_part=True),
        ],
        x=Axis(reach=(0.4, 2.5)),
        zero=1.0,
        sides=("worse", "better"),
    ),
    "bars": Bars(title="Bars", rows={"swap": {"a": 1.0, "b": 2.0}}, colours={"a": "#111111",
                 "b": "#222222"}, notes={"swap": "3 s"}, label="seconds"),
    "matrix": Matrix(title="Matrix", rows=["swap", "tabu"], columns={"mmd": "within 1 %"},
                     cells={("swap", "mmd"): Shade(0.5, "50 %", "1 s")}),
}  # fmt: skip
FIGURES["strip"] = Chart(
    title="Over time",
    series=[Series(name="losses", x=[0, 86400], y=[nan, 1.0])],
    x=Axis(scale="time", reach=(0.0, 2 * 86400.0), label="time, UTC"),
    strip=Strip(edges=[0, 86400, 2 * 86400], shares=[nan, 0.15], label="unknown"),
)
FIGURES["panels"] = Panels(
    title="Side by side",
    about="means",
    charts=[
        Chart(title="one", series=SERIES[:1], x=LOG),
        Chart(title="two", series=SERIES[1:2], x=LOG),
        Chart(title="three", series=SERIES[3:], x=LOG),
    ],
)
PAIRS = {"all": {"north": 0.75, "a <b>": 0.25}, "chosen": {"north": 0.7, "a <b>": 0.3}}
FIGURES["scatter"] = Scatter(
    title="A plane", points={"all": np.eye(2), "chosen": np.eye(2)[:1]}, x=Axis("first")
)
FIGURES["pairs"] = PairedBars(title="Shares", shares=PAIRS)
FIGURES["lead"] = Panels(
    title="A sheet", lead=FIGURES["scatter"], charts=[FIGURES["pairs"]], width=600, foot=40,
)  # fmt: skip
SHOWN = {
    "scatter": {"A plane", "first", "all", "chosen"},
    "pairs": {"Shares", "north", "a <b>", "75 / 70", "25 / 30", "all", "chosen"},
    "lead": {"A sheet", "A plane", "Shares", "north", "75 / 70", "chosen"},
    "panels": {"Side by side", "means", "one", "two", "three", "swap", "<tabu> & $x$", "band"},
    "strip": {"Over time", "losses", "time, UTC", "unknown", "20 %", "12:00"},
    "chart": {"A chart", "how", "swap", "90 %", "<tabu> & $x$", "nothing", "time", "100 %", "10"},
    "empty": {"A chart", "there is nothing"},
    "forest": {"A forest", "swap", "better", "lost", "← worse", "better →"},
    "bars": {"Bars", "swap", "3 s", "seconds", "a", "b"},
    "matrix": {"Matrix", "swap", "mmd", "within 1 %", "50 %", "1 s", "–"},
}


@pytest.mark.parametrize("name", FIGURES)
def test_what_a_figure_shows(name: str) -> None:
    svg = FIGURES[name].to_svg()
    nodes = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    shown = {"".join(node.itertext()).strip() for node in nodes}
    assert SHOWN[name] <= shown
    assert not any("nan" in text.split() for text in shown)


def test_figures_on_axes_of_a_caller() -> None:
    from matplotlib.figure import Figure as Drawn

    axes = Drawn().add_subplot()
    figure = FIGURES["scatter"]
    assert isinstance(figure, OneAxes)
    assert figure.on(axes) is axes
    assert axes.get_title() == "A plane"
    legend = axes.get_legend()
    assert legend is not None
    assert [one.get_text() for one in legend.get_texts()] == ["all", "chosen"]
    with pytest.raises(InvalidOption, match="a path or axes, not both"):
        figure.on(axes, "plane.svg")


def test_narrow_figures_have_as_many_dots_as_wide_ones(tmp_path: Path) -> None:
    for name in ("chart", "lead"):
        FIGURES[name].save(tmp_path / f"{name}.png")
        width = int.from_bytes((tmp_path / f"{name}.png").read_bytes()[16:20], "big")
        assert width >= 900


def test_equal_figures_make_equal_files(tmp_path: Path) -> None:
    for suffix in ("svg", "png", "pdf"):
        for name in ("a", "b"):
            FIGURES["bars"].save(tmp_path / f"{name}.{suffix}")
        first, second = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in "ab")
        assert first == second


def test_where_a_series_ends() -> None:
    figure = Chart(title="", series=(), x=LOG, y=Axis(reach=(0.0, 2.0))).draw()
    (axes,) = figure.axes
    assert Series(name="a", x=[1, 2], y=[5.0, 0.5]).ending(axes) == pytest.approx(0.25)
    assert Series(name="a", x=[1, 2], y=[0.5, nan]).ending(axes) == pytest.approx(0.25)
    assert Series(name="a", x=[1], y=[1], end=9.0).ending(axes) == 1.0
    assert Series(name="a", x=[], y=[]).ending(axes) is None


def test_limits() -> None:
    assert extent([nan, 0.0, inf]) == (0.1, 10.0)
    assert extent([1.0, 100.0], 2.0) == (0.5, 200.0)
    assert around([0.0, 1.0, inf], 0.5) == (-0.5, 1.5)
    low, high = around([3.0])
    assert low < 3.0 < high


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        _figure, "MATPLOTLIB", OptionalDependency("matplotlib", "no_such", extra="bench")
    )
    with pytest.raises(MissingDependency, match="matplotlib is not installed"):
        FIGURES["chart"].draw()


def test_titles_of_panels_end_where_their_panel_does() -> None:
    """Column names of 48 characters ran into the title of the next panel."""
    charts = [Chart(title="W" * 47 + "7", series=SERIES), Chart(title="short", series=SERIES)]
    figure = Panels(title="Two", charts=charts).draw()
    figure.canvas.draw()
    one, other = figure.axes[:2]
    head: Any = one
    long, short = (axes.get_title(loc="left") for axes in (one, other))
    assert "W…W" in long
    assert long.endswith("7")
    assert short == "short"
    assert head._left_title.get_window_extent().x1 < other.get_window_extent().x0


@pytest.mark.parametrize(("levels", "note"), [(4, "22.5 / 17.5"), (10, "22 / 18")])
def test_shares_of_few_categories_have_a_decimal(levels: int, note: str) -> None:
    shares = {f"{level}": 0.0 for level in range(levels)}
    bars = PairedBars(
        title="Shares", shares={"all": shares | {"0": 0.225}, "chosen": shares | {"0": 0.175}}
    )
    assert note in [text.get_text() for text in bars.draw().axes[0].texts]


LONG = [
    f"the mean temperature of {month} in degrees Celsius" for month in ("January", "July", "May")
]


@pytest.mark.parametrize(
    ("names", "width", "parts"),
    [
        (LONG, 160, ["January", "July", "May"]),
        ([f"a rather long label of kind {i}" for i in range(3)], 80, ["0", "1", "2"]),
        ([f"{i} is what begins a rather long label" for i in range(3)], 80, ["0", "1", "2"]),
        (["same " * 9, "same " * 9, "short"], 80, ["sa", "sa", "short"]),
        (["x", "y"], 80, ["x", "y"]),
    ],
)
def test_names_that_are_shortened_stay_apart(
    names: list[str], width: float, parts: list[str]
) -> None:
    shown = fitting_apart(names, 10, width)
    assert all(text_width(text, 10) <= width for text in shown)
    assert all(part in text for part, text in zip(parts, shown, strict=True))
    assert len(set(shown)) == len(set(names))


def test_labels_of_bars_end_where_the_panel_on_their_left_does() -> None:
    levels = {f"a rather long label of kind {i}": 0.5 for i in range(2)}
    bars = PairedBars(title="bars", shares={"all": levels, "chosen": levels})
    figure = Panels(title="A sheet", charts=[bars, bars], width=620)
    left, right = figure.draw().axes
    room = 620 * (right.get_position().x0 - left.get_position().x1)
    for axes in (left, right):
        labels = [label.get_text() for label in axes.get_yticklabels()]
        assert len(set(labels)) == 2
        assert max(text_width(label, 9) for label in labels) < room
