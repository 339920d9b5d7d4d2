"""Answers for people: what was found, what is known about it, and what chance achieves."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from subsetopt.report.number_format import distance
from subsetopt.report.terminal import console

if TYPE_CHECKING:
    from subsetopt._marginals import Marginal
    from subsetopt.solution import Solution, Stats

    from .yardstick import Yardstick

_WARMUP = 0.2  # seconds of warm-up that are worth a word
_SHOWN = 20  # indices; more are shortened to their two ends
_COLUMNS = 12  # of features; of more, those where the chosen are least alike


def show_solution(
    solution: "Solution",
    yardstick: "Yardstick",
    own: Mapping[str, str],
    ids: Sequence[str] | None = None,
) -> None:
    """Print a solution with the uniform baseline.

    `own` holds a command's own lines: before the others, or in place of one of them. `ids` are
    those of the chosen rows.
    """
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    lines = _lines(solution, yardstick)
    if ids is not None:
        lines["ids"] = shortened(ids, "--json lists all")
    first = {label: text for label, text in own.items() if label not in lines}
    for label, text in {**first, **lines, **own}.items():
        if text:
            table.add_row(label, text)
    chosen = 0 if solution.indices is None else solution.indices.size
    console().print(Panel.fit(table, title=Text(f"{solution.solver}: {chosen} of {solution.n}")))


def show_marginals(marginals: "Sequence[Marginal]") -> None:
    """Print the columns of chosen and of all rows, with random selections as baseline."""
    from subsetopt._marginals import worst

    rows = list(worst(marginals, _COLUMNS))
    table = Table(box=None, padding=(0, 1), pad_edge=True)
    table.add_column("column", overflow="fold")
    for heading in ("mean of all", "of chosen", "shift", "random", "KS distance", "random"):
        table.add_column(heading, justify="right")
    for row in rows:
        means, shifts = (row.mean, row.chosen_mean), (row.shift, row.random_shift)
        distances = (row.ks, row.random_ks)
        cells = [f"{mean:.4g}" for mean in means]
        cells += [f"{value:.2f}" for value in shifts] + [f"{value:.3f}" for value in distances]
        table.add_row(row.name, *cells)
    shown = console()
    shown.print(table)
    left_out = len(marginals) - len(rows)
    if left_out:
        shown.print(f" {left_out} columns with smaller KS distances are left out; --json has all")
    shown.print(" shift: of the mean, in standard deviations; random: median of random selections")


def _lines(solution: "Solution", yardstick: "Yardstick") -> dict[str, str]:
    return {
        "objective": _number(solution.objective),
        "bound": _number(solution.bound),
        "gap": _gap(solution),
        "termination": str(solution.termination),
        "certificate": _certificate(solution),
        "random subsets": yardstick.sentence(),
        "seconds": _seconds(solution.stats),
        "solver": f"{solution.solver} {solution.version}",
        "message": solution.message,
        "indices": _indices(solution),
    }


def _seconds(stats: "Stats") -> str:
    text = f"build {stats.build_seconds:.3g}, solve {stats.solve_seconds:.3g}, "
    text += f"total {stats.total_seconds:.3g}"
    if stats.warmup_seconds > _WARMUP:
        text += f"; {stats.warmup_seconds:.3g} before, to load and compile"
    return text


def _number(value: float | None) -> str:
    return "none" if value is None else repr(value)


def _gap(solution: "Solution") -> str:
    absolute, relative = solution.absolute_gap, solution.gap
    if absolute is None:
        return "unknown"
    return f"{absolute:.3g}" + ("" if relative is None else f" ({distance(relative)})")


def _certificate(solution: "Solution") -> str:
    certificate = solution.certificate
    eps = "" if certificate.eps is None else f", eps {certificate.eps:.3g}"
    reason = f" ({certificate.reason})" if certificate.reason else ""
    return f"{certificate.kind}{eps}{reason}"


def _indices(solution: "Solution") -> str:
    if solution.indices is None:
        return "none"
    return (
        shortened(solution.indices.tolist(), "--out FILE writes all") or "none: the empty selection"
    )


def shortened(items: Sequence[object], rest: str) -> str:
    """Return a list in a line, its middle left out where it is long, with a word on the rest."""
    if len(items) <= _SHOWN:
        return " ".join(map(_shown, items))
    half = _SHOWN // 2
    ends = [*map(_shown, items[:half]), "...", *map(_shown, items[-half:])]
    return f"{' '.join(ends)}  ({len(items)} of them; {rest})"


def _shown(item: object) -> str:
    """Return a name so that it neither ends early nor is obeyed by a terminal."""
    text = str(item)
    return text if text.isprintable() and " " not in text and text else repr(text)
