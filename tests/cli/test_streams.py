"""Standard streams that are closed, full, endless, or read by nobody."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOLVE = ("solve", "mean-matching", "v.csv", "-k", "2", "--solver", "stride")
LIMITED = "ulimit -v 4000000; "


def run(line: str, folder: Path) -> tuple[int, str, str]:
    """Run a line of a shell with ``$S`` for the command; return what came of it."""
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env={**os.environ, "S": f"{sys.executable} -m subsetopt"},
        capture_output=True,
        timeout=120,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "v.csv").write_text("1.5\n2.5\n3.5\n")
    return tmp_path


@pytest.mark.parametrize("words", ["solvers", "--help", " ".join(SOLVE)])
def test_closed_output(words: str, folder: Path) -> None:
    code, _, error = run(f"$S {words} >&-", folder)
    assert (code, error) == (
        2,
        "error: standard output is closed; send it to a file, or to /dev/null\n",
    )


@pytest.mark.parametrize("words", ["--help", "--version", "solvers --json", " ".join(SOLVE)])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk(words: str, folder: Path) -> None:
    code, _, error = run(f"$S {words} > /dev/full", folder)
    assert (code, error) == (2, "error: standard output: No space left on device\n")


def test_closed_input_and_error(folder: Path) -> None:
    solve = " ".join(SOLVE)
    code, out, error = run(f"$S {solve} --json <&-", folder)
    assert (code, error) == (0, "")
    wanted = out
    code, _, error = run(f"$S {solve.replace('v.csv', '-')} <&-", folder)
    assert (code, error.count("\n")) == (2, 1)
    assert error.startswith("error: standard input is closed")
    code, out, error = run(f"$S {solve} --json --out o.npy 2>&-", folder)
    assert (code, out[:20], error) == (0, wanted[:20], "")
    assert (folder / "o.npy").read_bytes().startswith(b"\x93NUMPY")  # nothing else landed in it
    assert run(f"$S {solve.replace('2', '9')} 2>&-", folder) == (2, "", "")


@pytest.mark.parametrize("words", ["--help", "solvers", "solvers --json", "known list"])
def test_nobody_reads(words: str, folder: Path) -> None:
    code, _, error = run(f"$S {words} | true; exit ${{PIPESTATUS[0]}}", folder)
    assert error == ""
    assert code in (0, 141)  # 0 where all was written before the reader had gone


def test_help_that_nobody_reads(folder: Path) -> None:
    code, _, error = run(
        "$S solve mmd --help | (exec <&-; sleep 0.1); exit ${PIPESTATUS[0]}", folder
    )
    assert (code, error) == (141, "")


def test_endless_input_within_little_memory(folder: Path) -> None:
    line = f"{LIMITED} $S {' '.join(SOLVE).replace('v.csv', '-')} < /dev/zero"
    code, out, error = run(line, folder)
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert error.startswith("error: standard input: has more than")


def test_what_a_shell_has_opened(folder: Path) -> None:
    solve = " ".join(SOLVE)
    for words in (solve.replace("v.csv", "<(cat v.csv)"), solve.replace("v.csv", "/dev/stdin")):
        code, out, error = run(f"cat v.csv | $S {words} --json", folder)
        assert (code, error) == (0, "")
        assert '"n": 3' in out


def test_ctrl_c_while_commands_are_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from subsetopt import cli
    from subsetopt.cli import commands

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "run", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "error: interrupted\n")
