"""Which parts have their data, and why others have not."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from subsetopt._spec import Spec
from subsetopt.errors import InvalidFile, MissingDependency
from subsetopt.training.networks import build_model
from subsetopt.training.tasks import task

from ._parts import Part

OPTIONAL = ("alexnet", "googlenet", "mobilenet_v2", "resnet50")
"""Networks that may be missing."""


def ready(parts: Sequence[Part], folder: Path | None = None, download: bool = False) -> list[Part]:
    """Return the parts, those whose data are missing without runs, and with the reason.

    Raises
    ------
    InvalidFile, MissingDependency
        If no part can be run: what the first of them lacks.
    """
    faults: dict[str, InvalidFile | MissingDependency] = {}
    known: set[str] = set()
    found = []
    for part in parts:
        names = sorted({run.task for run in part.cells})
        for name in names:
            if name not in known:
                known.add(name)
                _try(name, folder, download, faults)
        missing = next((faults[name] for name in names if name in faults), None)
        if missing is None:
            found.append(part)
        else:
            found.append(replace(part, cells={}, without=str(missing)))
    if not any(part.cells for part in found) and faults:
        raise next(iter(faults.values()))
    return found


def _try(
    name: str,
    folder: Path | None,
    download: bool,
    faults: dict[str, InvalidFile | MissingDependency],
) -> None:
    made = task(name)
    network = Spec.parse(name).options.get("network")
    try:
        if network in OPTIONAL:
            build_model(network)
        made.load(folder, download=download)
    except (InvalidFile, MissingDependency) as fault:
        faults[name] = fault


def left_out(parts: Iterable[Part]) -> list[str]:
    """Return a sentence for each part that is not run."""
    reasons: dict[str, list[str]] = {}
    for part in parts:
        if part.without:
            reasons.setdefault(part.without, []).append(part.label)
    return [
        f"Left out: {'; '.join(labels)}. {why[:1].upper()}{why[1:]}."
        for why, labels in reasons.items()
    ]
