"""Experiments written out: named values, lists of like entries, and what depends on the scale.

``{name}`` in a text stands for a value of that name: under ``define``, or of a loop. A mapping of
``quick`` and ``paper`` stands for one of the two. An entry of a list with ``for`` stands for as
many as the loop has turns: the rest of it with the names filled in, or all those under ``each``.
Null is left out, and an entry that stands for a list is replaced by what is in it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from subsetopt.errors import InvalidFile

SCALES = ("quick", "paper")
_NAME = re.compile(r"\{([^{}]*)\}")
Names = Mapping[str, Any]


def expanded(document: Mapping[str, Any], scale: str, file: str) -> dict[str, Any]:
    """Return a document without templates.

    Parameters
    ----------
    document : mapping
        As read; ``define`` holds the names, of which later ones may use earlier ones.
    scale : {"quick", "paper"}
    file : str
        For messages.

    Raises
    ------
    InvalidFile
        Naming the place: for a name that is not defined, or a loop that is no loop.
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
