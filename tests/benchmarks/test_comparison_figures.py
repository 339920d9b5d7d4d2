import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from subsetopt.benchmarks.analysis._comparison import compare
from subsetopt.benchmarks.reporting import _comparison_figures as figures
from subsetopt.benchmarks.results import Results, Row
from subsetopt.errors import InvalidOption
from subsetopt.report import Figure, _figure_axes, _number_format, styles
from subsetopt.report._figure_axes import spread

pytest.importorskip("matplotlib")

SVG = "{http://www.w3.org/2000/svg}"
DRAWN: dict[str, Callable[[Sequence[Row]], Figure]] = {
    "profile": figures.performance_profile,
    "reaching": lambda rows: figures.time_to_target(rows, level="best"),
    "anytime": figures.objective_against_time,
    "scaling": figures.time_against_size,
    "heat": figures.heat_map,
}


def texts(svg: str) -> list[str]:
    return [
        "".join(node.itertext()).strip() for node in ElementTree.fromstring(svg).iter(f"{SVG}text")
    ]


def family(results: Results, name: str) -> list[Row]:
    return [row for row in results.rows if row.family == name]


@pytest.fixture
def edges(planted_results: Callable[..., Results]) -> dict[str, list[Row]]:
    rows = family(planted_results(families=("mmd",)), "mmd")
    names = [f"solver-{i}" for i in range(15)]
    return {
        "one": [rows[0]],
        "unanswered": [
            replace(r, objective=None, seconds=(), overhead_seconds=None, failure="killed")
            for r in rows
        ],
        "equal": [replace(r, seconds=(0.5,), objective=2.0) for r in rows],
        "zeros": [replace(r, family="mean-matching", objective=0.0) for r in rows],
        "fifteen": [replace(rows[i % 6], solver=name) for i, name in enumerate(names)],
        "long name": [replace(r, solver=f"{r.solver}({'x=1, ' * 20})") for r in rows],
        "best is 0": [replace(r, objective=0.0) for r in rows],
        "odd names": [replace(r, solver=f"<{r.solver}> & $x_1^2$") for r in rows],
    }


EDGES = ["one", "unanswered", "equal", "zeros", "fifteen", "long name", "best is 0", "odd names"]


@pytest.mark.parametrize("edge", EDGES)
def test_every_figure_of_every_edge(edges: dict[str, list[Row]], edge: str) -> None:
    for name, draw in DRAWN.items():
        svg = draw(edges[edge]).to_svg()
        shown = texts(svg)
        assert shown, name
        assert not any("nan" in text.split() or "inf" in text.split() for text in shown), name
        if edge in ("fifteen", "odd names"):
            solvers = {row.solver for row in edges[edge]}
            assert solvers <= set(shown), name


def test_the_page_of_all_families(planted_results: Callable[..., Results]) -> None:
    results = planted_results(sizes=(128, 512))
    shown = texts(figures.heat_map(results.rows).to_svg())
    assert {"mean-matching", "mmd", "quadratic", "scip", "within 1 % of the best"} <= set(shown)
    title = "Performance profile: answers good by the measure of their family"
    profile = figures.performance_profile(results.rows)
    assert (profile.title, profile.draw().get_label()) == (title, title)


def test_comparisons(planted_results: Callable[..., Results]) -> None:
    a = planted_results(solvers=("random", "swap"), families=("mmd", "quadratic"))
    rows = [replace(r, seconds=tuple(2 * s for s in r.seconds)) for r in a.rows]
    shown = texts(figures.comparison(compare(a, replace(a, rows=tuple(rows)))).to_svg())
    assert any(text.startswith("2 times as slow") for text in shown)
    few = replace(a, rows=a.rows[:3])
    assert "too few pairs (3)" in texts(figures.comparison(compare(few, few)).to_svg())
    none = replace(a, rows=())
    nothing = texts(figures.comparison(compare(none, a)).to_svg())
    assert "there is nothing in common to compare" in nothing


def test_labels_of_lines_never_overlap() -> None:
    rng = np.random.default_rng(0)
    for count in (1, 2, 15, 20):
        for wanted in (np.zeros(count), np.sort(rng.uniform(0, 340, count))[::-1]):
            found = spread(wanted, 17, 0.0, 340.0)
            assert (np.diff(found) <= -17 + 1e-9).all()
            assert found[0] <= 340
            assert found[-1] >= -1e-9
    assert spread(np.array([300.0, 200.0]), 17, 0.0, 340.0).tolist() == [300.0, 200.0]
    assert spread(np.array([100.0, 100.0]), 20, 0.0, 340.0).tolist() == [110.0, 90.0]


