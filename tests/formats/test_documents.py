"""JSON and YAML that are deep, endless or odd."""

import time
from pathlib import Path
from typing import Any

import pytest

from subsetopt.errors import InvalidFile
from subsetopt.formats._documents import parsed_json, parsed_yaml, read_json

yaml = pytest.importorskip("yaml")

BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    + [f"a{i}: &a{i} [{', '.join(9 * [f'*a{i - 1}'])}]" for i in range(1, 20)]
)
MERGED = "a0: &a0 {x: 1, y: 2}\n" + "\n".join(
    f"a{i}: &a{i} {{<<: [{', '.join(9 * [f'*a{i - 1}'])}]}}" for i in range(1, 20)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 5000, "more than 50 levels"),
        ("{a: " * 5000, "more than 50 levels"),
        ("\n".join(f"{' ' * i}a:" for i in range(5000)), "more than 50 levels"),
        (BOMB, "values, aliases written out"),
        (MERGED, "values, aliases written out"),
        ("a: &a [*a]", "alias 'a'"),
        ("a: *b", "alias 'b'"),
        ("- x\n" * 200_000, "values"),
        ("a: 2001-13-01", "not YAML"),
        ("a: " + "9" * 5000, "not YAML"),
        ("? [1]\n: 2", "not YAML"),
        ("a: !!python/object/apply:os.system [ls]", "not YAML"),
        ("\0", "not YAML"),
        ("a: [", "not YAML"),
        ("\x1b[31m", "not YAML"),
    ],
)
def test_yaml_that_is_refused(text: str, message: str) -> None:
    start = time.process_time()
    with pytest.raises(InvalidFile, match=message) as caught:
        parsed_yaml(yaml, text.encode(), "a.yaml")
    assert time.process_time() - start < 60  # seconds of this process alone; usually under one
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("a.yaml")


def test_yaml_that_is_read() -> None:
    text = b"base: &b {k: 1}\nlist: [*b, *b, {<<: *b, m: 2}]\n"
    wanted = {"base": {"k": 1}, "list": [{"k": 1}, {"k": 1}, {"k": 1, "m": 2}]}
    assert parsed_yaml(yaml, text, "a") == wanted
    assert parsed_yaml(yaml, b"", "a") is None
    with pytest.raises(InvalidFile, match="the limit is"):
        parsed_yaml(yaml, bytes(2**24 + 1), "a")
    with pytest.raises(InvalidFile, match="not YAML"):
        parsed_yaml(yaml, b"\xff\xfe\xff", "a")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("9" * 5000, "not JSON"),
        ("{", "not JSON"),
        (b"\xff\xff", "not JSON"),
        ("", "not JSON"),
    ],
)
def test_json_that_is_refused(text: Any, message: str) -> None:
    with pytest.raises(InvalidFile, match=message) as caught:
        parsed_json(text, "a.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["NaN", "[1, -Infinity]", "1e999", '{"a": -1e400}'])
def test_numbers_that_are_not_finite(text: str, tmp_path: Path) -> None:
    parsed_json(text, "a")
    (tmp_path / "a.json").write_text(text)
    read_json(tmp_path / "a.json")
    with pytest.raises(InvalidFile, match="is not finite"):
        read_json(tmp_path / "a.json", finite=True)
    assert parsed_json("[1.5, 2]", "a", finite=True) == [1.5, 2]
