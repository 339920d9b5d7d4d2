"""Limits that every solver understands, whatever its own names for them are."""

import math
from dataclasses import dataclass, fields

from subsetopt.errors import InvalidOption


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When to stop, and with what means; None leaves the solver's own default.

    Parameters
    ----------
    time_limit : float, optional
        Wall-clock seconds, > 0.
    gap : float, optional
        Relative gap between objective and bound at which the solver may stop, >= 0.
    absolute_gap : float, optional
        The same in units of the objective, >= 0.
    threads : int, optional
        Number of threads, >= 1.
    seed : int
        Seed of whatever the solver randomises, 0 <= seed < 2**31.
    log : bool
        Let the solver print its own log.

    Raises
    ------
    InvalidOption
        For a value outside its domain.
    """

    time_limit: float | None = None
    gap: float | None = None
    absolute_gap: float | None = None
    threads: int | None = None
    seed: int = 0
    log: bool = False

    def __post_init__(self) -> None:
        for name in ("time_limit", "gap", "absolute_gap", "threads", "seed"):
            value = getattr(self, name)
            if hasattr(value, "dtype") and hasattr(value, "item"):  # a NumPy scalar
                object.__setattr__(self, name, value.item())
        self._number("time_limit", above=0.0, strict=True, unit=" seconds")
        self._number("gap", above=0.0)
        self._number("absolute_gap", above=0.0)
        self._whole("threads", least=1, most=4096)
        self._whole("seed", least=0, most=2**31 - 1)
        if not isinstance(self.log, bool):
            raise InvalidOption(f"log is {self.log!r}; True or False is needed")

    def _number(self, name: str, above: float, strict: bool = False, unit: str = "") -> None:
        value = getattr(self, name)
        if value is None:
            return
        sign = ">" if strict else ">="
        wanted = f"{name} is {value!r}; a number {sign} {above:g}{unit} or None is needed"
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise InvalidOption(wanted)
        if value < above or (strict and value == above):
            raise InvalidOption(wanted)

    def _whole(self, name: str, least: int, most: int) -> None:
        value = getattr(self, name)
        if value is None and name != "seed":
            return
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise InvalidOption(f"{name} is {value!r}; a whole number {least}..{most} is needed")

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all limits."""
        return tuple(field.name for field in fields(cls))
