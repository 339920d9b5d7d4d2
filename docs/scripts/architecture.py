"""Draw the house from the code: the layers of pyproject.toml, and who imports whom.

Run it in a checkout with the development environment: ``python docs/scripts/architecture.py``. It
writes docs/figures/architecture.svg; a test fails where the picture shows other parts than the
layers have.
"""

import ast
import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIGURE = ROOT / "docs" / "figures" / "architecture.svg"
WIDTH, ROW, GAP, MARGIN = 860, 52, 12, 14
REAL = {"solvers": ROOT / "solvers", "benchmarks": ROOT / "benchmarks"}


def layers() -> list[list[str]]:
    """Return the parts of the package, from the top layer to the lowest."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(
        found
        for found in settings["tool"]["importlinter"]["contracts"]
        if found["containers"] == ["subsetopt"]
    )
    rows = (row.replace("|", ":").split(":") for row in contract["layers"])
    return [[name.strip() for name in row] for row in rows]


def summary(name: str) -> str:
    """Return the first sentence of a part's docstring."""
    folder = REAL.get(name, ROOT / "subsetopt" / name)
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.split("\n")[0].split(": ")[0].rstrip(".")


def imports() -> set[tuple[str, str]]:
    """Return which part imports which, late imports and those for type checkers left out."""
    import grimp

    graph = grimp.build_graph("subsetopt", exclude_type_checking_imports=True, cache_dir=None)
    found = set()
    for module in graph.modules:
        above = module.split(".")[1:2]
        for other in graph.find_modules_directly_imported_by(module):
            below = other.split(".")[1:2]
            if above and below and above != below:
                found.add((above[0], below[0]))
    return found


def drawn(rows: list[list[str]], edges: set[tuple[str, str]]) -> str:
    """Return the picture as SVG: a row per layer, the number of importers in each box."""
    importers = {name: sum(below == name for _, below in edges) for row in rows for name in row}
    height = 2 * MARGIN + len(rows) * (ROW + GAP) - GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" role="img" aria-label="The layers of subsetopt">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for line, row in enumerate(rows):
        y = MARGIN + line * (ROW + GAP)
        width = (WIDTH - 2 * MARGIN - GAP * (len(row) - 1)) / len(row)
        for place, name in enumerate(row):
            x = MARGIN + place * (width + GAP)
            shade = "#eef3fb" if importers[name] or line == 0 else "#f6f6f6"
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW}" rx="5" '
                f'fill="{shade}" stroke="#5b7db1"/>'
            )
            room = int((width - 16) / 6.1)
            said = summary(name)
            said = said if len(said) <= room else said[: max(room - 1, 0)].rstrip() + "…"
            size = 13 if width > 110 else 10
            used = f" ← {importers[name]}" if importers[name] and width > 110 else ""
            parts.append(
                f'<text x="{x + 8:.1f}" y="{y + 21}" font-size="{size}" fill="#10233f">'
                f'<tspan font-weight="bold">{escape(name)}</tspan>{used}</text>'
            )
            if width > 110:
                parts.append(
                    f'<text x="{x + 8:.1f}" y="{y + 40}" font-size="11" fill="#44566c">'
                    f"{escape(said)}</text>"
                )
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    """Write the picture."""
    FIGURE.write_text(drawn(layers(), imports()), encoding="utf-8")


if __name__ == "__main__":
    main()
