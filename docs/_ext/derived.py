"""The directives that write pages at build time, so that they are never stale."""

from typing import Any

import derived_text
from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class SolverTable(SphinxDirective):
    """All solvers, as they declare themselves."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        return self.parse_text_to_nodes(derived_text.solver_table())


class CommandReference(SphinxDirective):
    """All commands, as Typer knows them."""

    def run(self) -> list[nodes.Node]:
        """Return one section per command."""
        text = derived_text.command_reference()
        return self.parse_text_to_nodes(text, allow_section_headings=True)


class ResultColumns(SphinxDirective):
    """All columns of the tables of results."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        return self.parse_text_to_nodes(derived_text.result_columns())


def setup(app: Any) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("solver-table", SolverTable)
    app.add_directive("command-reference", CommandReference)
    app.add_directive("result-columns", ResultColumns)
    return {"parallel_read_safe": True}
