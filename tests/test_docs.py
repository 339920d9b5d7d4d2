"""The documentation: its examples run, its links resolve, what is derived is complete."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import subsetopt
from subsetopt.solvers import catalogue

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
NESTED = [
    p for name in ("training-results", "reproduced") for p in (ROOT / "docs" / name).glob("*.md")
]
TEXTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *PAGES, *sorted(NESTED)]
EXAMPLES = ROOT / "docs" / "examples"
_FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


def by_name(path: Path) -> str:
    return path.name


def blocks(path: Path, language: str) -> list[str]:
    found = _FENCE.findall(path.read_text(encoding="utf-8"))
    return [text for name, text in found if name == language]


@pytest.fixture(scope="module")
def derived() -> ModuleType:
    return loaded(ROOT / "docs" / "scripts" / "derived.py")


@pytest.fixture(scope="module")
def shown() -> ModuleType:
    return loaded(ROOT / "docs" / "scripts" / "relaxations_shown.py")


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=by_name)
def test_the_examples_of_a_page_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": f"docs.{page.stem}"}
    for number, block in enumerate(blocks(page, "python"), start=1):
        exec(compile(block, f"{page.name}, block {number}", "exec"), names)


@pytest.mark.parametrize("page", TEXTS, ids=by_name)
def test_relative_links_resolve(page: Path) -> None:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target:
            assert written(page.parent / target).exists(), target


def written(path: Path) -> Path:
    """Return what a page is made from: tutorials are scripts."""
    return EXAMPLES / f"{path.stem}.py" if path.parent == EXAMPLES.parent / "tutorials" else path


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=by_name)
def test_a_tutorial_leads_to_pages_that_exist(script: Path) -> None:
    """They are run where the pages are built."""
    text = script.read_text(encoding="utf-8")
    targets = re.findall(r"<\.\./([a-z-]+)\.html>`_", text)
    assert targets
    assert {f"{target}.md" for target in targets} <= {page.name for page in PAGES}


def test_every_page_is_in_the_table_of_contents() -> None:
    docs = ROOT / "docs"
    contents = "".join("".join(blocks(page, "{toctree}")) for page in PAGES)
    listed = [line for line in contents.splitlines() if line and not line.startswith(":")]
    pages = [page.relative_to(docs).with_suffix("").as_posix() for page in [*PAGES, *NESTED]]
    tutorials = [f"tutorials/{script.stem}" for script in EXAMPLES.glob("*.py")]
    assert sorted(listed) == sorted({*pages, *tutorials} - {"index"})


@pytest.mark.parametrize("page", TEXTS, ids=by_name)
def test_pages_read_well_where_nothing_builds_them(page: Path) -> None:
    """All but the reference and the changelog; contents, in braces too, are links elsewhere."""
    if page.name not in ("api.md", "changelog.md"):
        languages = {name for name, _ in _FENCE.findall(page.read_text(encoding="utf-8"))}
        assert {name for name in languages if name.startswith("{")} <= {"{toctree}"}


@pytest.mark.parametrize(
    "name",
    ["benchmarks", "bilevel", "choosing", "commands", "constraints", "exact", "splits"],
)
def test_what_is_derived_from_the_code_is_that_of_the_code(name: str, derived: ModuleType) -> None:
    """Else run docs/scripts/derived.py."""
    name += ".md"
    assert name in derived.PAGES
    assert derived.page(name) == (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_the_table_has_one_row_for_each_solver(derived: ModuleType) -> None:
    rows = derived.solver_table().splitlines()[2:]
    named = [row.split("|")[1].strip(" `") for row in rows]
    assert named == [info.name for info in subsetopt.available_solvers()]
    assert all(row.replace(r"\|", "").count("|") == len(derived.COLUMNS) + 1 for row in rows)


def test_the_table_of_constraints_says_what_each_solver_takes(derived: ModuleType) -> None:
    heading, _, *rows = derived.constraint_table().splitlines()
    kinds = [name.strip() for name in heading.split("|")[2:-2]]
    for info, row in zip(subsetopt.available_solvers(), rows, strict=True):
        name, *cells, _ = (cell.strip(" `") for cell in row.split("|")[1:-1])
        assert name == info.name
        taken = {kind for kind, cell in zip(kinds, cells, strict=True) if cell == "yes"}
        assert taken == catalogue.solver_class(name).takes


def test_the_reference_names_every_command(derived: ModuleType) -> None:
    text = derived.command_reference()
    for name in ("solvers", "solve mmd", "solve quadratic", "export quadratic", "bench"):
        assert f"## `subsetopt {name}`" in text


@pytest.mark.parametrize("page", TEXTS, ids=by_name)
def test_options_that_are_mentioned_exist(page: Path, derived: ModuleType) -> None:
    lines = [
        line
        for language in ("console", "sh")
        for block in blocks(page, language)
        for line in block.splitlines()
        if "subsetopt " in line and "pip" not in line
    ]
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    mentioned = set(re.findall(r"(?<=`)--[a-z-]+", text))
    lines += re.findall(r"`(subsetopt [^`]+)`", text)
    mentioned.update(re.findall(r"(?<= )--[a-z-]+", "\n".join(lines)))
    assert mentioned <= derived.options()


def test_every_built_in_solver_has_its_options_in_the_reference() -> None:
    from subsetopt.solvers import catalogue

    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for target in catalogue.BUILT_IN.values():
        assert f"subsetopt.solvers.{target.partition(':')[2]}\n" in text


def test_the_reference_names_public_paths_alone() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    paths = re.findall(r"(?m)^\.\. auto\w+:: (\S+)$", text)
    assert len(set(paths)) == len(paths) > 100
    for path in paths:
        assert path.count(".") <= 3
        assert not any(part.startswith("_") for part in path.split(".")), path


@pytest.mark.parametrize("page", TEXTS, ids=by_name)
def test_no_page_names_a_private_module(page: Path) -> None:
    private = r"\bsubsetopt(?:\.\w+)*\._[a-z]\w*|\b_[a-z]\w+\.py\b|from \S*\._\w+ import"
    if page.name != "architecture.md":
        assert not re.findall(private, page.read_text(encoding="utf-8"))


def test_the_reference_covers_what_the_package_exports() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    errors = set(subsetopt.errors.__dict__)
    for name in set(subsetopt.__all__) - errors - {"solvers"}:
        assert f":: subsetopt.{name}\n" in text


def test_the_page_of_decisions_is_that_of_the_kept_results() -> None:
    """Else run docs/scripts/should_i_use_it.py."""
    pytest.importorskip("torch")
    made = loaded(ROOT / "docs" / "scripts" / "should_i_use_it.py")
    assert made.page() == made.PAGE.read_text(encoding="utf-8")
    assert len(made.LINES) == 12
    stratified = made.found(made.LINES[0], "fashion")
    seeds = {r.run.seed for r in made.study("stratified-fashion")}
    assert stratified.comparison.pairs == len(seeds) == 20


def test_the_pages_of_training_results_are_their_texts_with_tables_filled_in() -> None:
    """Else run docs/scripts/training_results.py, or write what was changed into the text."""
    scripts = ROOT / "docs" / "scripts"
    texts = [scripts / "training_results.txt", *(scripts / "training_results").glob("*.txt")]
    pages = [p for p in [*PAGES, *NESTED] if "training-results" in p.as_posix()]
    assert sorted(text.stem.replace("_", "-") for text in texts) == sorted(p.stem for p in pages)
    for text in texts:
        name = text.stem.replace("_", "-")
        (page,) = [p for p in pages if p.stem == name]
        written = re.split(r"\{\{.*?\}\}", text.read_text(encoding="utf-8"))
        pattern = r"[^#]*?".join(re.escape(part) for part in written)
        assert re.fullmatch(pattern, page.read_text(encoding="utf-8")), name


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "reproduced").glob("*.md")), ids=by_name)
def test_a_reproduced_page_says_of_its_experiment_what_the_file_says(page: Path) -> None:
    pytest.importorskip("torch")
    from subsetopt.papers import Scale, experiment
    from subsetopt.papers._claims import Standing

    sheet = experiment(page.stem).sheets[Scale.QUICK]
    text = page.read_text(encoding="utf-8").replace("\\", "")
    for said in (sheet.did, *sheet.differs, *(claim.text for claim in sheet.claims)):
        assert said.replace("\\", "") in text
    verdicts = [len(re.findall(rf"(?m)^- \*\*{one}:\*\*", text)) for one in Standing]
    counts = [f"{one}: {count}" for count, one in zip(verdicts, Standing, strict=True) if count]
    assert f"- **verdict:** {'; '.join(counts)}\n" in text
    assert "- **run time:** " in text


def test_the_tables_of_relaxations_are_those_of_the_measured_rows(shown: ModuleType) -> None:
    page = (ROOT / "docs" / "relaxations.md").read_text(encoding="utf-8")
    tables = measured(shown).tables()
    assert len(tables) == 3
    for table in tables.values():
        assert table in page


def test_the_figures_are_drawn_the_same_each_time(shown: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        shown.draw(measured(shown), folder)
    drawn = sorted((tmp_path / "one").iterdir())
    kept = (ROOT / "docs" / "figures").glob("relaxations-*.svg")
    assert {path.name for path in drawn} == {path.name for path in kept}
    for path in drawn:
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def measured(shown: ModuleType) -> Any:
    return shown.Results(shown.read(ROOT / "docs" / "figures" / "relaxations.csv"))


@pytest.mark.slow  # continuous integration builds them as a step of its own
def test_the_pages_build_without_a_warning(tmp_path: Path) -> None:
    application = pytest.importorskip("sphinx.application")
    pytest.importorskip("myst_parser")
    pytest.importorskip("furo")
    pytest.importorskip("sphinx_gallery")
    del application
    import subprocess
    import sys

    arguments = ["-q", "-W", "--keep-going", "-b", "html", "docs", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
