"""Families of problems, and how answers to them are judged."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Family:
    """One kind of problem."""

    name: str
    """That of the problems; "sequence" where all points are put into batches."""
    about: str
    """What is to be found, for people."""
    reference: str = "scip"
    """The solver that times are compared with."""
    absolute: bool = False
    """Whether an objective is an error: it says something by itself, its least possible value being
    0. Else objectives are compared with the best ones."""
    tolerance: float = 1e-9
    """Relative differences of objectives up to this are rounding."""


FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family(
            name="mean-matching",
            about="k of n losses whose mean comes closest to that of all",
            reference="cbc",  # the one of the paper's listing
            absolute=True,
            tolerance=0.0,  # evaluated without rounding but for the last step
        ),
        Family(
            name="vector-mean-matching",
            about="k of n vectors whose mean comes closest to that of all, squared distance",
        ),
        Family(
            name="mmd",
            about="k of n points that are closest to the others in squared MMD, Gaussian kernel",
        ),
        Family(
            name="quadratic",
            about="k of n of which the least, or the greatest, quadratic is wanted",
        ),
        Family(
            name="sequence",
            about="all points in batches of k: the area under the curve of the MMD between the "
            "batches so far and the rest, relative to that of random batches",
            reference="random",
            absolute=True,
        ),
    )
}
"""By name."""

_FORMER = {"vector": "vector-mean-matching"}
"""What a name is now, by what it was: files and folders of results may still say it."""


def named(name: str) -> str:
    """Return the name of a family, or of a suite, as it is now."""
    return _FORMER.get(name, name)
