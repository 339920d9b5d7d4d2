"""Files written out: names, loops and scales; and what is refused, with where it stands."""

from typing import Any

import pytest

pytest.importorskip("torch")

from subsetopt.errors import InvalidFile
from subsetopt.papers._experiment_files import expanded


def test_names_loops_and_scales() -> None:
    document: dict[str, Any] = {
        "define": {
            "few": ["a", "b"],
            "all": ["{few}", "c"],
            "last": {"quick": None, "paper": "d"},
            "note": "of {note_end}",
        },
        "rows": ["{all}", "{last}"],
        "size": {"quick": 1, "paper": 2},
        "left": {"quick": None, "paper": 2},
        "cells": [
            {"for": {"x": "{few}", "y": [1, 2]}, "name": "{x}{y}", "y": "{y}"},
            {"for": [{"x": "p", "y": 3}], "each": [{"name": "{x}"}, {"value": "{y}"}]},
            ["{few}"],
        ],
    }
    document["define"].pop("note")
    assert expanded(document, "quick", "f") == {
        "rows": ["a", "b", "c"],
        "size": 1,
        "cells": [
            *({"name": f"{x}{y}", "y": y} for x in "ab" for y in (1, 2)),
            *({"name": "p"}, {"value": 3}),
            ["a", "b"],
        ],
    }
    paper = expanded(document, "paper", "f")
    assert (paper["rows"], paper["size"], paper["left"]) == (["a", "b", "c", "d"], 2, 2)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"a": ["x", "{b} {c}"]}, r"f: a: entry 2: \{b\} is not defined; defined are c"),
        ({"a": {"quick": "{b}", "paper": 1}}, r"f: a: quick: \{b\} is not"),
        ({"a": {0.2: 1}}, "f: a: the key 0.2 must be text; put it in quotes"),
        ({"a": [{"for": "x", "b": 1}]}, "f: a: entry 1: for is 'x'; it must map names to lists"),
        ({"a": [{"for": {"x": "y"}, "b": 1}]}, "it must map names to lists"),
        ({"a": [{"for": {"x": [1]}, "each": [], "b": 1}]}, "each must be a list and the only key"),
        ({"define": ["c"]}, r"f: define is \['c'\]; it must map names to values"),
    ],
)
def test_what_is_refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidFile, match=message):
        expanded({"define": {"c": 1}, **document}, "quick", "f")
