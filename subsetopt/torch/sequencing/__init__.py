"""Whole data sets in mini-batches, with torch: on its devices and in its memory."""

__all__: list[str] = []
