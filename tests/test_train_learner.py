"""The network in training: Adam, clipping, the average that ships, and going back to a state."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.training import assert_same_state
from train import checkpoint
from train.learner import Learner


@dataclass(frozen=True)
class Flags:
    out: Path = Path("runs/x")
    lr: float = 0.1


def network(outputs: int = 2) -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(3, outputs)


def learner(*, lr: float = 0.1, ema: float = 0.0, clip: float = 0.0) -> Learner:
    return Learner(network(), lr=lr, ema=ema, clip=clip)


def loss_of(model: nn.Module, step: int) -> Tensor:
    inputs = torch.randn(4, 3, generator=torch.Generator().manual_seed(step))
    return model(inputs).square().sum()


def teach(pupil: Learner, steps: range, lr: float = 0.1) -> Learner:
    for step in steps:
        pupil.update(loss_of(pupil.model, step), step, lr)
    return pupil


def weights(pupil: Learner) -> Tensor:
    return torch.cat([p.detach().flatten() for p in pupil.model.parameters()])


def test_updates_are_adams_at_the_rate_of_each_step() -> None:
    pupil, plain = learner(lr=99.0), network()
    adam = torch.optim.Adam(plain.parameters(), lr=99.0)
    for step, lr in enumerate((0.1, 0.03, 0.5)):
        pupil.update(loss_of(pupil.model, step), step, lr)
        adam.param_groups[0]["lr"] = lr
        adam.zero_grad()
        loss_of(plain, step).backward()
        adam.step()
    assert torch.equal(weights(pupil), torch.cat([p.detach().flatten() for p in plain.parameters()]))


def test_the_gradients_norm_is_clipped() -> None:
    for clip, expected in ((0.5, 0.5), (1e9, None), (0.0, None)):
        pupil = teach(learner(clip=clip), range(1))
        norm = torch.cat([p.grad.flatten() for p in pupil.model.parameters() if p.grad is not None]).norm().item()
        assert norm == pytest.approx(expected, rel=1e-4) if expected else norm > 1


def test_a_young_average_forgets_faster() -> None:
    pupil = learner(ema=0.9)
    expected = weights(pupil)
    for step in range(200):
        teach(pupil, range(step, step + 1))
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weights(pupil)
        average = torch.cat([v.flatten() for v in pupil.average.values()])
        torch.testing.assert_close(average, expected, rtol=1e-4, atol=1e-6)
    assert pupil.shipped() is pupil.average


def test_without_an_average_the_last_weights_ship() -> None:
    pupil = teach(learner(ema=0.0), range(3))
    assert all(torch.equal(v, pupil.model.state_dict()[k]) for k, v in pupil.shipped().items())
    assert all(torch.equal(v, pupil.average[k]) for k, v in pupil.shipped().items())


def test_forgotten_gradients_make_the_next_step_as_long_as_the_first() -> None:
    """Adam's first step moves every weight by lr, whatever the gradient."""
    pupil = teach(learner(), range(5))
    before = weights(pupil)
    pupil.forget_gradients()
    teach(pupil, range(5, 6), lr=0.25)
    torch.testing.assert_close((weights(pupil) - before).abs(), torch.full((8,), 0.25), rtol=1e-3, atol=0)


def test_a_state_goes_through_a_checkpoint_and_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    whole = teach(learner(ema=0.9, clip=1.0), range(4))
    checkpoint.save(tmp_path, 4, whole.state(4, Flags()))
    noise = torch.rand(3)
    teach(whole, range(4, 8))

    state = checkpoint.load_latest(tmp_path)
    assert state is not None and state["flags"] == '{"out": "runs/x", "lr": 0.1}'
    resumed = learner(ema=0.9, clip=1.0)
    torch.manual_seed(99)
    assert resumed.restore(state) == 4
    assert torch.equal(torch.rand(3), noise)
    teach(resumed, range(4, 8))
    torch.manual_seed(5)
    ended = resumed.state(8, Flags())
    torch.manual_seed(5)
    assert_same_state(ended, whole.state(8, Flags()))


def test_another_networks_state_is_refused_in_one_line() -> None:
    for state in (Learner(network(4), lr=0.1, ema=0, clip=0).state(1, Flags()), {"step": 1, "decoder": {}}):
        with pytest.raises(ValueError, match="the checkpoint does not fit") as error:
            learner().restore(state)
        assert "\n" not in str(error.value)


def test_weights_that_are_not_finite_are_not_saved() -> None:
    pupil = teach(learner(), range(2))
    assert pupil.state(2, Flags())["step"] == 2
    with torch.no_grad():
        next(pupil.model.parameters())[0, 0] = float("inf")
    with pytest.raises(FloatingPointError, match="step 3: weights are not finite: lower --lr"):
        pupil.state(3, Flags())
