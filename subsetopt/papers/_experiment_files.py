"""Experiments read from their files, and checked: claims speak of what is run."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats._declared import declared
from subsetopt.formats._documents import parsed_yaml
from subsetopt.formats._sources import content

from ._consistency import require_consistent
from ._sheets import Sheet
from ._templates import SCALES, expanded
from .experiment import Experiment, Scale

YAML = OptionalDependency("pyyaml", "yaml", extra="train")
COMMON = "paper.yaml"
"""In the folder of an experiment: what all experiments of the paper have in common."""
EXPERIMENTS = (
    *("obftf-fig1", "obftf-fig2", "obftf-table3"),
    *(f"budgeted-table{number}" for number in range(1, 7)),
    *("budgeted-fig1", "mmd-table1"),
    *(f"mmd-fig{number}" for number in range(2, 7)),
)
"""PAPER-ITEM is said by the file ITEM.yaml in the folder PAPER."""


@cache
def experiment(name: str) -> Experiment:
    """Return an experiment; raises InvalidOption if none is called so."""
    if name not in EXPERIMENTS:
        raise InvalidOption(f"experiment is {name!r}; one of {', '.join(EXPERIMENTS)} is needed")
    folder, _, item = name.partition("-")
    return read_experiment(Path(__file__).with_name(folder) / f"{item}.yaml", name)


def read_experiment(path: Path, name: str) -> Experiment:
    """Return the experiment of a file, and of the paper's file next to it.

    Raises
    ------
    InvalidFile
        If it is no YAML, or a key, a type or a name is wrong: with the file, where in it, and what
        is needed.
    """
    file = f"{path.parent.name}/{path.name}"
    document = _joined(_common(path.with_name(COMMON)), _document(path))
    sheets = {Scale(scale): _sheet(document, scale, file) for scale in SCALES}
    experiment = Experiment(name, sheets)
    try:
        require_consistent(experiment)
    except InvalidFile as error:
        raise InvalidFile(f"{file}: {error}") from error
    return experiment


@cache
def _common(path: Path) -> dict[str, Any]:
    return _document(path)


def _document(path: Path) -> dict[str, Any]:
    yaml: Any = YAML.load()
    text, name = content(path)
    document = parsed_yaml(yaml, text, name)
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise InvalidFile(f"{name}: must be a mapping of names, as title, parts and claims")
    return document


def _joined(paper: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a file says on top of what the paper's says: mappings are joined by key."""
    found = {**paper, **own}
    for key in paper.keys() & own.keys():
        both = paper[key], own[key]
        if all(isinstance(value, dict) and set(value) != set(SCALES) for value in both):
            found[key] = paper[key] | own[key]
    return found


def _sheet(document: Mapping[str, Any], scale: str, file: str) -> Sheet:
    plain = expanded(document, scale, file)
    each = plain.pop("each_part", {})
    try:
        plain["parts"] = [{**each, **part} for part in plain.get("parts", [])]
        plain["quantities"] = {
            name: {"name": name, **given} for name, given in plain.get("quantities", {}).items()
        }
    except (TypeError, AttributeError):
        raise InvalidFile(
            f"{file}: parts must be a list of mappings, each_part and quantities mappings"
        ) from None
    try:
        return declared(Sheet, plain, "experiment")
    except InvalidFile as error:
        raise InvalidFile(f"{file}: {error}") from error
