"""Files that are there whole or not at all, whoever writes and whatever ends it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from subsetopt._files import replacing

KILLED = """
import os, signal, sys
from subsetopt._files import replacing
with replacing(sys.argv[1]) as stream:
    stream.write(b"half of what was to be written")
    stream.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_next_writer_takes_what_a_killed_one_has_left(tmp_path: Path) -> None:
    path = tmp_path / "indices.txt"
    path.write_bytes(b"before")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"before"
    assert len(list(tmp_path.iterdir())) == 2
    with replacing(path) as stream:
        stream.write(b"after")
    assert path.read_bytes() == b"after"
    assert list(tmp_path.iterdir()) == [path]


def test_writers_at_the_same_time_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "indices.txt"
    with replacing(path) as first:
        first.write(b"first, and long")
        with replacing(path) as second:
            second.write(b"second")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first, and long"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "indices.txt"
    with pytest.raises(OSError, match="disk"), replacing(path):
        raise OSError("the disk is full")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_through_a_link_that_somebody_has_put_there(tmp_path: Path) -> None:
    path, victim = tmp_path / "indices.txt", tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / ".indices.txt.part").symlink_to(victim)
    with replacing(path) as stream:
        stream.write(b"mine")
    assert (path.read_bytes(), victim.read_bytes()) == (b"mine", b"precious")
    assert not path.is_symlink()


def test_the_mode_is_that_of_any_new_file(tmp_path: Path) -> None:
    path = tmp_path / "indices.txt"
    with replacing(path) as stream:
        stream.write(b"mine")
    (tmp_path / "plain").touch()
    assert os.stat(path).st_mode == os.stat(tmp_path / "plain").st_mode


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, before[1]))  # as if 64 KiB were left
    try:
        with pytest.raises(OSError, match="too large") as caught, replacing(tmp_path / "a") as file:
            file.write(bytes(2**20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.filename == str(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
