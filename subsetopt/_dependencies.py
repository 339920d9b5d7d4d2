"""Optional dependencies: whether they can be used, how to install them, loaded when needed."""

import importlib
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from types import ModuleType

from .errors import MissingDependency


@dataclass(frozen=True)
class Availability:
    """Whether a dependency can be used here; truthy if so, else with the reason and the fix."""

    version: str | None
    reason: str = ""

    def __bool__(self) -> bool:
        return not self.reason


@dataclass(frozen=True)
class OptionalDependency:
    """A distribution that part of the package needs, imported where it is used.

    Parameters
    ----------
    distribution : str
        Its name for pip.
    module : str
        The top-level module to look for.
    specifier : str
        What to ask pip for.
    clash : tuple of (version, name of another distribution) or None
        From this version on it cannot share a process with the other one.
    extra : str
        The extra of subsetopt that brings it, where one does.
    """

    distribution: str
    module: str
    specifier: str = ""
    clash: tuple[tuple[int, ...], str] | None = None
    extra: str = ""

    @property
    def install_hint(self) -> str:
        """The command that installs it."""
        if self.extra:
            return f"pip install 'subsetopt[{self.extra}]'"
        return f"pip install '{self.distribution}{self.specifier}'"

    def availability(self) -> Availability:
        """Look for the distribution without importing it."""
        if not _findable(self.module):
            return Availability(None, f"{self.distribution} is not installed: {self.install_hint}")
        version = version_of(self.distribution)
        if self.clash is not None and version is not None:
            since, other = self.clash
            if _release(version) >= since and _findable(other):
                return Availability(
                    version,
                    f"{self.distribution} {version} and {other} load two libraries of one name "
                    f"and cannot share a process: {self.install_hint}",
                )
        return Availability(version)

    def module_name(self, submodule: str = "") -> str:
        """Return the full name of the module, or of ``module.submodule``."""
        return f"{self.module}.{submodule}" if submodule else self.module

    def load(self, submodule: str = "") -> ModuleType:
        """Import the module, or ``module.submodule``.

        Raises
        ------
        MissingDependency
            If it is not installed, or installed and broken.
        """
        availability = self.availability()
        if not availability:
            raise MissingDependency(availability.reason)
        try:
            return importlib.import_module(self.module_name(submodule))
        except ImportError as error:
            raise MissingDependency(
                f"{self.distribution} {availability.version} is installed but cannot be loaded "
                f"({error}); try {self.install_hint}"
            ) from error


NUMBA = OptionalDependency("numba", "numba")


@cache
def _findable(module: str) -> bool:
    return find_spec(module) is not None


@cache
def version_of(distribution: str) -> str | None:
    """Return the installed version of a distribution, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
