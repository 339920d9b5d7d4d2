"""Options: one declaration for the check, the docstring and the command line."""

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from subsetopt._options import check, documented, keywords, numbers, option, split
from subsetopt.cli.derived_options import Given, Values, command, output_file
from subsetopt.errors import InvalidOption


@documented
@dataclass(frozen=True, kw_only=True)
class Baking:
    """How bread is baked."""

    flour: float = option("Grams of flour.", gt=0, metavar="G")
    loaves: int = option("Number of loaves.", 1, ge=1, le=9, flags=("--loaves", "-n"))
    water: float | None = option("Share of water.", None, ge=0, lt=1, unset="the recipe's")
    crust: str = option("Crust of the bread.", "soft", choices=("soft", "hard"))
    seeds: tuple[int, ...] = option("Seeds of the oven.", (0, 1), ge=0, metavar="I,...")
    steam: bool = option("Bake with steam.", False)
    minutes: float | None = option("Minutes of steam.", None, gt=0, needs="steam")
    oil: float | None = option("Grams of oil.", None, needs="crust=hard")
    spice: float | None = option("Grams of spice.", None, needs="crust=hard|rye")
    name: str = option("Name of the baker.", "")

    def __post_init__(self) -> None:
        check(self)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"flour": 0}, "flour must be a number > 0; got 0"),
        ({"flour": float("nan")}, "flour must be a number > 0; got nan"),
        ({"flour": "much"}, r"flour must be a number > 0; got 'much' \(str\)"),
        ({"flour": None}, r"flour must be a number > 0; got None \(NoneType\)"),
        ({"loaves": 10}, r"loaves must be an integer in \[1, 9\]; got 10"),
        ({"loaves": 2.0}, r"loaves must be an integer in \[1, 9\]; got 2.0 \(float\)"),
        ({"loaves": True}, r"loaves must be an integer in \[1, 9\]; got True \(bool\)"),
        ({"water": 1.0}, r"water must be a number in \[0, 1\); got 1.0"),
        ({"crust": "none"}, "crust must be soft or hard; got 'none'"),
        ({"seeds": ()}, "seeds must be distinct integers >= 0; got none"),
        ({"seeds": (1, 1)}, "seeds must be distinct integers >= 0; got 1, 1"),
        ({"seeds": (1, -1)}, "seeds must be distinct integers >= 0; got 1, -1"),
        ({"steam": 1}, "steam must be True or False; got 1"),
        ({"minutes": 5}, "minutes needs steam"),
        ({"seeds": ([1],)}, r"seeds must be distinct integers >= 0; got \[1\]"),
        ({"oil": 5, "crust": "soft"}, "oil needs crust hard"),
        ({"spice": 5}, "spice needs crust hard or rye"),
        ({"name": 3}, "name must be a string; got 3"),
    ],
)
def test_values_outside_their_domains(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        Baking(**{"flour": 500.0, **changes})


def test_values_inside() -> None:
    made = Baking(flour=np.float32(500), loaves=np.int64(9), oil=1, crust="hard")  # type: ignore[arg-type]
    assert (type(made.flour), type(made.loaves)) == (float, int)
    assert Baking(flour=1, steam=True, minutes=2).minutes == 2


def test_the_docstring_says_all() -> None:
    assert Baking.__doc__ is not None
    assert Baking.__doc__.startswith(
        "How bread is baked.\n\nParameters\n----------\nflour : float\n"
    )
    assert "    Number of loaves. It must be in [1, 9].\n" in Baking.__doc__
    assert "water : float, optional\n" in Baking.__doc__
    assert "    Crust of the bread. One of soft or hard.\n" in Baking.__doc__


def test_texts_become_lists() -> None:
    assert split("a, b:c=(1,2) ,,d") == ["a", "b:c=(1,2)", "d"]
    assert numbers("--x", "1, 2.5", float) == (1.0, 2.5)
    for text in ("", "1,a"):
        with pytest.raises(InvalidOption, match="--x must be integers separated by commas"):
            numbers("--x", text, int)


# -- the command line -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class KitchenOptions:
    """Where it is baked."""

    oven: str = option("Oven to bake in.", argument=True, metavar="OVEN")
    guests: tuple[str, ...] = option("Guests.", ("me",), metavar="NAME,...", repeatable=True)
    out: Path | None = output_file("File for the recipe", ".txt")
    warm: bool | None = option("Whether it is warm.", None)


_PART = ("loaves", "water", "crust", "seeds", "steam", "minutes")
SEEN: list[Any] = []


def bake(
    kitchen: KitchenOptions,
    given: Annotated[Values, Given(Baking, _PART, unset="")],
    whole: Annotated[Values, Given(Baking, ("flour", "name"), panel="Other")],
) -> None:
    """Bake."""
    SEEN.append((kitchen, given, whole))


def run(*words: str) -> Any:
    app = typer.Typer(add_completion=False)
    app.command()(command(bake))
    SEEN.clear()
    return CliRunner().invoke(app, [*words], env={"COLUMNS": "80"})


def test_options_fill_dataclasses(tmp_path: Path) -> None:
    out = tmp_path / "a.txt"
    result = run(
        *("gas", "--flour", "3", "-n", "2", "--seeds", "3,4", "--steam", "--minutes", "5"),
        *("--guests", "a,b", "--guests", "c", "--out", str(out), "--no-warm"),
    )
    assert result.exit_code == 0, result.output
    [(kitchen, given, whole)] = SEEN
    assert kitchen == KitchenOptions(oven="gas", guests=("a", "b", "c"), out=out, warm=False)
    assert given == {"loaves": 2, "seeds": (3, 4), "steam": True, "minutes": 5.0}
    assert whole == {"flour": 3.0, "name": ""}


def test_what_is_not_given_is_left_out() -> None:
    assert run("gas", "--flour", "3").exit_code == 0
    [(kitchen, given, _)] = SEEN
    assert kitchen == KitchenOptions(oven="gas")
    assert given == {}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--loaves", "10"), "--loaves must be an integer in [1, 9]; got 10"),
        (("--seeds", "a"), "--seeds must be integers separated by commas; got 'a'"),
        (("--minutes", "1"), "--minutes needs --steam"),
        (("--crust", "no"), "--crust must be soft or hard; got 'no'"),
        (("--out", "a.doc"), "a.doc has the suffix '.doc'"),
        (("--out", "nowhere/a.txt"), "no such folder"),
    ],
)
def test_messages_name_flags(words: tuple[str, ...], message: str) -> None:
    result = run("gas", "--flour", "3", *words)
    assert message in str(result.exception)
    assert not SEEN


