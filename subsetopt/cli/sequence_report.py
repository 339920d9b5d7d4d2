"""Report of ``subsetopt sequence``: the sequence and its baselines."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from subsetopt import report, sequencing
from subsetopt.errors import InvalidOption
from subsetopt.problems._memory import in_units
from subsetopt.report import Column
from subsetopt.sequencing.measure import Balance, class_balance, random_mmd2, relative_area

from .problem_options import Tables, plain_tables, table_lines
from .standard_streams import say_json

if TYPE_CHECKING:
    from subsetopt.sequencing import Engine, MiniBatchSequence

    from .sequence_options import SequenceData, SequenceOptions

_EXPECTED = "random, on average"


@dataclass(frozen=True)
class Ordering:
    """An order, cut into batches, and its root MMD to what is left after each."""

    name: str
    order: NDArray[np.int64]
    boundaries: NDArray[np.int64]
    mmd: NDArray[np.float64]
    seconds: float

    @classmethod
    def of(cls, name: str, found: "MiniBatchSequence") -> "Ordering":
        """Take a sequence."""
        return cls(name, found.order, found.boundaries, found.mmd, found.total_seconds)

    @property
    def batches(self) -> list[NDArray[np.int64]]:
        """The indices of each batch."""
        return np.split(self.order, self.boundaries[1:-1])


def require_known(names: Sequence[str], precomputed: bool) -> None:
    """Raise now for a name of --compare that stands for nothing, or for nothing here."""
    from subsetopt.solvers import catalogue

    able = [name for name in catalogue.names() if "mmd" in catalogue.solver_class(name).handles]
    able = [*sequencing._selectors.SELECTORS, *able]
    for name in names:
        if name not in sequencing.baselines.BASELINES and name not in able:
            known = ", ".join(dict.fromkeys([*sequencing.baselines.BASELINES, *able]))
            raise InvalidOption(f"--compare names {name!r}; known are {known}")
        if name in sequencing.baselines.BASELINES and precomputed and name != "random":
            raise InvalidOption(f"--compare names {name}, which needs features, not a matrix")


def run(
    name: str,
    data: "SequenceData",
    engine: "Engine",
    method: "SequenceOptions",
    progress: Callable[[int, int], None],
) -> Ordering:
    """Return what a baseline or another solver makes of the same points."""
    if name not in sequencing.baselines.BASELINES:
        return Ordering.of(name, method.run(data.points, engine, progress, selector=name))
    start = perf_counter()
    order, boundaries = sequencing.baselines.unscored(name).order(
        data.points, method.batch_size, seed=method.seed, progress=progress
    )
    seconds = perf_counter() - start
    batches = sequencing.engines.batch_count_of(
        method.batches, engine.n, method.batch_size, method.drop_last
    )
    boundaries = boundaries[: batches + 1]
    order = order[: boundaries[-1]]
    left = np.where(boundaries[1:] < engine.n, engine.n - boundaries[1:], np.nan)
    mmd = np.sqrt(sequencing.mmd_to_whole(engine, order, boundaries).clip(min=0)) * engine.n / left
    return Ordering(name, order, boundaries, mmd, seconds)


@dataclass
class SequenceReport:
    """A sequence, and the rows of the table that it heads."""

    engine: "Engine"
    build_seconds: float
    provenance: dict[str, Any]
    random: NDArray[np.float64]
    found: list[Ordering] = field(default_factory=list)
    balances: list[Balance | None] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        found: "MiniBatchSequence",
        engine: "Engine",
        build_seconds: float,
        name: str,
        labels: "NDArray[Any] | None",
    ) -> "SequenceReport":
        """Begin with the sequence itself."""
        random = np.sqrt(random_mmd2(engine, found.boundaries))
        report = cls(engine, build_seconds, found.provenance, random)
        report.add(Ordering.of(name, found), labels)
        return report

    def add(self, found: Ordering, labels: "NDArray[Any] | None") -> None:
        """Add a row."""
        self.found.append(found)
        self.balances.append(None if labels is None else class_balance(found.batches, labels))

    def rows(self) -> list[dict[str, Any]]:
        """Return what is known of each, as JSON can hold it."""
        return [
            {
                "name": found.name,
                "mmd_mean": _mean(found.mmd),
                "mmd_last": _last(found.mmd),
                "relative_area": _plain(relative_area(found.mmd, self.random)),
                "seconds": found.seconds,
                "balance": None if balance is None else balance._asdict(),
                "mmd": [_plain(value) for value in found.mmd.tolist()],
            }
            for found, balance in zip(self.found, self.balances, strict=True)
        ]

    def plot(self, path: Path) -> None:
        """Draw all curves, and what random batches achieve on average."""
        chosen = self.found[0].boundaries[1:]
        curves = {_EXPECTED: sequencing._mmd_curves.Curve(chosen, self.random)}
        curves |= {
            found.name: sequencing._mmd_curves.Curve(found.boundaries[1:], found.mmd)
            for found in self.found
        }
        sequencing._mmd_curves.plot_curves(curves, path)

    def show(self, as_json: bool, tables: Tables) -> None:
        """Print it, and how the tables were read."""
        peak = peak_memory()
        own, *others = self.rows()
        if as_json:
            first = self.found[0]
            document = {
                **{key: own[key] for key in own if key != "name"},
                "batches": len(first.batches),
                "points": len(first.order),
                "build_seconds": self.build_seconds,
                "random_mmd": [_plain(value) for value in self.random.tolist()],
                "peak_bytes": peak,
                "compare": others,
                "left_out": self.left_out,
                "provenance": self.provenance,
                **plain_tables(tables),
            }
            say_json(document)
            return
        self._print([own, *others], peak, table_lines(tables))

    def _print(self, rows: list[dict[str, Any]], peak: int | None, read: dict[str, str]) -> None:
        first = self.found[0]
        about = {
            **read,
            "engine": self.engine.describe(),
            "kernel": str(self.provenance["kernel"]),
            "to build it": f"{self.build_seconds:.3g} seconds",
            "random batches": f"mean root MMD {_mean(self.random):.4g}, on average",
            "peak memory": "unknown" if peak is None else in_units(peak),
        }
        title = f"{first.name}: {len(first.order)} points in {len(first.batches)} batches"
        report.console().print(report.facts(about, title))
        columns: list[Column[dict[str, Any]]] = [
            Column("", "name"),
            Column("mean", "mmd_mean", ".4g", group="root MMD"),
            Column("last", "mmd_last", ".4g", group="root MMD"),
            Column("random = 1", "relative_area", ".4g", group="area,"),
            Column("seconds", "seconds", ".4g"),
        ]
        if self.balances[0] is not None:
            columns += [
                Column("mean", lambda x: x["balance"]["mean"], ".3f", group="class distance"),
                Column("worst", lambda x: x["balance"], _worst, group="class distance"),
            ]
        report.console().print(report.Table(columns, rows))


def _worst(balance: dict[str, Any]) -> str:
    return f"{balance['worst']:.3f} (batch {balance['worst_batch']})"


def _plain(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _mean(mmd: NDArray[np.float64]) -> float | None:
    whole = mmd[np.isfinite(mmd)]
    return float(whole.mean()) if whole.size else None


def _last(mmd: NDArray[np.float64]) -> float | None:
    whole = mmd[np.isfinite(mmd)]
    return float(whole[-1]) if whole.size else None


def peak_memory() -> int | None:
    """Return the most bytes that the process has held so far; None where that is not told."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most) * (1 if sys.platform == "darwin" else 1024)
