"""The options of a command, derived from the dataclasses that they fill."""

import re
from collections.abc import Callable, Iterator
from dataclasses import (
    MISSING,
    Field,
    dataclass,
    field,
    fields,
    is_dataclass,
    make_dataclass,
    replace,
)
from inspect import Parameter, Signature, cleandoc, signature
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand

from subsetopt._files import require_writable, suffix_of
from subsetopt._options import (
    Option,
    check_values,
    kinds_of,
    listed,
    number,
    numbers,
    option,
    options_of,
    split,
)
from subsetopt.errors import InvalidOption

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
    """Return `function` as Typer wants it, from what its parameters declare.

    A parameter is a dataclass, whose options become parameters of the command; or `Given`; or an
    option itself, whose default is `option(...)`. Values outside their domains are refused before
    the work, by the names of their flags.
    """
    own, groups = _groups(function)

    def expanded(**given: Any) -> None:
        taken = own.taken(given) | {name: group.taken(given) for name, group in groups.items()}
        function(**taken)

    main = own if own.fields else next(iter(groups.values()))
    parameters = list(own.parameters(True))
    parameters += [one for group in groups.values() for one in group.parameters(group is main)]
    expanded.__name__ = function.__name__
    paragraphs = cleandoc(function.__doc__ or "").split("\n\n")
    expanded.__doc__ = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    expanded.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return expanded


@dataclass(frozen=True)
class _OptionGroup:
    """Some options of a dataclass; of its whole an object is made, of a part a dict."""

    kind: Any
    fields: tuple[Field[Any], ...]
    part: Given | None = None

    @property
    def partial(self) -> bool:
        """Whether what is not given is left out."""
        return self.part is not None and self.part.unset is not None

    def parameters(self, main: bool) -> Iterator[Parameter]:
        """Yield what Typer is to show and parse; that of the main group under "Options"."""
        panel = (self.part.panel if self.part else "") or _title(self.kind.__name__)
        for one in self.fields:
            about: Option = one.metadata["option"]
            default = Parameter.empty if one.default is MISSING else one.default
            unset = (self.part.unset if self.part else None) or about.unset
            if self.partial:
                unset = unset or str("" if default is None else _shown(default))
                default = None
            if isinstance(default, tuple) and about.repeatable:
                default = list(default) or None
            yield Parameter(
                one.name,
                Parameter.KEYWORD_ONLY,
                default=_shown(default),
                annotation=_annotation(one, about, unset, None if main else panel),
            )

    def taken(self, given: Values) -> Any:
        """Take the values from those of all parameters; return the object, or the dict."""
        values = {one.name: _value(one, given.pop(one.name)) for one in self.fields}
        flags = {one.name: flag_of(one) for one, _ in options_of(self.kind)}
        if self.partial:
            values = {
                name: one for name, one in values.items() if one is not None and one is not False
            }
        else:
            defaults = {one.name: one.default for one in self.fields}
            values = {name: defaults[name] if v is None else v for name, v in values.items()}
        check_values(self.kind, values, flags.__getitem__)
        return values if self.part is not None else self.kind(**values)


def _groups(function: Command) -> tuple[_OptionGroup, dict[str, _OptionGroup]]:
    """Return the options that a function declares itself, and those of its other parameters."""
    hints = get_type_hints(function, include_extras=True)
    own, groups = [], {}
    for name, parameter in signature(function).parameters.items():
        if isinstance(parameter.default, Field):
            own.append((name, hints[name], parameter.default))
        elif is_dataclass(hints[name]):
            known = tuple(one for one, _ in options_of(hints[name]))
            groups[name] = _OptionGroup(hints[name], known)
        else:
            part = next(one for one in get_args(hints[name]) if isinstance(one, Given))
            named = {one.name: one for one, _ in options_of(part.kind)}
            groups[name] = _OptionGroup(part.kind, tuple(named[one] for one in part.names), part)
    made = make_dataclass(function.__name__, own, kw_only=True)
    return _OptionGroup(made, fields(made), Given(made, ())), groups


def _title(name: str) -> str:
    """Return the heading of a group: ``MeanMatchingOptions`` is ``Mean matching``."""
    name = name.removesuffix("Options")
    return re.sub(r"(?<=[a-z])[A-Z]", lambda found: f" {found[0].lower()}", name)


