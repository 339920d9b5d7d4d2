"""Reports of comparisons: terminal, Markdown, and a page with figures."""

__all__: list[str] = []
