"""Analysis of results: pure functions of rows."""

__all__: list[str] = []
