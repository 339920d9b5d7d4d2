"""How results are shown: on the terminal, as Markdown, as a page with figures."""

__all__: list[str] = []
