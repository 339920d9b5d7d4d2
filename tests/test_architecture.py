"""The direction of imports, the packaging, the names and the table of contents."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import subsetopt as so

ROOT = Path(__file__).parents[1]
PACKAGES = ("subsetopt", "solvers", "benchmarks")
REAL_FOLDERS = {"subsetopt.solvers": "solvers", "subsetopt.benchmarks": "benchmarks"}
NOT_INSTALLED = {f"subsetopt.benchmarks.{name}" for name in ("drift", "regression", "scripts")}
"""Run from a checkout alone."""
BACKENDS = ("ortools", "highspy", "pyscipopt")
NEEDED = {".sklearn": "sklearn", ".torch": "torch", ".training": "torch"}
HEAVY = (*BACKENDS, "numba", "torch", "scipy", "sklearn", "pandas", "typer", "rich")
CORE = "problems formats models solution errors limits _baseline _rounding certification"
CORE_MODULES = (*CORE.split(), "solving", "selecting", "testing", "__init__")

MOST_LATE = 84
"""Imports of our own modules within functions: what few calls need."""

needs_checkout = pytest.mark.skipif(
    not (ROOT / "subsetopt" / "solvers").is_symlink(), reason="not a checkout"
)


def modules() -> Iterator[tuple[str, Path]]:
    """Yield the dotted name and the file of every module, links not followed."""
    for top in PACKAGES:
        for folder, subfolders, files in os.walk(ROOT / top):
            subfolders[:] = [name for name in subfolders if not name.startswith((".", "__"))]
            for file in files:
                if file.endswith(".py"):
                    path = Path(folder, file)
                    parts = path.relative_to(ROOT).with_suffix("").parts
                    prefix = () if top == "subsetopt" else ("subsetopt",)
                    yield ".".join(prefix + parts), path


MODULES = dict(modules())


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def declared(path: Path) -> tuple[list[ast.ImportFrom], list[str]]:
    """Return what is imported from modules, and the names of classes."""
    nodes = list(ast.walk(parsed(path)))
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    return imports, [node.name for node in nodes if isinstance(node, ast.ClassDef)]


def imported(name: str, at_import_time: bool) -> Iterator[str]:
    """Yield what a module imports, absolutely; what only type checkers see is left out."""
    pending: list[ast.AST] = [parsed(MODULES[name])]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending.extend(node.orelse)
            continue
        if at_import_time and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = absolute(name, node)
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)
        pending.extend(ast.iter_child_nodes(node))


def absolute(name: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = name.split(".")
    package = package[: len(package) - node.level]
    return ".".join([*package, node.module] if node.module else package)


def under(names: Iterator[str], *tops: str) -> set[str]:
    return {name for name in names for top in tops if name == top or name.startswith(f"{top}.")}


def within(*parts: str) -> list[str]:
    wanted = [f"subsetopt.{part}" for part in parts]
    found = [name for name in MODULES if under(iter([name]), *wanted)]
    assert found
    return sorted(found)


def test_all_modules_are_seen() -> None:
    swap, catalogue = "subsetopt.solvers.heuristics.swap", "subsetopt.solvers.catalogue"
    assert {"subsetopt.solving", swap, "subsetopt.benchmarks.scripts.speed"} <= set(MODULES)
    assert "subsetopt.problems" in set(imported("subsetopt.solving", at_import_time=True))
    assert "subsetopt.solvers.base" in set(imported(swap, at_import_time=True))
    assert catalogue in set(imported("subsetopt.solving", at_import_time=False))
    assert catalogue not in set(imported("subsetopt.solving", at_import_time=True))


@needs_checkout
def test_imports_keep_the_contracts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The contracts stand in pyproject.toml: who may import whom, lazily too."""
    lint: Any = pytest.importorskip("importlinter.cli")
    monkeypatch.setattr(lint, "_configure_logging", lambda verbose: None)  # silences other loggers
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT))
    assert lint.lint_imports(no_cache=True) == 0


def test_modules_import_each_other_in_no_circle() -> None:
    """Imports within functions included; what only type checkers see is left out."""
    known = {name.removesuffix(".__init__"): name for name in MODULES}
    pending = {
        name: {known[one] for one in imported(name, at_import_time=False) if one in known}
        for name in MODULES
    }
    for name, needs in pending.items():
        own = {one for one in needs if one.endswith("__init__")}
        needs -= {name} | {one for one in own if name.startswith(one.removesuffix("__init__"))}
    while free := [name for name, needs in pending.items() if not needs & pending.keys()]:
        for name in free:
            del pending[name]
    assert not pending


