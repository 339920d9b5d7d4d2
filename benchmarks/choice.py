"""What a benchmark is asked for, and what is wrong with it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.limits import Limits

DATA_VARIABLE = "SUBSETOPT_DATA"
"""The environment variable that names the data folder when no option does."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a suite is asked for; None leaves the suite's own default.

    Parameters
    ----------
    source : str, optional
        Where the data come from: a name that the suite knows, or "all".
    sizes : sequence of int, optional
        Candidates per instance; every size with every k.
    ks : sequence of int, optional
        How many to choose; every instance is used with each.
    instances : int or sequence of str, optional
        How many, or the names of public ones, with * for any letters.
    seed : int
    data : Path or None
        The folder of downloaded data; None looks at the environment.

    Raises
    ------
    InvalidOption
        For what states no benchmark of any suite.
    """

    source: str | None = None
    sizes: Sequence[int] | None = None
    ks: Sequence[int] | None = None
    instances: int | Sequence[str] | None = None
    seed: int = 0
    data: Path | None = None

    def __post_init__(self) -> None:
        Limits(seed=self.seed)
        if isinstance(self.instances, int) and self.instances < 1:
            raise InvalidOption(f"instances is {self.instances}; at least 1 is needed")
        _require_distinct("sizes", self.sizes)
        _require_distinct("k", self.ks)
        if self.sizes is not None and min(self.sizes) < 1:
            raise InvalidOption(f"sizes has {min(self.sizes)}; at least 1 is needed")

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

    def count(self, default: int) -> int:
        """Return how many instances are wanted; InvalidOption where they are named."""
        if self.instances is None:
            return default
        if isinstance(self.instances, int):
            return self.instances
        named = ",".join(self.instances)
        raise InvalidOption(
            f"instances is {named!r}; a number is needed, only public instances have names"
        )

    def sources(self, known: Sequence[str], default: str, on_file: Sequence[str]) -> list[str]:
        """Return the sources that are meant, in their order.

        "all" leaves out those that lie in files, `on_file`, where no folder is given.
        """
        source = self.source or default
        if source == "all":
            return [name for name in known if self.folder is not None or name not in on_file]
        if source not in known:
            there_are = ", ".join((*known, "all"))
            raise InvalidOption(f"no source is called {source!r}; there are: {there_are}")
        return [source]

    def crossed(
        self, size: int, parts: Sequence[int], spare: int = 0, most: int | None = None
    ) -> dict[int, list[int]]:
        """Return the numbers to choose for each size.

        Parameters
        ----------
        size : int
            The default size.
        parts : sequence of int
            ``n // part`` are the default numbers to choose.
        spare : int
            How many are never chosen.
        most : int, optional
            The largest default.

        Raises
        ------
        InvalidOption
            If a k that was asked for is not in 1..n - spare.
        """
        found = {}
        for n in self.sizes or (size,):
            shares = {max(1, min(n // part, most or n)) for part in parts}
            found[n] = list(self.ks) if self.ks is not None else sorted(shares)
            for k in found[n]:
                if not 1 <= k <= n - spare:
                    raise InvalidOption(f"k is {k}; with n = {n} it has to be in 1..{n - spare}")
        return found


def _require_distinct(name: str, numbers: Sequence[int] | None) -> None:
    if numbers is not None and (not numbers or len(set(numbers)) < len(numbers)):
        raise InvalidOption(f"{name} is {list(numbers)}; distinct numbers are needed, at least one")
