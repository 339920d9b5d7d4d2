"""From rows to what they say: pure functions, no solving, no printing."""

__all__: list[str] = []
