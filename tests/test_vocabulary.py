"""One term for one thing, and the term is the field's: in messages, help texts and pages."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BANNED = {
    r"(is|are) needed": "must be ...; got ...",
    r"whole numbers?": "integer",
    r"programmes?": "program",
    r"mend(s|ed|ing)?": "fix",
    r"beside": "with ... as baseline, next to, compared with",
    r"per cent": "%",
    r"yardsticks?": "reference",
    r"entrants?": "contender",
    r"no numbers any more": "became NaN or infinite",
    r"none shown": "not significant",
    r"at equal cost": "at matched cost",
    r"labels (are )?wrong": "label noise",
    r"an? text(?! (table|file))": "a string",
    r"what was found": "results",
    r"(?<!there )(is|are) no (?!longer|more|less|such|better|worse)[a-z]+": "is not a ...",
}
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.name != "changelog.md"),
]
_WORDS = re.compile(rf"\b(?:{'|'.join(BANNED)})\b", re.IGNORECASE)


def sources() -> Iterator[Path]:
    for top in ("subsetopt", "solvers", "benchmarks"):
        for folder, subfolders, files in os.walk(ROOT / top):
            subfolders[:] = [name for name in subfolders if not name.startswith((".", "__"))]
            yield from (Path(folder, name) for name in files if name.endswith(".py"))


def shown(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield texts of more than a word that are no docstrings, with their lines."""
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docs and " " in str(node.value):
            yield node.lineno, str(node.value)


def test_messages_and_help_texts() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text.strip()!r}"
        for path in sources()
        for line, text in shown(ast.parse(path.read_text(encoding="utf-8")))
        if _WORDS.search(text)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_pages(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", page.read_text(encoding="utf-8"))
    found = [
        f"{number}: {line}"
        for number, line in enumerate(text.splitlines(), start=1)
        if _WORDS.search(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("word", ["k is needed", "a whole number", "this is no folder"])
def test_words_are_seen(word: str) -> None:
    assert _WORDS.search(word)
    assert not _WORDS.search("there is no folder; k must be an integer, amended")
