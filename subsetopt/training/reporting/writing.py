"""The folder of a report: Markdown, JSON, and the figures as SVG and PNG."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from subsetopt._dependencies import OptionalDependency
from subsetopt._files import replacing
from subsetopt.report.figure_style import Style
from subsetopt.training.analysis import Analysis, Family, Judged

from . import plots
from .findings import where
from .markdown import to_markdown
from .plain import to_dict
from .plots.courses import NAMES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MATPLOTLIB = OptionalDependency("matplotlib", "matplotlib", extra="train")


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure, not yet drawn.

    Parameters
    ----------
    name : str
        Of its files, without the suffix.
    title : str
    family : int
        The number of its family.
    draw : callable
    """

    name: str
    title: str
    family: int
    draw: "Callable[[], Figure]"


def write_report(
    analysis: Analysis,
    out: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Write ``report.md``, ``report.json`` and each figure as SVG and PNG.

    Parameters
    ----------
    analysis : Analysis
    out : Path
        Made if it is not there.
    progress : callable
        Called with the figures drawn and all of them.

    Returns
    -------
    Path
        Of the Markdown.

    Raises
    ------
    MissingDependency
        Without matplotlib.
    OSError
        If something cannot be written.
    """
    MATPLOTLIB.load()
    out.mkdir(parents=True, exist_ok=True)
    wanted, links = list(drawings(analysis)), dict[int, dict[str, str]]()
    for number, drawing in enumerate(wanted):
        progress(number, len(wanted))
        drawn = drawing.draw()
        for suffix in ("svg", "png"):
            plots.save(drawn, out / f"{drawing.name}.{suffix}")
        links.setdefault(drawing.family, {})[drawing.title] = f"{drawing.name}.svg"
    _write(out / "report.json", json.dumps(to_dict(analysis), indent=1, allow_nan=False) + "\n")
    _write(out / "report.md", to_markdown(analysis, links))
    return out / "report.md"


def drawings(analysis: Analysis) -> Iterator[Drawing]:
    """Yield all figures of an analysis; a rule looks alike in all of them."""
    style = plots.styles(analysis.rules)
    for number, family in enumerate(analysis.families):
        end = f"{number}-{_safe(family.task)}"
        if any(group.budget < 1 for group in family.groups):
            yield from _of_budgets(family, number, end, style)
        for group in family.groups:
            if len(group.lines) > 1:
                yield from _of_group(family, group, number, end, style)


def _of_budgets(
    family: Family, number: int, end: str, style: dict[str, Style]
) -> Iterator[Drawing]:
    for name, effective in (("budget", False), ("cost", True)):
        yield Drawing(
            name=f"{name}-{end}",
            title=f"{family.metric} against {'cost' if effective else 'budget'}: {family.task}",
            family=number,
            draw=partial(plots.against_budget, family, style, effective),
        )


def _of_group(
    family: Family, group: Judged, number: int, end: str, style: dict[str, Style]
) -> Iterator[Drawing]:
    what, end = f"{family.task}, {where(group)}", f"{end}-{_named(group)}"
    found: dict[str, tuple[str, Callable[[], Figure]]] = {}
    if group.baseline is not None:
        found["difference"] = ("differences", partial(plots.differences, family, group))
    for axis, (short, _) in NAMES.items():
        found[axis] = (
            f"{family.metric} against {short}",
            partial(plots.against_time, family, group, axis, style),
        )
    found["parts"] = ("where the time goes", partial(plots.where_seconds_go, family, group))
    found["entropy"] = (
        f"{family.metric} against entropy",
        partial(plots.against_entropy, family, group, style),
    )
    for name, (title, draw) in found.items():
        yield Drawing(name=f"{name}-{end}", title=f"{title}: {what}", family=number, draw=draw)


def _named(group: Judged) -> str:
    return f"{group.budget:g}" if group.cost is None else f"cost-{group.cost:.3g}"


def _safe(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in text)


def _write(path: Path, text: str) -> None:
    with replacing(path) as stream:
        stream.write(text.encode())
