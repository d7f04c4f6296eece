"""Two processes train as one does on their common batch; only the first writes and talks."""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from livestyle.model.decoder import Decoder
from livestyle.model.weights import network_entries
from tests.training import CPU, arguments, log_of, read_until, start, tiny_flags
from train import checkpoint
from train.crops import Share
from train.decoder import initialised, train
from train.distributed import Team, team

TORCHRUN = (
    "-m", "torch.distributed.run", "--nproc-per-node", "2", "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"
)  # fmt: skip


def flat(tensors: dict[str, Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors.values()])


def newest(out: Path) -> checkpoint.State:
    state = checkpoint.load_latest(out)
    assert state is not None
    return state


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch is built without torch.distributed")
def test_two_processes_are_one_and_a_signal_to_torchrun_leaves_a_checkpoint(tmp_path: Path) -> None:
    """Weights differ by 0.02 to 0.05 % of the way they went: the order of sums, which Adam enlarges.

    A process that trained on its own half of the batch would be off by 14 %.
    """
    torch.manual_seed(0)
    weights = initialised(Decoder("vgg16")).state_dict()
    save_file(weights, tmp_path / "begin.safetensors")
    begin = flat(weights)
    flags = replace(
        tiny_flags(tmp_path), out=tmp_path / "two", init=tmp_path / "begin.safetensors", steps=60, batch=4, warmup=2,
        identity_share=0.3, lr=1e-6, warmup_lr=1e-6,
    )  # fmt: skip
    process = start(*TORCHRUN, "-m", "train.decoder", *arguments(flags))
    try:
        said = read_until(process, "step 1/")
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    two = newest(flags.out)
    done = two["step"]
    assert 0 < done < 60 and done % 10 == 0, said + rest  # they agree to stop at every tenth step
    assert "cpu x 2" in said
    assert re.findall(r"^step (\d+)/60 ", said + rest, re.MULTILINE) == [str(n + 1) for n in range(done)]
    assert [row["step"] for row in log_of(flags.out)] == [*range(1, done + 1), done]
    assert {path.name for path in flags.out.iterdir()} == {
        f"step-{done:07d}.pt", f"samples-{done:07d}.png", "weights", "flags.json", "log.jsonl"
    }  # fmt: skip
    network_entries(flags.out / "weights")

    alone = replace(flags, out=tmp_path / "one", steps=done)
    train(alone)
    one = newest(alone.out)
    for part in ("model", "average"):
        way = (flat(one[part]) - begin).norm()
        apart = (flat(one[part]) - flat(two[part])).norm()
        assert apart / way < 2e-3, part


def test_alone_without_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    with team("cpu") as crew:
        assert crew == Team(0, 1, CPU) and crew.leads and crew.share == Share(0, 1)
        assert [crew.any_at(step, flag) for step, flag in ((1, True), (10, False), (3, True))] == [True, False, True]
        module = torch.nn.Linear(1, 1)
        assert crew.wrap(module) is module
        crew.wait()


def test_a_process_that_does_not_lead_stops_when_another_asks_to(monkeypatch: pytest.MonkeyPatch) -> None:
    crew = Team(1, 2, CPU)
    assert not crew.leads and crew.share == Share(1, 2)
    assert not crew.any_at(7, True)  # nobody is asked between the tenths
    for others, own, expected in ((0, False, False), (1, False, True), (0, True, True), (1, True, True)):
        monkeypatch.setattr(torch.distributed, "all_reduce", lambda votes, others=others: votes.add_(others))
        assert crew.any_at(20, own) is expected


@pytest.mark.parametrize(("size", "batch"), [(2, 3), (2, 1), (1, 0), (4, 6), (3, -3)])
def test_a_batch_that_cannot_be_shared_out_is_refused(size: int, batch: int) -> None:
    with pytest.raises(ValueError, match=f"--batch {batch} is for all {size} processes .*: give a multiple of {size}"):
        Team(0, size, CPU).check_batch(batch)
    Team(0, size, CPU).check_batch(12)
