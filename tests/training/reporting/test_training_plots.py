from collections.abc import Sequence
from math import nan
from pathlib import Path
from xml.etree import ElementTree

import pytest

from subsetopt.report import styles
from subsetopt.training.analysis import analyse, at_seconds
from subsetopt.training.reporting import _analysis_figures, document, write_report
from subsetopt.training.run_result import Result

from ..analysis.made_up import (  # type: ignore[misc, import-not-found]  # noqa: TID252
    made,
    made_one,
)

pytest.importorskip("matplotlib")

TEXT = "{http://www.w3.org/2000/svg}text"
LIKE_EPOCHS = ("passes", "seconds")


def texts(svg: str) -> list[str]:
    return ["".join(node.itertext()).strip() for node in ElementTree.fromstring(svg).iter(TEXT)]


def drawn(results: Sequence[Result], seconds: float | None = None) -> dict[str, list[str]]:
    analysis = analyse(results) if seconds is None else at_seconds(results, seconds)
    wanted = [d for d in document(analysis).pictures if not d.name.startswith(LIKE_EPOCHS)]
    return {d.name: texts(d.figure().to_svg()) for d in wanted}


def test_eleven_rules_stay_apart() -> None:
    assert len(document(analyse(made())).pictures) == 2 + 3 * 6
    results = made(budgets=(0.1,))
    rules = {result.run.rule for result in results}
    found = drawn(results)
    for name, shown in found.items():
        others = {"uniform"} if name.startswith(("parts", "difference")) else set()
        assert rules - others <= set(shown), name
    style = styles(analyse(made()).rules).values()
    assert len({(s.colour, s.marker) for s in style}) == len(rules)


def test_figures_of_every_edge() -> None:
    lost = [made_one(rule, seed, nan) for rule in ("uniform", "mink") for seed in range(3)]
    one = [made_one(rule, 0, 0.9) for rule in ("uniform", "mink")]
    bare = [made_one("uniform", 0, 0.9, budget=1.0), made_one("mink", 0, 0.9, budget=1.0)]
    few = [made_one("uniform", 0, 0.9), made_one("mink", 1, 0.8)]
    odd = [made_one(f"<{rule}> & $x_1$", 0, 0.9) for rule in "ab"]
    for results in (lost, one, bare, few, odd):
        for name, shown in drawn(results).items():
            assert shown, name
            assert not any("nan" in text.split() for text in shown), name
    assert drawn(one, seconds=0.01)
    assert drawn([]) == {}


def test_losses_read_the_other_way_round() -> None:
    (result,) = analyse(made(rules=("uniform", "mink"), metric="loss", better="lower")).tasks
    shown = texts(_analysis_figures.differences(result, result.groups[0]).to_svg())
    assert {"← better", "worse →", "difference in loss"} <= set(shown)
    (result,) = analyse(made(rules=("uniform", "mink"))).tasks
    shown = texts(_analysis_figures.differences(result, result.groups[0]).to_svg())
    assert {"← worse", "better →", "difference in accuracy, percentage points"} <= set(shown)


def test_a_report_is_a_folder(tmp_path: Path) -> None:
    results = made(rules=("uniform", "mink"), budgets=(0.1,))
    seen: list[tuple[int, int]] = []
    page = write_report(analyse(results), tmp_path / "new", lambda a, b: seen.append((a, b)))
    text = page.read_text()
    figures = sorted(page.parent.glob("*.svg"))
    assert len(figures) == len(seen) == 2 + 6
    assert seen[-1] == (7, 8)
    for figure in figures:
        assert f"({figure.name})" in text
        ElementTree.parse(figure)
        assert figure.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert (page.parent / "report.json").is_file()
    shown = (page.parent / "report.html").read_text()
    assert shown.count("<svg") == len(figures)
    assert "Training under a budget" in shown
