"""How runs are carried out, and how learning rates are tuned: options without torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from subsetopt._options import check, documented, option

if TYPE_CHECKING:
    from .run import Run

FOLDER = "runs"


@documented
@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where data come from, where results go, and how many runs there are at a time."""

    data: Path | None = option("Folder of the data sets.", None, unset="SUBSETOPT_DATA")
    download: bool = option("Download files that are missing from the data folder.", False)
    out: Path | None = option("Folder for results and, while runs train, checkpoints.", None)
    resume: bool = option("Resume from what the output folder holds.", False, needs="out")
    jobs: int | None = option(
        "Number of runs at a time.", None, ge=1, unset="one per processor; 1 on a GPU"
    )
    threads: int | None = option(
        "Number of threads of each run.",
        None,
        ge=1,
        unset="OMP_NUM_THREADS, else processors / jobs",
    )
    tensorboard: bool = option(
        "Also write scalars for TensorBoard to the output folder.", False, needs="out"
    )

    def __post_init__(self) -> None:
        check(self)

    def folder(self, run: "Run") -> Path | None:
        """Return where a run is kept."""
        return None if self.out is None else self.out / FOLDER / run.key


@documented
@dataclass(frozen=True, kw_only=True)
class TuningOptions:
    """How learning rates are tuned: the same number of runs for each rule."""

    factors: tuple[float, ...] = option(
        "Factors that the recipe's learning rate is multiplied by.",
        (0.25, 0.5, 1.0, 2.0, 4.0),
        gt=0,
        lt=float("inf"),
        needs="tune_lr",
        flags=("--lr-factors",),
        metavar="F,...",
    )
    repeats: int = option(
        "Number of runs with each learning rate; with fewer than 3 the best is mostly chance.",
        3,
        ge=1,
        needs="tune_lr",
        flags=("--tuning-runs",),
    )

    def __post_init__(self) -> None:
        check(self)
