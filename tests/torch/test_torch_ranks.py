"""Where collectives happen."""

from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")

from subsetopt.torch import _ranks  # noqa: E402


@pytest.mark.parametrize(
    ("served", "device"), [("cpu:gloo,cuda:gloo", "cpu"), ("meta:nccl", "meta"), ("cpu:mpi", "cpu")]
)
def test_losses_are_sent_by_a_device_that_the_group_serves(
    served: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def all_gather(found: Any, sent: Any, group: Any = None) -> None:
        seen.extend([sent.device.type, *(one.device.type for one in found)])
        raise ZeroDivisionError

    monkeypatch.setattr(torch.distributed, "get_backend_config", lambda group=None: served)
    monkeypatch.setattr(torch.distributed, "all_gather", all_gather)
    with pytest.raises(ZeroDivisionError):
        _ranks.gathered(torch.rand(3), [3, 3], None)
    assert seen == [device] * 3
