"""Options of suites and of measurements."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from subsetopt._checks import require_integer, require_one_of
from subsetopt._options import check, documented, option, split
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.limits import Limits
from subsetopt.problems._memory import memory_size

DATA_VARIABLE = "SUBSETOPT_DATA"
"""The environment variable that names the data folder when no option does."""


@documented
@dataclass(frozen=True, kw_only=True)
class MeasurementOptions:
    """How everything is measured."""

    time_limits: tuple[float, ...] = option(
        "Seconds per solve; several, ascending, show how results improve with time. A solver that "
        "ends within one is not run with the longer ones.",
        (2.0,),
        gt=0,
        flags=("--time-limit",),
        metavar="S,...",
    )
    repeats: int = option(
        "Number of runs of each solver on each case, with consecutive seeds.",
        3,
        ge=1,
        flags=("--repeat",),
    )
    seed: int = option("Seed of data and solvers.", 0, ge=0, le=2**31 - 1)
    threads: int | None = option(
        "Number of threads of each solver; 0 leaves the solver's own default.", 1, ge=0
    )
    memory_limit: int = option(
        "Memory of a run beyond what its process began with; a run that takes more is killed.",
        4 * 2**30,
        ge=2**20,
        metavar="SIZE",
        unset="4GiB",
        parse=memory_size,
    )
    grace: float = option(
        "Kill a run this many seconds after its time limit.", 10.0, ge=0, metavar="S"
    )
    bound: str = option("Bound of each case, untimed: degrees, fw, qp, rlt or sdp.", "none")

    def __post_init__(self) -> None:
        check(self)
        if list(self.time_limits) != sorted(self.time_limits):
            limits = ", ".join(f"{limit:g}" for limit in self.time_limits)
            raise InvalidOption(f"time limits must ascend; got {limits}")
        Limits(seed=self.seed + self.repeats - 1)
        object.__setattr__(self, "threads", self.threads or None)


def _instances(name: str, text: str) -> int | list[str]:
    return int(text) if text.strip().isdigit() else split(text)


@documented
@dataclass(frozen=True, kw_only=True)
class SuiteOptions:
    """What a suite is asked for; None leaves the suite's own default."""

    source: str | None = option(
        "Source of the data: digits, mnist, cifar10, synthetic or all; of quadratic problems "
        "mdplib, kcluster, qplib, few, generated or all.",
        None,
        flags=("--source", "--losses"),
        unset="digits; of quadratic problems few, or generated without a data folder",
    )
    sizes: tuple[int, ...] | None = option(
        "Numbers of candidates per instance; every size is used with every k.", None, ge=1
    )
    ks: tuple[int, ...] | None = option(
        "Numbers to choose; every instance is used with each.",
        None,
        flags=("--k",),
        unset="shares of n, or what suits the instance",
    )
    instances: int | Sequence[str] | None = option(
        "Number of instances of each source, or names of public ones, with * for any letters.",
        None,
        metavar="N|NAME,...",
        unset="one of each kind",
        parse=_instances,
    )
    seed: int = option("Seed of synthetic data.", 0, ge=0, le=2**31 - 1)
    data: Path | None = option("Folder of mnist/, mdplib/ and others.", None, unset=DATA_VARIABLE)

    def __post_init__(self) -> None:
        check(self)
        if isinstance(self.instances, int):
            require_integer("instances", self.instances, "[1, inf)")

    @property
    def folder(self) -> Path | None:
        """The data folder, if there is one."""
        named = os.environ.get(DATA_VARIABLE)
        return self.data or (Path(named) if named else None)

    def require_folder(self, what: str) -> Path:
        """Return the data folder; InvalidFile names the options where there is none."""
        if self.folder is None:
            raise InvalidFile(f"{what} need files: --data DIR or {DATA_VARIABLE}=DIR")
        return self.folder

    def require_only(self, suite: str, *taken: str) -> None:
        """Raise InvalidOption if anything is chosen that a suite with cases of its own lacks."""
        for one in fields(self):
            if one.name not in (*taken, "data") and getattr(self, one.name) != one.default:
                name = "k" if one.name == "ks" else one.name
                raise InvalidOption(
                    f"{name} must not be given: the suite {suite} has cases of its own, and takes "
                    f"{' and '.join(taken)} alone"
                )

    def count(self, default: int) -> int:
        """Return how many instances are wanted; InvalidOption where they are named."""
        if self.instances is None:
            return default
        if isinstance(self.instances, int):
            return self.instances
        named = ",".join(self.instances)
        raise InvalidOption(
            f"instances must be a number, as only public instances have names; got {named}"
        )

    def sources(self, known: Sequence[str], default: str, on_file: Sequence[str]) -> list[str]:
        """Return the sources that are meant, in their order.

        "all" leaves out those that lie in files, `on_file`, where no folder is given.
        """
        source = self.source or default
        if source == "all":
            return [name for name in known if self.folder is not None or name not in on_file]
        require_one_of("source", source, (*known, "all"))
        return [source]

    def crossed(
        self, size: int, parts: Sequence[int], spare: int = 0, most: int | None = None
    ) -> dict[int, list[int]]:
        """Return the numbers to choose for each size, `size` unless sizes were asked for.

        The default numbers are ``n // part``, at most `most`; `spare` candidates are never chosen.
        Raises InvalidOption if a k that was asked for is not in 1..n - spare.
        """
        found = {}
        for n in self.sizes or (size,):
            shares = {max(1, min(n // part, most or n)) for part in parts}
            found[n] = list(self.ks) if self.ks is not None else sorted(shares)
            for k in found[n]:
                require_integer("k", k, f"[1, {n - spare}]")
        return found
