"""Tables and figures of training runs, for the terminal, Markdown and JSON."""

from .markdown import to_markdown
from .plain import to_dict
from .tables import print_analysis
from .writing import write_report

__all__ = ["print_analysis", "to_dict", "to_markdown", "write_report"]
