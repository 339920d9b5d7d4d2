"""Description of the machine and the software that a benchmark ran on."""

import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import subsetopt
from subsetopt._processes import processors


@dataclass(frozen=True)
class Machine:
    """The machine and the software below the solvers.

    Parameters
    ----------
    cpu : str
    cores : int
        Those that this process may use.
    system, python, numpy, subsetopt : str
        Versions.
    """

    cpu: str
    cores: int
    system: str
    python: str
    numpy: str
    subsetopt: str

    @classmethod
    def here(cls) -> "Machine":
        """Describe this machine."""
        return cls(
            cpu=_cpu(),
            cores=processors(),
            system=f"{platform.system()} {platform.machine()}",
            python=platform.python_version(),
            numpy=np.__version__,
            subsetopt=subsetopt.__version__,
        )


def _cpu() -> str:
    try:
        found = _model(Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines())
    except OSError:  # not Linux
        found = None
    return found or platform.processor() or platform.machine() or "unknown"


def _model(lines: Iterable[str]) -> str | None:
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return None


def packages(solvers: Iterable[str]) -> dict[str, str]:
    """Return the versions of the distributions that these solvers stand on."""
    from subsetopt.solvers import catalogue

    required = {r for name in solvers for r in catalogue.solver_class(name).requires}
    versions = {r.distribution: r.availability().version for r in required}
    return {name: version for name, version in sorted(versions.items()) if version}


def commit() -> str:
    """Return the commit of the checkout that this code lies in, "" where there is none."""
    import subprocess

    git = ("git", "-C", str(Path(__file__).resolve().parent))
    try:
        found = subprocess.run(
            [*git, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
