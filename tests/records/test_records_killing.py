"""Processes that are killed at any moment lose nothing that was written, and repeat nothing."""

import os
import random
import subprocess
import time
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from subsetopt.records import RecordStore, RecordStream

from .folders import ended, record, started  # type: ignore[import-not-found]

CONSUMER = """
import os, random, sys, time
from pathlib import Path
from subsetopt.records import RecordStore, RecordStream
def choose(losses, k, features):
    return random.sample(range(len(losses)), k)  # another one each time
root, notes = Path(sys.argv[1]), Path(sys.argv[2])
stream = RecordStream(RecordStore(root), "trainer", window=50, k=5, choose=choose)
print("open", flush=True)
for window in stream:
    target = notes / f"{window.number:06d}"
    text = "/".join(" ".join(map(str, one.tolist())) for one in (window.ids, window.chosen))
    if target.exists():
        assert target.read_text() == text, window.number
        continue
    beside = notes / ".beside"
    beside.write_text(text)
    os.replace(beside, target)
    time.sleep(0.002)
stream.close()
print("done", flush=True)
"""

WRITER = """
import sys, time
from pathlib import Path
from subsetopt.records import RecordWriter
root, name, journal = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
with RecordWriter(root, name, flush_records=10**9, flush_seconds=1000.0, durable=False) as writer:
    p = int(sys.argv[4])
    with journal.open("a") as noted:
        while True:
            ids = list(range(p, p + 5))
            writer.append(ids, [1.0] * 5)
            writer.flush()
            p += 5
            noted.write("".join(f"{one}\\n" for one in ids))
            noted.flush()
            time.sleep(0.02)
"""


def test_a_consumer_that_is_killed_trains_on_each_window_once(tmp_path: Path) -> None:
    root, notes = tmp_path / "records", tmp_path / "notes"
    notes.mkdir()
    for number, name in enumerate("abc"):
        record(root, name, 10, 100, first=10_000 * number)
    chance = random.Random(0)
    kills = 0
    end = time.monotonic() + 60.0
    while True:
        process = started(CONSUMER, root, notes)
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        if kills < 4:
            time.sleep(chance.uniform(0.0, 0.12))
            ended(process)
            kills += 1
            if kills == 2:
                RecordStore(root).compact(across_writers=True)
            continue
        out, complaints = process.communicate(timeout=60)
        assert out == "done\n", complaints
        break
    assert time.monotonic() < end
    written = sorted(notes.glob("[0-9]*"))
    assert [path.name for path in written] == [f"{p:06d}" for p in range(60)]
    ids = [int(one) for path in written for one in path.read_text().split("/")[0].split()]
    assert len(ids) == len(set(ids)) == 3000
    assert RecordStream(RecordStore(root), "trainer").cursor.lost == 0


def killed_writers(
    tmp_path: Path, writers: int, seconds: float, seed: int, kills: int = 0
) -> dict[str, int]:
    """Kill writers at random while all is read and compacted; return what has happened."""
    root = tmp_path / "records"
    record(root, "first", 1)
    chance = random.Random(seed)
    store = RecordStore(root)
    stream = RecordStream(store, "trainer", window=100, k=10)
    counts = {"kills": 0, "compactions": 0, "reads": 0}
    journals = [tmp_path / f"journal-{w}" for w in range(writers)]
    generation = [0] * writers
    due: list[float | None] = [None] * writers

    def start(w: int) -> "tuple[subprocess.Popen[str], int]":
        generation[w] += 1
        first = 10**9 * (w + 1) + 10**6 * generation[w]
        due[w] = None
        process = started(WRITER, root, f"w{w}", journals[w], first)
        return process, size(journals[w])

    running = [start(w) for w in range(writers)]
    streamed: Counter[int] = Counter()
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end or counts["kills"] < kills:
            for w, (process, before) in enumerate(running):
                assert process.poll() is None, process.communicate()
                moment = due[w]
                if moment is None and size(journals[w]) > before:  # it has begun to write
                    due[w] = time.monotonic() + chance.uniform(0.0, 0.8)
                elif moment is not None and time.monotonic() > moment:
                    ended(process)
                    counts["kills"] += 1
                    running[w] = start(w)
            known = noted(journals)
            assert known <= set(read(store))
            counts["reads"] += 1
            for window in islice(stream, 30):
                streamed.update(window.ids.tolist())
                stream.commit()
            if chance.random() < 0.5:
                across = chance.random() < 0.5
                store.compact(rows=chance.choice([500, 50_000]), across_writers=across)
                counts["compactions"] += 1
    finally:
        for process, _ in running:
            ended(process)
    found = read(store)
    assert len(found) == len(set(found))
    assert noted(journals) <= set(found)
    stream.window = max(1, stream.backlog)  # all that is left
    for window in stream:
        streamed.update(window.ids.tolist())
    assert set(streamed.values()) == {1}
    assert set(streamed) == set(found)
    assert stream.cursor.lost == 0
    assert store.info().left_out == {}
    store.compact()
    assert sorted(read(store)) == sorted(found)
    return {**counts, "records": len(found)}


def size(journal: Path) -> int:
    return journal.stat().st_size if journal.exists() else 0


def noted(journals: list[Path]) -> set[int]:
    """Return the ids that writers have noted as written; a last line may be half."""
    held = [path.read_text() for path in journals if path.exists()]
    return {int(line) for text in held for line in text[: text.rfind("\n") + 1].split()}


def read(store: RecordStore) -> list[int]:
    found = [block.ids for block in store.blocks(["loss"])]
    return [int(one) for one in np.concatenate(found)]


def test_writers_that_are_killed_lose_nothing_that_was_written(tmp_path: Path) -> None:
    counts = killed_writers(tmp_path, 2, 0.0, 0, kills=3)
    assert counts["records"] > 4


@pytest.mark.slow
def test_four_writers_that_are_killed_for_minutes(tmp_path: Path) -> None:
    seconds = float(os.environ.get("SUBSETOPT_KILL_SECONDS", "120"))
    counts = killed_writers(tmp_path, 4, seconds, random.randrange(2**32), kills=4)
    print(counts)
    assert counts["records"] > 1000
