"""Outcomes on the terminal, as Markdown, as plain values, and drawn."""

from .drawing import draw
from .markdown import to_markdown
from .plain import to_dict
from .terminal import print_outcome

__all__ = ["draw", "print_outcome", "to_dict", "to_markdown"]