def output_file(help: str, *suffixes: str, **about: Any) -> Any:  # noqa: A002
    """Return an option that takes a file to write; what cannot be written is refused at once."""

    def parse(name: str, text: str) -> Path:
        suffix_of(text, suffixes)
        require_writable(text)
        return Path(text)

    known = {"default": None, "metavar": "FILE", **about}
    return option(f"{help}: {listed(suffixes)}.", parse=parse, **known)


def picture_file(help: str, default: Any = None, *also: str) -> Any:  # noqa: A002
    """Return an option that takes a picture to draw; refused at once where none can be drawn.

    `also` are suffixes of pages that pictures stand in.
    """
    plain = output_file(help, *also, ".svg", ".png", ".pdf")
    about: Option = plain.metadata["option"]

    def parse(name: str, text: str) -> Path:
        from subsetopt.report._figure import MATPLOTLIB  # not for the help

        if about.parse is not None:
            about.parse(name, text)
        MATPLOTLIB.load()
        return Path(text)

    return field(default=default, metadata={"option": replace(about, parse=parse)})


def assignments() -> Any:
    """Return the option ``--option``."""
    return option(
        "Option of the solver; repeatable.",
        (),
        flags=("--option",),
        metavar="KEY=VALUE",
        repeatable=True,
        parse=lambda name, text: [text],
    )


def json_flag(help: str = "Print one JSON object instead of tables.") -> Any:  # noqa: A002
    """Return the option ``--json``."""
    return option(help, False, flags=("--json",))


def flag_of(one: Field[Any]) -> str:
    """Return what a field is called on the command line."""
    about: Option = one.metadata["option"]
    if about.argument:
        return about.metavar or one.name
    return about.flags[0] if about.flags else f"--{one.name.replace('_', '-')}"


def _annotation(one: Field[Any], about: Option, unset: str, panel: str | None) -> Any:
    """Return the type of a parameter with what Typer is to show of it."""
    kinds = [kind for kind in kinds_of(one.type) if kind is not NoneType]
    kind = bool if kinds == [bool] else str  # all else is converted by `_value`
    shared: Values = {
        "metavar": about.metavar or (one.name.upper() if about.argument else _metavar(kinds)),
        "help": _help(about, unset),
        "show_default": not unset and one.default not in (None, "", (), MISSING),
    }
    taken: Any = kind | None if unset or one.default in (None, ()) else kind
    if about.repeatable:
        taken = list[str] | None
    if about.argument:
        return Annotated[taken, typer.Argument(**shared)]
    flags = list(about.flags or [flag_of(one)])
    if kind is bool and one.default is None and not about.flags:
        flags = [f"{flags[0]}/--no-{flags[0][2:]}"]
    return Annotated[taken, typer.Option(*flags, rich_help_panel=panel, **shared)]


def _metavar(kinds: list[Any]) -> str:
    """Return what a value of a type is called: a number N or X, a folder DIR, a text NAME."""
    if get_origin(kinds[0]) is tuple:
        return f"{_metavar([get_args(kinds[0])[0]])},..."
    return {bool: "", int: "N", float: "X", Path: "DIR"}.get(kinds[0], "NAME")


def _help(about: Option, unset: str) -> str:
    text = about.help
    if not all(choice in text for choice in about.choices):
        text += f" One of {listed(about.choices)}."
    return f"{text} Default: {unset}." if unset else text


def _shown(default: Any) -> Any:
    """Return a default as it is written on the command line."""
    if isinstance(default, tuple):
        return ",".join(map(str, default)) or None
    return str(default) if type(default) in (int, float) else default


def _value(one: Field[Any], given: Any) -> Any:
    """Return what was given as the field holds it: texts parsed, lists joined."""
    about: Option = one.metadata["option"]
    if isinstance(given, list):
        return tuple(part for text in given for part in _value(one, text))
    if not isinstance(given, str):
        return given
    name, kind = flag_of(one), kinds_of(one.type)[0]
    if about.parse is not None:
        return about.parse(name, given)
    if get_origin(kind) is tuple:
        element = get_args(kind)[0]
        return tuple(split(given)) if element is str else numbers(name, given, element)
    if kind in (int, float):
        return number(name, given, kind, about.domain)
    return Path(given) if kind is Path else given


class ExclusiveFlags(TyperCommand):
    """A command that refuses ``--flag`` with ``--no-flag``, of which the last would count."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words of a command line."""
        words = args[: args.index("--")] if "--" in args else args
        for one in self.params:
            for flag in set(one.opts) & set(words):
                for other in set(one.secondary_opts) & set(words):
                    raise InvalidOption(f"{flag} and {other} exclude each other; give one")
        return super().parse_args(ctx, args)
