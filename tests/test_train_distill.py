"""A smaller fast network learns to paint what a larger one does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from livestyle.looks.style import STYLE_NUMBERS
from livestyle.model.fast import FastConfig, FastModel
from livestyle.model.weights import manifest
from tests.training import CPU, log_of, tiny_flags
from train.distill import NOISE, DistillRecipe, Flags, from_worse_camera, narrowed, other_shares, train
from train.distributed import Team

LARGE = FastConfig(half=24, quarter=40, eighth=56, blocks=3, kernel=3)


@pytest.fixture(scope="module")
def teacher() -> FastModel:
    torch.manual_seed(0)
    return FastModel(LARGE).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def flags(teacher: FastModel, tmp_path_factory: pytest.TempPathFactory) -> Flags:
    tiny = tiny_flags(tmp_path_factory.mktemp("distill"))
    file = tmp_path_factory.mktemp("teacher") / "fast.safetensors"
    save_file(teacher.state_dict(), file)
    return Flags(
        content=tiny.content, style=tiny.style, out=tiny.out, encoder_weights=tiny.encoder_weights, teacher=file,
        steps=20, batch=2, crop=32, scale_min=1.0, scale_max=1.5, style_side=40, lr=2e-3, workers=0, log_every=1,
        sample_side=32, tensorboard=False, device="cpu",
    )  # fmt: skip


def painted(model: FastModel) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    numbers = torch.rand(1, STYLE_NUMBERS, generator=generator)
    return model.painted(torch.rand(1, 3, 32, 48, generator=generator), numbers, 1.0)


def test_a_network_of_the_same_shape_begins_as_the_teacher(teacher: FastModel) -> None:
    torch.testing.assert_close(painted(narrowed(teacher, LARGE)), painted(teacher))


def test_channels_without_weight_are_the_ones_that_go(teacher: FastModel) -> None:
    """A teacher that could do with fewer channels loses nothing."""
    spare = FastModel(LARGE).requires_grad_(False)
    spare.load_state_dict(teacher.state_dict())
    net, channels = spare.net, 8
    for layer in (net.out, net.down1, net.merge2, net.up2, net.down2, net.merge1):
        layer.weight[:, -channels:] = 0
    config = replace(LARGE, half=LARGE.half - channels, quarter=LARGE.quarter - channels)
    torch.testing.assert_close(painted(narrowed(spare, config)), painted(spare))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (replace(LARGE, eighth=64), "eighth 56, less than the 64"),
        (replace(LARGE, directions=64), "directions 128, the network to be trained 64"),
    ],
)
def test_a_teacher_that_has_less_is_refused(teacher: FastModel, config: FastConfig, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        narrowed(teacher, config)


def test_fewer_blocks_keep_the_styles_of_the_later_layers(teacher: FastModel) -> None:
    direct = narrowed(teacher, replace(LARGE, blocks=2)).projection.direct.weight
    kept = teacher.projection.direct.weight.chunk(2)[0][-2 * LARGE.half :]
    torch.testing.assert_close(direct.chunk(2)[0][-2 * LARGE.half :], kept)


def test_it_comes_closer_to_the_teacher(flags: Flags, teacher: FastModel, tmp_path: Path) -> None:
    train(replace(flags, out=tmp_path))
    rows = [row for row in log_of(tmp_path) if "lr" in row]
    assert set(rows[0]) == {"step", "lr", "picture", "edges"}
    first, last = (sum(row["picture"] for row in part) for part in (rows[:5], rows[-5:]))
    assert last < 0.8 * first
    assert manifest(tmp_path / "weights")["fast"].arch == "fast"


def test_a_worse_camera_adds_noise_and_nothing_else() -> None:
    content = torch.full((2, 3, 31, 40), 0.5)
    noise = from_worse_camera(content, 1, range(4, 6)) - content
    assert 0 < noise.std() < 1.2 * NOISE and noise.mean().abs() < 1e-3
    assert torch.equal(noise[1:], from_worse_camera(content[1:], 1, range(5, 6)) - content[1:])
    assert not torch.equal(noise[0], noise[1])


def test_half_of_the_styles_are_blends() -> None:
    shares = other_shares(0, range(200))[:, 0]
    assert 60 < int((shares == 0).sum()) < 140 and shares.min() == 0 and 0.9 < shares.max() < 1
    assert torch.equal(other_shares(0, range(7, 9)), shares[7:9, None])


def test_two_processes_see_what_one_would_have_seen(flags: Flags, tmp_path: Path) -> None:
    (whole, first, second) = (
        next(DistillRecipe(replace(flags, out=tmp_path), Team(rank, size, CPU)).batches(3))
        for rank, size in ((0, 1), (0, 2), (1, 2))
    )
    for part in ("content", "noisy", "numbers"):
        torch.testing.assert_close(torch.cat([getattr(first, part), getattr(second, part)]), getattr(whole, part))
    assert whole.at == first.at == second.at


@pytest.mark.parametrize(("data", "said"), [(b"no weights", "no whole safetensors file"), (None, "no fast network")])
def test_what_is_no_teacher_is_refused(flags: Flags, tmp_path: Path, data: bytes | None, said: str) -> None:
    file = tmp_path / "teacher.safetensors"
    if data is None:
        save_file({"weight": torch.zeros(2)}, file)
    else:
        file.write_bytes(data)
    with pytest.raises(ValueError, match=said):
        train(replace(flags, teacher=file, out=tmp_path / "out"))


def test_a_teacher_of_the_same_shape_is_refused(flags: Flags, tmp_path: Path) -> None:
    file = tmp_path / "teacher.safetensors"
    save_file(FastModel().state_dict(), file)
    with pytest.raises(ValueError, match="is no larger"):
        train(replace(flags, teacher=file, out=tmp_path / "out"))
