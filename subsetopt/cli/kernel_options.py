"""The options of a kernel, for the commands that have features."""

from dataclasses import dataclass
from typing import Any, ClassVar

from subsetopt import problems
from subsetopt._options import option
from subsetopt._spec import Spec
from subsetopt.errors import InvalidOption

from .problem_options import column_scaling


def _scale(name: str, text: str) -> float | str:
    if text == "median":
        return text
    try:
        return float(text)
    except ValueError:
        raise InvalidOption(f"{name} must be a number or 'median'; got {text!r}") from None


def _kernel(names: str) -> Any:
    return option(
        f"Kernel: {names}; also with its options, as in polynomial:degree=2:coef0=0.", "gaussian"
    )


@dataclass(frozen=True, kw_only=True)
class KernelOptions:
    """The kernel of MMD; a bad one is refused at once."""

    kernel: str = _kernel("gaussian, laplace, polynomial, linear or precomputed")
    scale: float | str | None = option(
        "Scale of the gaussian and laplace kernels: a number, or 'median'.",
        None,
        metavar="S",
        unset="median",
        parse=_scale,
    )
    degree: int | None = option("Degree of the polynomial kernel.", None, unset="3")
    scale_columns: str | None = column_scaling("std")

    takes_matrix: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.made()
        self.scaling()

    @property
    def precomputed(self) -> bool:
        """Whether the data are the kernel matrix."""
        return self.kernel == "precomputed"

    def made(self) -> Any:
        """Return the kernel, or "precomputed"."""
        given = {"scale": self.scale, "degree": self.degree}
        options = {name: value for name, value in given.items() if value is not None}
        if self.precomputed and options:
            raise InvalidOption(
                f"--{next(iter(options))} is for kernels of features, not for a matrix"
            )
        if self.precomputed:
            return self.kernel
        spec = Spec.parse(self.kernel)
        return problems._kernel_choice.kernel_of(
            Spec(spec.name, spec.options | options),
            problems._kernel_choice.MATRIX if self.takes_matrix else "",
        )

    def scaling(self, default: str = "std") -> Any:
        """Return how columns are scaled: `default` if nothing is said, none of a kernel matrix."""
        if not self.precomputed:
            return self.scale_columns or default
        if self.scale_columns not in (None, "none"):
            raise InvalidOption(
                f"--scale-columns is {self.scale_columns!r}, but a kernel matrix has no columns to "
                "scale; scale the features it is made of"
            )
        return "none"


@dataclass(frozen=True, kw_only=True)
class FeatureKernelOptions(KernelOptions):
    """The kernel of features alone."""

    kernel: str = _kernel("gaussian, laplace, polynomial or linear")
    takes_matrix: ClassVar[bool] = False
