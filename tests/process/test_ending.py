"""Processes that end with the one that has started them."""

import signal
import subprocess
import sys

import pytest

from .watching import alive, wait_for  # type: ignore[import-not-found]

CHILD = """
import sys, time
{platform}
from subsetopt import _processes
parent = int(sys.argv[1])
{body}
"""
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())])
print(child.pid, flush=True)
time.sleep(600)
"""
ELSEWHERE = 'sys.platform = "elsewhere"'
FOR_GOOD = "_processes.end_with(parent); print('ready', flush=True); time.sleep(600)"
WITHIN = "with _processes.ending_with(parent): print('ready', flush=True); time.sleep(600)"
NATIVE = """_processes.end_with(parent)
import ctypes
print('ready', flush=True)
ctypes.PyDLL(None).sleep(600)  # holds the interpreter lock
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_ends_with_its_parent(ending: signal.Signals) -> None:
    _outlive(CHILD.format(platform="", body=FOR_GOOD), ending)


@pytest.mark.parametrize(
    ("platform", "body"),
    [
        (ELSEWHERE, FOR_GOOD),
        ("", WITHIN),
        pytest.param(
            "",
            NATIVE,
            marks=pytest.mark.skipif(sys.platform != "linux", reason="the kernel is to do it"),
        ),
    ],
)
def test_it_does_so_by_other_means_and_in_native_code(platform: str, body: str) -> None:
    _outlive(CHILD.format(platform=platform, body=body), signal.SIGKILL)


def _outlive(child: str, ending: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, child], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        told = [parent.stdout.readline().strip() for _ in range(2)]
        (number,) = (int(line) for line in told if line != "ready")
        assert "ready" in told
        assert alive(number)
        parent.send_signal(ending)
        assert parent.wait(60) == -ending
        wait_for(lambda: not alive(number))


def test_a_parent_that_has_ended_before_is_noticed() -> None:
    body = "_processes.end_with(parent); print('still here')"
    done = subprocess.run(
        [sys.executable, "-c", CHILD.format(platform="", body=body), "1"],
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")
