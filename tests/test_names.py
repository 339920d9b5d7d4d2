"""Names: none twice, and what is public is stated."""

import ast
from collections import defaultdict
from importlib import import_module
from pathlib import Path

import pytest

from test_architecture import MODULES, needs_checkout

PROGRAMS = tuple(
    f"subsetopt.{name}"
    for name in ("cli", "benchmarks.drift", "benchmarks.regression", "benchmarks.scripts")
)
"""What is run, not imported: its modules state nothing."""
NEED_EXTRAS = ("subsetopt.torch", "subsetopt.training", "subsetopt.papers", "subsetopt.records")


def _is_public(name: str) -> bool:
    program = name.startswith(PROGRAMS) and name != "subsetopt.cli"
    return not program and not any(part.startswith("_") for part in name.split("."))


PUBLIC = sorted(
    package.removesuffix(".__init__")
    for package in MODULES
    if _is_public(package.removesuffix(".__init__"))
)


@needs_checkout
def test_no_two_modules_have_one_name() -> None:
    places = defaultdict(list)
    for name, path in MODULES.items():
        if path.stem not in ("__init__", "__main__", "base"):
            places[path.stem.strip("_")].append(name)
    assert not [names for names in places.values() if len(names) > 1]


@needs_checkout
def test_no_two_classes_have_one_name() -> None:
    places = defaultdict(list)
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(name)
    assert not {name: where for name, where in places.items() if len(where) > 1}


@needs_checkout
@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_module_states_what_is_public(name: str) -> None:
    if name.startswith(NEED_EXTRAS):
        pytest.importorskip("torch")
        pytest.importorskip("pyarrow")
    module = import_module(name)
    assert len(set(module.__all__)) == len(module.__all__)
    for public in module.__all__:
        assert hasattr(module, public) or f"{name}.{public}" in PUBLIC, public
        assert not public.startswith("_") or public == "__version__", public


def test_few_names_are_public() -> None:
    stated = set()
    for name in PUBLIC:
        path: Path = MODULES[name if name in MODULES else f"{name}.__init__"]
        for node in ast.parse(path.read_text()).body:
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", 0)
            if isinstance(target, ast.Name) and target.id == "__all__":
                stated |= set(ast.literal_eval(node.value))  # type: ignore[attr-defined]
    assert 100 < len(stated) < 400
