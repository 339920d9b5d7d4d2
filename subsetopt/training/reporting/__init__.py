"""Training runs as a document, for the terminal, Markdown and HTML, as JSON, and as figures."""

from .analysis_document import document, to_dict, write_report

__all__ = ["document", "to_dict", "write_report"]
