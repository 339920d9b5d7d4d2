"""Reports of training runs: terminal, Markdown, HTML, JSON and figures."""

from .analysis_document import document, to_dict, write_report

__all__ = ["document", "to_dict", "write_report"]