def test_the_help_groups_options_and_says_defaults() -> None:
    shown = " ".join(run("--help").output.replace("│", " ").split())
    assert "Share of water. Default: the recipe's." in shown
    assert "Crust of the bread. One of soft or hard. Default: soft." in shown
    assert "Number of loaves. Default: 1." in shown
    assert "Guests. [default: me]" in shown
    assert "File for the recipe: .txt." in shown
    assert " Baking " in shown
    assert " Other " in shown


@keywords(Baking)
def toast(place: str, guests: int = 2, **baking: Any) -> Baking:
    """Toast.

    Parameters
    ----------
    guests : int
    **baking
    """
    return Baking(**baking)


def test_a_function_states_the_options_that_it_takes_by_keyword() -> None:
    assert toast("home", flour=3.0, loaves=2) == Baking(flour=3.0, loaves=2)
    shown = str(inspect.signature(toast))
    assert shown.startswith("(place: str, guests: int = 2, *, flour: float, loaves: int = 1, water")
    described = inspect.getdoc(toast) or ""
    assert "guests : int\nflour : float\n    Grams of flour. It must be > 0." in described
    assert "Share of water. It must be in [0, 1). None: the recipe's." in described
    assert "seeds : sequence of int\n" in described
    with pytest.raises(TypeError, match=r"toast\(\) got an unexpected keyword argument 'flower'"):
        toast("home", flour=3.0, flower=3.0)