def test_styles_are_distinct_and_stable() -> None:
    names = [f"s{i}" for i in range(28)]
    assert len(set(styles(names).values())) == 28
    assert len({(s.colour, s.dash) for s in styles(names).values()}) == 28
    assert len({(s.colour, s.marker) for s in styles(names).values()}) == 28
    assert styles(names[:3]) == {n: styles(names)[n] for n in names[:3]}


def test_one_solver_looks_alike_in_all_figures(planted_results: Callable[..., Results]) -> None:
    rows = family(planted_results(families=("mmd",)), "mmd")
    style = styles(["other", *dict.fromkeys(row.solver for row in rows)])
    for figure in (
        figures.performance_profile(rows, style),
        figures.objective_against_time(rows, style),
        figures.time_against_size(rows, style),
    ):
        svg = figure.to_svg()
        assert style["scip"].colour in svg
        assert style["other"].colour not in svg


def test_svg_is_one_element_with_names_and_rules_of_its_own(
    planted_results: Callable[..., Results],
) -> None:
    rows = family(planted_results(families=("mmd",)), "mmd")
    first, second = (DRAWN[name](rows).to_svg() for name in ("profile", "scaling"))
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (first, second)]
    assert not ids[0] & ids[1]
    for svg, own in zip((first, second), ids, strict=True):
        root = ElementTree.fromstring(svg)
        assert root.tag == f"{SVG}svg"
        assert root.get("width") == "900"
        assert root.get("role") == "img"
        used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
        assert used
        assert used <= own
        rules = re.findall(r"<style[^>]*>(.*?)</style>", svg, flags=re.DOTALL)
        assert rules
        assert all(rule.strip().startswith(f"#{root.get('id')} ") for rule in rules)
        assert "DejaVu" not in svg
        assert "system-ui" in svg
        assert "<metadata" not in svg


def test_equal_figures_make_equal_files(
    planted_results: Callable[..., Results], tmp_path: Path
) -> None:
    import matplotlib as mpl

    rows = family(planted_results(families=("mmd",)), "mmd")
    before = dict(mpl.rcParams)
    for suffix in ("svg", "png"):
        for name in ("a", "b"):
            DRAWN["anytime"](rows).save(tmp_path / f"{name}.{suffix}")
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    with mpl.rc_context({"lines.linewidth": 9, "axes.facecolor": "red", "font.size": 30}):
        DRAWN["anytime"](rows).save(tmp_path / "c.svg")
    assert (tmp_path / "c.svg").read_bytes() == (tmp_path / "a.svg").read_bytes()
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["a.svg", "b.svg", "c.svg", "a.png", "b.png"]
    )
    assert dict(mpl.rcParams) == before


def test_other_suffixes_are_refused(
    planted_results: Callable[..., Results], tmp_path: Path
) -> None:
    figure = DRAWN["heat"](planted_results().rows[:1])
    with pytest.raises(InvalidOption, match=r"known are \.svg, \.png, \.pdf"):
        figure.save(tmp_path / "figure.gif")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1 s"),
        (2e-3, "2 ms"),
        (1e-6, "1 µs"),
        (5e-9, "5 ns"),
        (300.0, "300 s"),
        (1e6, "10⁶ s"),
    ],
)
def test_seconds(value: float, text: str) -> None:
    assert _number_format.round_seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.02, "2 %"), (1e-5, "0.001 %"), (1e-8, "10⁻⁶ %"), (2e-8, "2·10⁻⁶ %")]
)
def test_percent(value: float, text: str) -> None:
    assert _number_format.round_percent(value) == text


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.9, 11, [1, 1.5, 2, 3, 4, 5, 6, 8, 10]),
        (0.9, 500, [1, 2, 5, 10, 20, 50, 100, 200, 500]),
        (1e-6, 1e1, [10.0**p for p in range(-6, 2)]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert _figure_axes.log_ticks(low, high) == pytest.approx(expected)
    assert len(_figure_axes.log_ticks(1e-30, 1e30)) <= _figure_axes.MOST


def test_no_window_and_no_global_state() -> None:
    code = (
        "import sys\nfrom subsetopt.benchmarks.reporting._comparison_figures import heat_map\n"
        "assert 'matplotlib' not in sys.modules\n"
        "heat_map([]).to_svg()\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    done: Any = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
