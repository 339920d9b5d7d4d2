"""A console that obeys nothing in what it prints."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from ._visible import visible


class SafeConsole(Console):
    """Prints text as it stands, what a terminal would obey in it as escapes."""

    def on_broken_pipe(self) -> None:
        """Leave it to the caller: Rich would exit with a code of its own."""
        raise  # called while BrokenPipeError is handled

    def render_str(self, text: str, **options: Any) -> Text:
        """Return text that is safe before it is measured."""
        return super().render_str(visible(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield segments whose text is safe."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))
