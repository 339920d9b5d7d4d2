"""Options that several commands share, declared once as the fields of a dataclass."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints

Command = Callable[..., None]


def command(function: Command) -> Command:
    """Return `function` as Typer wants it: each parameter that is a dataclass becomes its fields.

    A bundle is a dataclass whose annotations are those of Typer parameters. Its object is made
    from what was given, so whatever its ``__post_init__`` refuses is refused before the work.
    """
    hints = get_type_hints(function, include_extras=True)
    names = inspect.signature(function).parameters
    bundles = {name: hints[name] for name in names if is_dataclass(hints[name])}

    def expanded(**given: Any) -> None:
        for name, bundle in bundles.items():
            own = {field.name: given.pop(field.name) for field in fields(bundle)}
            given[name] = bundle(**own)
        function(**given)

    parameters = [
        parameter
        for name, plain in names.items()
        for parameter in (
            _expanded(bundles[name])
            if name in bundles
            else [plain.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)]
        )
    ]
    expanded.__name__, expanded.__doc__ = function.__name__, function.__doc__
    expanded.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return expanded


def _expanded(bundle: type) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(bundle, include_extras=True)
    for field in fields(bundle):
        yield inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
