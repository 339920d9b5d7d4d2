"""Libraries that take seconds to import: by those who run their tests, not by all who collect."""

from importlib import import_module
from typing import Any


class Later:
    """A module that is imported when it is first asked for anything."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
