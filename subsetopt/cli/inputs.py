"""The options that state a problem, shared by the commands that take one."""

from typing import Annotated, Any

import numpy as np
import typer

from subsetopt.errors import InvalidOption
from subsetopt.problems import MeanMatching

_NOISE = 2  # a stream of its own: `random` draws from default_rng(seed), the baseline from 1

File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="The values: .npy, .npz (or FILE.npz:NAME), .csv, .txt, or - for standard input; "
        "(n,) or (n, d).",
        show_default=False,
    ),
]
K = Annotated[int, typer.Option("--k", "-k", metavar="K", help="How many to choose.")]
Target = Annotated[
    str,
    typer.Option(
        metavar="T",
        help="What their mean is to match: a number, d numbers with commas, 'mean', or 'noisy' "
        "for a draw from Normal(mean, std/sqrt(k)).",
    ),
]
AtMost = Annotated[bool, typer.Option("--at-most", help="Allow fewer than K; the divisor stays K.")]
Seed = Annotated[int, typer.Option(metavar="I", help="Seed of whatever is random.")]


def mean_matching(file: str, k: int, target: str, at_most: bool, seed: int) -> MeanMatching:
    """Read the values and state the problem; noise is from ``default_rng([seed, 2])``."""
    from subsetopt.formats import read_values

    values = read_values(file)
    noisy = target == "noisy"
    return MeanMatching(
        values,
        k,
        target=target if noisy else _target(target, values.ndim),
        cardinality="at_most" if at_most else "exactly",
        generator=np.random.default_rng([seed, _NOISE]) if noisy else None,
    )


def _target(text: str, dimensions: int) -> Any:
    """Return None for the mean, a float for scalars, an array for vectors or for a list."""
    if text == "mean":
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise InvalidOption(
            f"--target is {text!r}; a number, numbers with commas, 'mean' or 'noisy' is needed"
        ) from None
    return numbers[0] if len(numbers) == 1 and dimensions == 1 else np.array(numbers)
