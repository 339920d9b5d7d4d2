"""Reader of experiment files: templates, keys and types."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from subsetopt._checks import require_one_of
from subsetopt.errors import InvalidFile
from subsetopt.formats._declared import declared
from subsetopt.formats._documents import read_yaml

from ._experiment import Experiment, Scale, require_consistent
from ._sheets import Sheet

SCALES = ("quick", "paper")
_NAME = re.compile(r"\{([^{}]*)\}")
Names = Mapping[str, Any]


def expanded(document: Mapping[str, Any], scale: str, file: str) -> dict[str, Any]:
    """Return a document without templates, at one of the two scales.

    ``define`` holds the names, of which later ones may use earlier ones. Raises InvalidFile, naming
    the file and the place, for a name that is not defined, or a loop that is no loop.
    """
    names: dict[str, Any] = {}
    defined = document.get("define") or {}
    if not isinstance(defined, Mapping):
        raise InvalidFile(f"{file}: define is {defined!r}; it must map names to values")
    for name, value in defined.items():
        names[name] = _filled(value, names, scale, f"{file}: define: {name}")
    return {
        key: value
        for key in document
        if key != "define"
        and (value := _filled(document[key], names, scale, f"{file}: {key}")) is not None
    }


def _filled(node: Any, names: Names, scale: str, where: str) -> Any:
    if isinstance(node, str):
        return _text(node, names, where)
    if isinstance(node, Mapping):
        if set(node) == set(SCALES):
            return _filled(node[scale], names, scale, f"{where}: {scale}")
        return _mapping(node, names, scale, where)
    if isinstance(node, list):
        return list(_entries(node, names, scale, where))
    return node


def _text(text: str, names: Names, where: str) -> Any:
    """Return the text with names filled in; the value itself where it is nothing but a name."""
    for name in _NAME.findall(text):
        if name not in names:
            known = ", ".join(names) or "none"
            raise InvalidFile(f"{where}: {{{name}}} is not defined; defined are {known}")
    alone = _NAME.fullmatch(text)
    return names[alone[1]] if alone else _NAME.sub(lambda found: str(names[found[1]]), text)


def _mapping(node: Mapping[Any, Any], names: Names, scale: str, where: str) -> dict[str, Any]:
    found = {}
    for key, value in node.items():
        if not isinstance(key, str):
            raise InvalidFile(f"{where}: the key {key!r} must be text; put it in quotes")
        filled = _filled(value, names, scale, f"{where}: {key}")
        if filled is not None:
            found[_text(key, names, where)] = filled
    return found


def _entries(node: list[Any], names: Names, scale: str, where: str) -> Iterator[Any]:
    for number, entry in enumerate(node, start=1):
        place = f"{where}: entry {number}"
        if isinstance(entry, Mapping) and "for" in entry:
            rest = {key: value for key, value in entry.items() if key != "for"}
            body = rest.get("each", [rest])
            if "each" in rest and (len(rest) > 1 or not isinstance(body, list)):
                raise InvalidFile(f"{place}: next to for, each must be a list and the only key")
            for turn in _turns(_filled(entry["for"], names, scale, place), place):
                yield from _entries(body, {**names, **turn}, scale, place)
            continue
        filled = _filled(entry, names, scale, place)
        if isinstance(filled, list) and not isinstance(entry, list):
            yield from filled
        elif filled is not None:
            yield filled


def _turns(loop: Any, where: str) -> Sequence[Names]:
    """Return the names of each turn: given one by one, or all combinations of lists."""
    if isinstance(loop, list) and all(isinstance(turn, Mapping) for turn in loop):
        return loop
    if isinstance(loop, Mapping) and all(isinstance(values, list) for values in loop.values()):
        return [dict(zip(loop, values, strict=True)) for values in product(*loop.values())]
    raise InvalidFile(
        f"{where}: for is {loop!r}; it must map names to lists, or list mappings of names to values"
    )


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
    require_one_of("experiment", name, EXPERIMENTS)
    folder, _, item = name.partition("-")
    return read_experiment(Path(__file__).with_name(folder) / f"{item}.yaml", name)


def read_experiment(path: Path, name: str) -> Experiment:
    """Return the experiment of a file, and of the paper's file next to it.

    Raises InvalidFile if it is not YAML, or a key, a type or a name is wrong: with the file, where
    in it, and what is needed.
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
    document = read_yaml(path, "train")
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise InvalidFile(f"{path}: must be a mapping of names, as title, parts and claims")
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
