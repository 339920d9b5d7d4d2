"""Output of solutions as text, with random subsets as baseline."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import subsetopt
from subsetopt import report
from subsetopt.report._number_format import distance

if TYPE_CHECKING:
    from pathlib import Path

    from subsetopt._baseline import UniformBaseline
    from subsetopt._marginals import Marginal
    from subsetopt.solution import Solution, Stats

_WARMUP = 0.2  # seconds of warm-up that are worth a word
_USELESS = 0.999  # relative gap from which on a bound says nothing
_SHOWN = 20  # indices; more are shortened to their two ends
_COLUMNS = 12  # of features; of more, those where the chosen are least alike


def show_solution(
    solution: "Solution",
    baseline: "UniformBaseline",
    own: Mapping[str, str],
    ids: Sequence[str] | None = None,
) -> None:
    """Print a solution with the uniform baseline.

    `own` holds a command's own lines: before the others, or in place of one of them. `ids` are
    those of the chosen rows.
    """
    lines = _lines(solution, baseline)
    if ids is not None:
        lines["ids"] = shortened(ids, "--json lists all")
    first = {label: text for label, text in own.items() if label not in lines}
    shown = {label: text for label, text in {**first, **lines, **own}.items() if text}
    chosen = 0 if solution.indices is None else solution.indices.size
    report.console().print(report.facts(shown, f"{solution.solver}: {chosen} of {solution.n}"))


def _marginal_columns(others: str) -> "tuple[report.Column[Marginal], ...]":
    return (
        report.Column("column", "name"),
        report.Column(others, "mean", ".4g", group="mean of"),
        report.Column("chosen", "chosen_mean", ".4g", group="mean of"),
        report.Column("chosen", "shift", ".2f", group="shift"),
        report.Column("random", "random_shift", ".2f", group="shift"),
        report.Column("chosen", "ks", ".3f", group="KS distance"),
        report.Column("random", "random_ks", ".3f", group="KS distance"),
    )


def show_marginals(
    marginals: "Sequence[Marginal]", others: str = "all", sample: int | None = None
) -> None:
    """Print the columns of chosen and of other rows, with random selections as baseline.

    `sample` is how many of the other rows distribution functions are of, where not of all.
    """
    rows = list(subsetopt._marginals.worst(marginals, _COLUMNS))
    notes = ["shift: of the mean, in standard deviations; random: median of random selections"]
    if sample is not None:
        notes.append(f"KS distance: of the distribution functions of a sample of {sample:,} rows")
    if left_out := len(marginals) - len(rows):
        text = f"{left_out} columns with smaller KS distances are left out; --json has all"
        notes.insert(0, text)
    shown = report.console()
    shown.print(report.Table(_marginal_columns(others), rows))
    report.print_lines(notes, shown)


def show_written(files: "Mapping[str, Path | None]", other: str = "") -> None:
    """Print which files hold what was written, or `other` where the first was not asked for."""
    written = [f"{path} holds {thing}" for thing, path in files.items() if path is not None]
    if other and next(iter(files.values())) is None:
        written.append(other)
    if written:
        report.print_lines(["", *written], report.console())


def _lines(solution: "Solution", baseline: "UniformBaseline") -> dict[str, str]:
    return {
        "objective": _number(solution.objective),
        "random subsets": baseline.sentence(),
        **_bound_lines(solution),
        "termination": _ended(solution),
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


def _bound_lines(solution: "Solution") -> dict[str, str]:
    """Return what is known of the optimum, in words where it is nothing that helps."""
    absolute, relative = solution.absolute_gap, solution.gap
    if solution.bound is None or absolute is None:
        return {"bound": "none", "certificate": _certificate(solution)}
    if relative is not None and relative >= _USELESS:
        return {"bound": f"no useful one ({solution.bound!r})"}
    gap = f"{absolute:.3g}" + ("" if relative is None else f" ({distance(relative)})")
    return {"bound": repr(solution.bound), "gap": gap, "certificate": _certificate(solution)}


def _ended(solution: "Solution") -> str:
    """Say why it stopped: a search that has done what it is made to do has finished."""
    if solution.termination is subsetopt.Termination.ITERATION_LIMIT:
        return "finished: the steps that it is given are done"
    return str(solution.termination).replace("_", " ")


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