@needs_checkout
def test_the_picture_shows_the_layers() -> None:
    """Else run docs/scripts/architecture.py."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (c["layers"] for c in settings["contracts"] if c.get("containers") == ["subsetopt"])
    picture = (ROOT / "docs" / "figures" / "architecture.svg").read_text()
    shown = re.findall(r'font-weight="bold">(\w+)<', picture)
    assert shown == [name for row in layers for name in re.findall(r"\w+", row)]


def test_the_core_imports_nothing_heavy() -> None:
    above = ("subsetopt.solvers", "subsetopt.benchmarks", "subsetopt.cli")
    for name in within(*CORE_MODULES):
        assert not under(imported(name, at_import_time=True), *above, *HEAVY), name


def test_solvers_import_backends_and_compilers_when_they_solve() -> None:
    light = {"subsetopt._kernels", "subsetopt._kernels._tiers"}  # which load no compiler
    for name in within("solvers"):
        late = under(imported(name, at_import_time=True), *BACKENDS, "numba", "subsetopt._kernels")
        assert not {part for part in late - light if "._tiers." not in part}, name


@needs_checkout
def test_modules_and_functions_are_short_and_import_at_the_top() -> None:
    """What is dear to load is an attribute of its package at the top."""
    late, sizes = [], []
    for name, path in MODULES.items():
        text = path.read_text()
        assert text.count("\n") <= 400, name
        for node in ast.walk(parsed(path)):
            if not isinstance(node, ast.FunctionDef):
                continue
            first = node.body[0]
            described = first if ast.get_docstring(node, clean=False) is not None else None
            words = 0 if described is None else (described.end_lineno or 0) - described.lineno + 1
            sizes.append((node.end_lineno or 0) - node.lineno + 1 - words)
            late += [f"{name} line {one.lineno}" for one in _own_imports(node)]
    assert len(late) <= MOST_LATE, late
    sizes.sort()
    assert sizes[len(sizes) // 2] <= 6
    assert sizes[int(0.9 * len(sizes))] <= 20, "lines of functions, without docstrings"


def _own_imports(node: ast.AST) -> Iterator[ast.ImportFrom]:
    """Yield the imports from modules of ours."""
    for one in ast.walk(node):
        own = isinstance(one, ast.ImportFrom) and (one.module or "").startswith("subsetopt")
        if isinstance(one, ast.ImportFrom) and (own or one.level):
            yield one


def test_what_is_installed_imports_nothing_that_is_not() -> None:
    for name in MODULES:
        if not under(iter([name]), *NOT_INSTALLED):
            assert not under(imported(name, at_import_time=False), *NOT_INSTALLED), name


def test_relative_imports_stay_in_their_package() -> None:
    for name, path in MODULES.items():
        folder = name.rpartition(".")[0]
        for node in declared(path)[0]:
            if node.level:
                assert node.level == 1, f"{name} line {node.lineno}"
            elif path.name != "__init__.py":
                own = folder != "subsetopt" and (node.module or "").startswith(f"{folder}.")
                assert not own, f"{name} line {node.lineno}: {node.module}"


@pytest.mark.parametrize(
    "code",
    [
        "import subsetopt",
        "import subsetopt.formats, subsetopt.testing",
        "import subsetopt as so; so.solve(so.MeanMatching(range(64), 8))",
        "import subsetopt as so; so.select(range(64), 8)",
        "import subsetopt.solvers.catalogue",
        "import subsetopt as so; so.available_solvers()",
        "import subsetopt as so; so.solve(so.MeanMatching([1.0, 2.0], 1), 'stride')",
    ],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    heavy = HEAVY if "solvers()" not in code else (*BACKENDS, "torch", "typer", "rich")
    check = (
        f"import sys; loaded = sorted({set(heavy)!r} & set(sys.modules)); assert not loaded, loaded"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{check}"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import subsetopt", {"numpy", "logging"}),
        ("import subsetopt.cli; subsetopt.cli.app", {"numpy", "rich.progress"}),
        ("import subsetopt._kernels._cache", {"scipy.linalg"}),
        (
            "from subsetopt.formats._csv_table import table_of; table_of(b'1.5\\n2\\n', 'x')",
            {"pandas"},
        ),
    ],
)
def test_only_what_is_used_is_loaded(code: str, absent: set[str]) -> None:
    check = f"import sys; loaded = sorted({absent!r} & set(sys.modules)); assert not loaded, loaded"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{check}"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


# -- packaging -----------------------------------------------------------------------------------


def folders() -> set[str]:
    packages = (name for name, path in MODULES.items() if path.name == "__init__.py")
    return {name.removesuffix(".__init__") for name in packages}


@needs_checkout
def test_no_package_is_missing_from_the_wheel() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert len(settings["packages"]) == len(set(settings["packages"]))
    assert folders() >= NOT_INSTALLED
    assert set(settings["packages"]) == folders() - NOT_INSTALLED
    assert settings["package-dir"] == REAL_FOLDERS
    data = {
        "subsetopt": ["py.typed", "examples/*.csv"],
        "subsetopt.papers": ["*/*.yaml"],
        "subsetopt.benchmarks": ["best_known.csv"],
        "subsetopt.report": ["page.css", "page.js", "figures.mplstyle"],
    }
    assert settings["package-data"] == data
    with_modules = {name.rpartition(".")[0] for name in MODULES}
    assert with_modules == folders()  # no folder of modules without an __init__.py


def folder_of(package: str) -> Path:
    for name, real in REAL_FOLDERS.items():
        if f"{package}.".startswith(f"{name}."):
            package = real + package.removeprefix(name)
    return ROOT / package.replace(".", "/")


@needs_checkout
def test_no_data_file_is_missing_from_the_wheel() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    held = {
        path
        for package, patterns in settings["package-data"].items()
        for pattern in patterns
        for path in folder_of(package).glob(pattern)
    }
    kinds = {path.suffix for path in held}
    assert {".yaml", ".csv", ".css", ".mplstyle"} <= kinds
    files = {path for top in PACKAGES for path in (ROOT / top).rglob("*")}
    assert {path for path in files if path.suffix in kinds} == held


@needs_checkout
@pytest.mark.parametrize("name", sorted(REAL_FOLDERS.values()))
def test_links_are_relative(name: str) -> None:
    link = ROOT / "subsetopt" / name
    assert link.is_symlink()
    assert os.readlink(link) == f"../{name}"
    assert (link / "__init__.py").is_file()
    assert not (ROOT / name).is_symlink()


def test_typed() -> None:
    assert (Path(so.__file__).parent / "py.typed").is_file()


def test_types_are_checked_wherever_there_is_code() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    checked = {*settings["files"], *REAL_FOLDERS.values()}
    parts = {path.relative_to(ROOT).parts[0] for path in ROOT.glob("[!.]*/**/*.py")}
    assert parts - {"build", "dist"} <= checked


@pytest.mark.parametrize(
    "package",
    [
        *(
            "",
            ".benchmarks",
            ".formats",
            ".papers",
            ".problems",
            ".records",
            ".report",
            ".sequencing",
            ".sklearn",
            ".solvers",
        ),
        *(".tables", ".torch", ".training"),
    ],
)
def test_checkers_see_what_a_package_exports(package: str) -> None:
    module = import_module(f"subsetopt{package}")
    assert module.__file__ is not None
    tree = ast.parse(Path(module.__file__).read_text())
    blocks: list[ast.Module | ast.If] = [
        tree,
        *(node for node in tree.body if isinstance(node, ast.If)),
    ]
    seen = {
        alias.name
        for block in blocks
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name == alias.asname and not alias.name.startswith("_")
    }
    assert module.__all__ == sorted(seen)
    assert set(module.__all__) <= set(dir(module))
    if package in NEEDED:
        pytest.importorskip(NEEDED[package])
    assert all(hasattr(module, name) for name in module.__all__)


def test_processors_are_counted_in_one_place() -> None:
    """By `processors()`, which knows of ``taskset`` and of containers."""
    counting = [name for name, path in MODULES.items() if "os.cpu_count" in path.read_text()]
    assert counting == ["subsetopt._processes"]


@needs_checkout
def test_the_page_lists_where_names_are_registered() -> None:
    rows = re.findall(
        r"\| ([`\w, ]+) \| `([\w/]+\.py)` \|", (ROOT / "docs/architecture.md").read_text()
    )
    assert len(rows) >= 15
    for tables, file in rows:
        defined = set(_defined(parsed(ROOT / file)))
        assert set(re.findall(r"\w+", tables)) <= defined, file
    registries = {
        path for path in MODULES.values() if re.search(r"^\w+ = Registry\(", path.read_text(), re.M)
    }
    assert registries <= {ROOT / file for _, file in rows}


def test_every_error_has_one_base() -> None:
    from subsetopt import errors

    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type)
        and issubclass(value, Exception)
        and not issubclass(value, Warning)
    }
    assert defined <= set(so.__all__)
    assert all(issubclass(getattr(errors, name), so.SubsetOptError) for name in defined)


# -- names ------------------------------------------------------------------------------------

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
        for made in declared(path)[1]:
            places[made].append(name)
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


@needs_checkout
def test_docstrings_of_modules_name_what_there_is() -> None:
    known = {"subsetopt", "int", "np", "int64", *sys.stdlib_module_names}
    known.update(part for name in MODULES for part in name.split("."))
    for path in MODULES.values():
        known.update(_defined(parsed(path)))
    places = "".join(f".{name.removesuffix('.__init__')}." for name in MODULES)
    packages = {name.split(".")[-2] for name in MODULES}
    for name, path in MODULES.items():
        described = ast.get_docstring(parsed(path), clean=False) or ""
        own = set(re.findall(r"\w+", path.read_text().replace(described, "")))
        for word in re.findall(r"(?<![`:])`([A-Za-z_][\w.]*)`(?![`_])", described):
            parts = word.split(".")
            assert {*parts} <= known | own, f"{name}: {word}"
            package, _, module = word.partition(".")
            if module and package in packages - {"subsetopt", "torch"}:
                assert f".{word}." in places, f"{name}: {word}"


def _defined(tree: ast.Module) -> Iterator[str]:
    """Yield the names of functions, classes, fields, constants and entries of tables."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.Dict):
            keys = (key.value for key in node.keys if isinstance(key, ast.Constant))
            yield from (key for key in keys if isinstance(key, str))


def test_few_names_are_public() -> None:
    pytest.importorskip("torch")
    public = {name for module in PUBLIC for name in import_module(module).__all__}
    assert 100 < len(public) < 400
