"""The options of a command, derived from the dataclasses that they fill."""

import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from inspect import Parameter, Signature, signature
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from subsetopt._options import Option, check_values, kinds_of, listed, numbers, option, split

Command = Callable[..., None]
Values = dict[str, Any]
"""Those options of a dataclass that are given, by the names of its fields."""


@dataclass(frozen=True)
class Given:
    """Makes a parameter of type `Values` take some options of a dataclass.

    Parameters
    ----------
    kind : type
    names : tuple of str
        The fields, in the order of the help.
    unset : str, optional
        What stands in for those that are not given, for the help, which are left out then; empty
        is their own default. With None they have that.
    panel : str
        The heading above them in the help; else that of the dataclass.
    """

    kind: Any
    names: tuple[str, ...]
    unset: str | None = None
    panel: str = ""


def command(function: Command) -> Command:
    """Return `function` as Typer wants it: each parameter that is a dataclass becomes its fields.

    Values outside their domains are refused before the work, by the names of their flags.
    """
    hints = get_type_hints(function, include_extras=True)
    groups = {
        name: group for name in signature(function).parameters if (group := _group(hints[name]))
    }

    def expanded(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group.taken(given)
        function(**given)

    main = next(iter(groups if len(groups) == len(hints) - 1 else ()), "")  # the return is a hint
    parameters = [
        parameter
        for name, plain in signature(function).parameters.items()
        for parameter in (
            groups[name].parameters(name == main)
            if name in groups
            else [plain.replace(annotation=hints[name], kind=Parameter.KEYWORD_ONLY)]
        )
    ]
    expanded.__name__, expanded.__doc__ = function.__name__, function.__doc__
    expanded.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return expanded


@dataclass(frozen=True)
class _Group:
    """Some fields of a dataclass; of its whole an object is made, of a part a dict."""

    kind: Any
    fields: tuple[Field[Any], ...]
    part: Given | None

    @property
    def partial(self) -> bool:
        """Whether what is not given is left out."""
        return self.part is not None and self.part.unset is not None

    def parameters(self, main: bool) -> Iterator[Parameter]:
        """Yield what Typer is to show and parse; that of the main group under "Options"."""
        hints = get_type_hints(self.kind, include_extras=True)
        panel = (self.part.panel if self.part else "") or _title(self.kind.__name__)
        for one in self.fields:
            about = one.metadata.get("option")
            default = Parameter.empty if one.default is MISSING else one.default
            if about is None:  # says itself what Typer needs
                annotation = hints[one.name]
            else:
                unset = (self.part.unset if self.part else None) or about.unset
                if self.partial:
                    unset = unset or str("" if default is None else _shown(default))
                    default = None
                annotation = _annotation(one, about, unset, None if main else panel)
            if isinstance(default, tuple) and about is not None and about.repeatable:
                default = list(default) or None
            yield Parameter(
                one.name, Parameter.KEYWORD_ONLY, default=_shown(default), annotation=annotation
            )

    def taken(self, given: Values) -> Any:
        """Take the values from those of all parameters; return the object, or the dict."""
        values = {one.name: _value(one, given.pop(one.name)) for one in self.fields}
        flags = {one.name: flag_of(one) for one in fields(self.kind)}
        if self.partial:
            values = {
                name: one for name, one in values.items() if one is not None and one is not False
            }
        else:
            defaults = {one.name: one.default for one in self.fields}
            values = {name: defaults[name] if v is None else v for name, v in values.items()}
        check_values(self.kind, values, flags.__getitem__)
        return values if self.part is not None else self.kind(**values)


def _title(name: str) -> str:
    """Return the heading of a group: ``MeanMatchingOptions`` is ``Mean matching``."""
    name = name.removesuffix("Options")
    return re.sub(r"(?<=[a-z])[A-Z]", lambda found: f" {found[0].lower()}", name)


def _group(hint: Any) -> _Group | None:
    if is_dataclass(hint):
        return _Group(hint, tuple(one for one in fields(hint) if one.init), None)
    part = next((one for one in get_args(hint)[1:] if isinstance(one, Given)), None)
    if get_origin(hint) is not Annotated or part is None:
        return None
    known = {one.name: one for one in fields(part.kind)}
    return _Group(part.kind, tuple(known[name] for name in part.names), part)


def output_file(help: str, *suffixes: str, **about: Any) -> Any:  # noqa: A002
    """Return an option that takes a file to write; what cannot be written is refused at once."""

    def parse(name: str, text: str) -> Path:
        from subsetopt._files import require_writable, suffix_of

        suffix_of(text, suffixes)
        require_writable(text)
        return Path(text)

    known = {"default": None, "metavar": "FILE", **about}
    return option(f"{help}: {listed(suffixes)}.", parse=parse, **known)


def flag_of(one: Field[Any]) -> str:
    """Return what a field is called on the command line."""
    about = one.metadata.get("option") or Option(help="")
    if about.argument:
        return about.metavar or one.name
    return about.flags[0] if about.flags else f"--{one.name.replace('_', '-')}"


def _annotation(one: Field[Any], about: Option, unset: str, panel: str | None) -> Any:
    """Return the type of a parameter with what Typer is to show of it."""
    kinds = [kind for kind in kinds_of(one.type) if kind is not NoneType]
    plain = next((kind for kind in kinds if kind in (bool, int, float, Path)), str)
    kind = str if about.parse or str in kinds else plain
    shared: Values = {
        "metavar": "" if kind is bool else about.metavar or None,
        "help": _help(about, unset),
        "show_default": not unset and one.default not in (None, "", (), MISSING),
    }
    if about.argument:
        return Annotated[kind, typer.Argument(**shared)]
    flags = list(about.flags or [flag_of(one)])
    if kind is bool and one.default is None and not about.flags:
        flags = [f"{flags[0]}/--no-{flags[0][2:]}"]
    kind = list[str] if about.repeatable else kind
    optional = kind | None if unset or one.default in (None, ()) else kind
    return Annotated[optional, typer.Option(*flags, rich_help_panel=panel, **shared)]


def _help(about: Option, unset: str) -> str:
    text = about.help
    if not all(choice in text for choice in about.choices):
        text += f" One of {listed(about.choices)}."
    return f"{text} Default: {unset}." if unset else text


def _shown(default: Any) -> Any:
    """Return a default as it is written on the command line."""
    return (",".join(map(str, default)) or None) if isinstance(default, tuple) else default


def _value(one: Field[Any], given: Any) -> Any:
    """Return what was given as the field holds it: texts parsed, lists joined."""
    about = one.metadata.get("option")
    if about is None or given is None:
        return given
    if isinstance(given, list):
        return tuple(part for text in given for part in _value(one, text))
    if not isinstance(given, str):
        return given
    if about.parse is not None:
        return about.parse(flag_of(one), given)
    for kind in kinds_of(one.type):
        if get_origin(kind) is tuple:
            element = get_args(kind)[0]
            return tuple(split(given)) if element is str else numbers(flag_of(one), given, element)
    return given
