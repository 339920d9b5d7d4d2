"""The options that state mean matching."""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from subsetopt import formats, problems
from subsetopt._options import option
from subsetopt.errors import InvalidOption, UnscaledColumns
from subsetopt.formats import TableOptions

from .problem_options import Tables, column_scaling, problem_file, problem_size

if TYPE_CHECKING:
    from subsetopt.formats import CSVTable

_NOISE = 2  # a stream of its own: `random` draws from default_rng(seed), the baseline from 1


@dataclass(frozen=True, kw_only=True)
class MeanMatchingOptions:
    """Values whose mean is to be matched."""

    file: str = problem_file(
        "Values (n,) or (n, d): .npy, .npz (or FILE.npz:NAME), .csv, .txt, or - for standard input."
    )
    k: int = problem_size()
    target: str = option(
        "Target of their mean: a number, d numbers separated by commas, 'mean', or 'noisy' for a "
        "sample from Normal(mean, std/sqrt(k)).",
        "mean",
    )
    cardinality: str = option(
        "Number that is chosen: exactly K, or at_most K; the divisor stays K.",
        "exactly",
        choices=("exactly", "at_most"),
    )
    scale_columns: str | None = column_scaling(
        "none, with a warning where their spreads differ much"
    )

    def read(self, seed: int, table: TableOptions) -> "tuple[problems.MeanMatching, Tables]":
        """Read the values and state the problem; noise is from ``default_rng([seed, 2])``."""
        import numpy as np

        read = formats.read_table(self.file, table)
        noisy = self.target == "noisy"
        target = "noisy" if noisy else _target(self.target, read.values.ndim)
        values, target = self._scaled(read, target)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnscaledColumns)  # said before, with the names
            problem = problems.MeanMatching(
                values,
                self.k,
                target=target,
                cardinality=self.cardinality,  # type: ignore[arg-type]
                generator=np.random.default_rng([seed, _NOISE]) if noisy else None,
            )
        return problem, {"table": read}

    def _scaled(self, read: "CSVTable", target: Any) -> tuple[Any, Any]:
        """Return values and target with columns scaled as asked for, or warn if they should be."""
        method: Any = self.scale_columns
        if read.values.ndim == 1 or method in (None, "none"):
            if method is None and read.values.ndim == 2:
                remedy = "Say --scale-columns std (or robust), or none to leave them as they are."
                problems.scaling.warn_unscaled(read.values, remedy, 2, read.columns)
            return read.values, target
        values = problems._points.points("values", read.values)
        scaling = problems.scaling.Scaling.of(values, method)
        if target is not None and not isinstance(target, str) and target.shape == values.shape[1:]:
            target = (target - scaling.centre) / scaling.scale
        return scaling.applied(values), target


def _target(text: str, dimensions: int) -> Any:
    """Return None for the mean, a float for scalars, an array for vectors or for a list."""
    if text == "mean":
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise InvalidOption(
            "--target must be a number, numbers separated by commas, 'mean' or 'noisy'; got "
            f"{text!r}"
        ) from None
    if len(numbers) == 1 and dimensions == 1:
        return numbers[0]
    import numpy as np

    return np.array(numbers)
