"""``subsetopt warmup``: compilation of all kernels ahead of time."""

from typing import TYPE_CHECKING, Any

import typer

from subsetopt._options import option
from subsetopt.report._progress import shown

from . import exits
from .derived_options import json_flag
from .standard_streams import output_to_error, say, say_json

if TYPE_CHECKING:
    from subsetopt._warming import Warmed


def warmup(
    check: bool = option("List missing kernels without compiling; exit code 1 if any are.", False),
    as_json: bool = json_flag("Print one JSON object."),
) -> None:
    """Compile all kernels once, so that no later call waits for the compiler.

    They are kept for all processes of this machine, in the folder that is named at the end.

    Example: subsetopt warmup
    """
    from subsetopt import _warming

    jobs = list(_warming.jobs())
    done: list[Warmed] = []
    label = "check" if check else "compile"
    with output_to_error(), shown(label, len(jobs), unit="kernels", hidden=as_json) as steps:

        def told(result: "Warmed") -> None:
            done.append(result)
            steps.update(len(done), note=result.name)

        _warming.warm(jobs, told, check=check)
    if as_json:
        say_json(_plain(done, check))
    else:
        _show(done, check)
    missing = any(result.missing for result in done)
    raise typer.Exit(exits.NO_ANSWER if missing else exits.ANSWER)


def _plain(done: "list[Warmed]", check: bool) -> dict[str, Any]:
    from subsetopt import _warming

    return {
        "check": check,
        "seconds": sum(result.seconds for result in done),
        "compiled": sum(result.compiled for result in done),
        "missing": [result.name for result in done if result.missing],
        "folders": _warming.folders(),
        "kept": _warming.kept(),
        "kernels": done,
    }


def _show(done: "list[Warmed]", check: bool) -> None:
    facts = _plain(done, check)
    missing = facts["missing"]
    if missing:
        say(f"{len(missing)} of {len(done)} kernels are not compiled:")
        for name in missing:
            say(f"  {name}")
        say("compile them: subsetopt warmup")
    elif check:
        say(f"all {len(done)} kernels are compiled")
    else:
        say(f"{facts['compiled']} functions compiled in {facts['seconds']:.1f} s")
    where = "cache" if facts["kept"] else "cache (read-only: what is compiled is not kept)"
    say(f"{where}: {', '.join(facts['folders']) or 'none: no folder can be written'}")
