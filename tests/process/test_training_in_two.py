"""Two processes that train one model, with the variables by which torchrun tells them so."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("torch")

SCRIPT = """
import json, os, sys, torch
import torch._dynamo  # which DistributedDataParallel asks for
from pathlib import Path
from subsetopt.training.data._splits import Data, TensorSplit
from subsetopt.training.loop import Training
from subsetopt.training._process_group import join
from subsetopt.training.run import Run

x = torch.rand(96, 64, generator=torch.Generator().manual_seed(0))
x[17] = float("inf")  # in the part of one process, which sees no number before the other does
y = torch.arange(96) % 10
data = Data(TensorSplit(x, y), TensorSplit(x[:16], y[:16]), classes=10)
run = Run(task="digits", rule="obftf", budget=0.25, epochs=2, batch_size=32, lr=0.01)
other = os.fork()  # what is imported is imported once
rank = str(int(other == 0))
os.environ |= {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2"}
group = join("cpu")
result = Training(run, data, group=group).fit()
name = f"{group.ranks.rank}.json"
Path(sys.argv[1], name).write_text(json.dumps([result.facts["diverged"], result.steps]))
if other:
    sys.exit(os.waitpid(other, 0)[1])
"""


def test_processes_stop_together_when_one_diverges(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | place,
        start_new_session=True,
    )
    try:
        _, errors = process.communicate(timeout=120)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its children as well, if they hang
    assert process.returncode == 0, errors[-3000:]
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first == second
    assert first[0] == 1
