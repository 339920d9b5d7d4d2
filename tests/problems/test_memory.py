"""How much memory may be taken: what is available now, in this control group."""

from pathlib import Path

import numpy as np
import pytest

import subsetopt as so
from subsetopt.problems import _memory

GIB = 2**30


def files(root: Path, contents: dict[str, object]) -> Path:
    for name, content in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")
    return root


MEMINFO: dict[str, object] = {"proc/meminfo": f"MemTotal: 1 kB\nMemAvailable: {16 * 2**20} kB"}


def test_what_the_kernel_says(tmp_path: Path) -> None:
    assert _memory.available_memory(files(tmp_path, MEMINFO)) == 16 * GIB


@pytest.mark.parametrize(
    ("contents", "wanted"),
    [
        # Version 2: cached files that are not in use count as free.
        (
            {
                "proc/self/cgroup": "0::/batch/job",
                "sys/fs/cgroup/batch/job/memory.max": "max",
                "sys/fs/cgroup/batch/job/memory.current": 7,
                "sys/fs/cgroup/batch/memory.max": 4 * GIB,
                "sys/fs/cgroup/batch/memory.current": 3 * GIB,
                "sys/fs/cgroup/batch/memory.stat": f"anon 5\ninactive_file {GIB}",
            },
            2 * GIB,
        ),
        # A container that sees only the top of its own tree.
        (
            {
                "proc/self/cgroup": "0::/docker/1234",
                "sys/fs/cgroup/memory.max": 2 * GIB,
                "sys/fs/cgroup/memory.current": GIB,
            },
            GIB,
        ),
        # Version 1, and a limit above what the machine has.
        (
            {
                "proc/self/cgroup": "9:cpu:/x\n4:hugetlb,memory:/a\n1:name=systemd:/",
                "sys/fs/cgroup/memory/a/memory.limit_in_bytes": 3 * GIB,
                "sys/fs/cgroup/memory/a/memory.usage_in_bytes": GIB,
                "sys/fs/cgroup/memory/a/memory.stat": f"total_inactive_file {GIB // 2}",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": 2**63 - 4096,
                "sys/fs/cgroup/memory/memory.usage_in_bytes": 5 * GIB,
            },
            2 * GIB + GIB // 2,
        ),
        # More used than allowed.
        (
            {
                "proc/self/cgroup": "0::/",
                "sys/fs/cgroup/memory.max": GIB,
                "sys/fs/cgroup/memory.current": 2 * GIB,
            },
            0,
        ),
        ({"proc/self/cgroup": "0::/nowhere"}, 16 * GIB),
    ],
)
def test_what_the_control_groups_leave(
    tmp_path: Path, contents: dict[str, object], wanted: int
) -> None:
    assert _memory.available_memory(files(tmp_path, {**MEMINFO, **contents})) == wanted


def test_a_system_that_says_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sysconf", lambda name: 1000, raising=False)
    assert _memory.available_memory(tmp_path) == 10**6

    def unknown(name: str) -> int:
        raise ValueError(name)

    monkeypatch.setattr("os.sysconf", unknown, raising=False)
    assert _memory.available_memory(tmp_path) == 8 * GIB


def test_the_limit_is_part_of_what_is_available(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _memory.available_memory() > 2**20
    monkeypatch.setattr(_memory, "available_memory", lambda: 4 * GIB)
    assert _memory.memory_limit() == 3 * GIB
    _memory.require_square("F", 10_000)
    with pytest.raises(so.TooLarge) as caught:
        _memory.require_square("F", 10**6)
    assert str(caught.value) == (
        "the 1000000 x 1000000 matrix of F would take 7.28 TiB, above the limit of 3 GiB, three "
        "quarters of the memory available now; give at most 20066 candidates, or take a machine "
        "with more memory"
    )


def test_memory_is_refused_with_the_estimate() -> None:
    _memory.require_memory("this", 1024, "fix", limit=1024)
    with pytest.raises(so.TooLarge) as caught:
        _memory.require_memory("this", 3 * GIB, "do that", limit=2**20)
    assert str(caught.value) == "this would take 3 GiB, above the limit of 1 MiB; do that"
    assert caught.value.bytes == 3 * GIB
    assert caught.value.seconds == 0


def test_float32_is_only_advised_where_it_helps() -> None:
    for dtype, advised in ((np.float64, True), (np.float32, False)):
        X = np.random.default_rng(0).normal(size=(50, 2)).astype(dtype)
        with pytest.raises(so.TooLarge) as caught:
            so.MMDSelection(X, 2, memory_limit=5000)
        assert ("float32 features" in str(caught.value)) == advised
        K = np.eye(50, dtype=dtype)
        with pytest.raises(so.TooLarge) as caught:
            so.MMDSelection(K, 2, [0], kernel="precomputed", memory_limit=5000)
        assert ("K as float32" in str(caught.value)) == advised
        with pytest.raises(so.TooLarge) as caught:
            so.sequence(X, 5, memory=5000, engine="matrix")
        assert ("float32 features" in str(caught.value)) == advised


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1 KiB"),
        (2**40, "1 TiB"),
        (2**52, "4096 TiB"),
        (2000, "1.95 KiB"),
    ],
)
def test_units(count: int, text: str) -> None:
    assert _memory.in_units(count) == text


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("123", 123),
        ("1e9", 10**9),
        ("500MB", 500 * 10**6),
        ("4GiB", 4 * GIB),
        ("1.5 kib", 1536),
        ("2tb", 2 * 10**12),
        ("7B", 7),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert _memory.memory_size("--memory", text) == size


@pytest.mark.parametrize("text", ["", "GiB", "-1", "0", "0.1", "4G", "1.2.3", "1e999", "nan"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(so.InvalidOption, match="--memory must be a number of bytes"):
        _memory.memory_size("--memory", text)
