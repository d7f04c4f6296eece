"""The fast network's training, in small: it learns, it resumes exactly, its weights folder is whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from livestyle.looks.style import STYLE_NUMBERS
from livestyle.model.build import build_model
from livestyle.model.fast import LARGE, FastConfig, FastModel
from livestyle.model.losses import deep_structure_loss, structure_loss, style_targets
from livestyle.model.vgg import VGGEncoder
from livestyle.model.weights import manifest
from tests.training import log_of, tiny_flags
from train import checkpoint
from train.fast import Batch, Flags, Objective, Seen, coarsely_seen, seen_again, steady_loss, style_numbers, train


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> Flags:
    tiny = tiny_flags(tmp_path_factory.mktemp("fast"))
    return Flags(
        content=tiny.content, style=tiny.style, out=tiny.out, encoder_weights=tiny.encoder_weights, steps=6, batch=2,
        crop=32, scale_min=1.0, scale_max=1.5, style_side=40, lr=1e-3, workers=0, log_every=1, sample_side=32,
        tensorboard=False, device="cpu",
    )  # fmt: skip


def losses(out: Path) -> list[dict[str, float]]:
    return [row for row in log_of(out) if "lr" in row]


def test_it_learns_without_style_first_and_then_with(flags: Flags, tmp_path: Path) -> None:
    flags = replace(flags, out=tmp_path, steps=40, warmup=30, warmup_lr=2e-3, ema=0.9)
    train(flags)
    rows = losses(flags.out)
    assert [row["step"] for row in rows] == list(range(1, 41))
    assert set(rows[0]) & set(rows[-1]) == {"step", "lr", "identity"}
    assert rows[29]["identity"] < 0.6 * rows[0]["identity"]
    assert {"content", "tone", "style", "color", "tv", "steady"} <= set(rows[-1])
    assert manifest(tmp_path / "weights")["fast"].arch == "fast"
    weights = load_file(tmp_path / "weights" / "fast.safetensors")
    assert {v.dtype for v in weights.values()} == {torch.float16}
    FastModel().load_state_dict({k: v.float() for k, v in weights.items()}, strict=True)
    assert weights["projection.center"].abs().sum() > 0


def test_the_large_shape_is_trained_and_taken(flags: Flags, tmp_path: Path) -> None:
    train(replace(flags, out=tmp_path, steps=2, large=True))
    painter, _ = build_model("fast", tmp_path / "weights")
    assert painter.network.config == LARGE


def test_training_goes_on_from_weights_of_any_shape(flags: Flags, tmp_path: Path) -> None:
    shape = FastConfig(half=8, quarter=16, eighth=24, blocks=1, kernel=3)
    given = tmp_path / "given.safetensors"
    save_file(FastModel(shape).state_dict(), given)
    train(replace(flags, out=tmp_path / "run", steps=1, lr=0.0, init=given))
    trained = load_file(tmp_path / "run" / "weights" / "fast.safetensors")
    assert FastConfig.of(trained) == shape
    for name, value in load_file(given).items():
        torch.testing.assert_close(trained[name].float(), value, rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError, match="given.safetensors holds a network of another shape"):
        train(replace(flags, out=tmp_path / "other", init=given, large=True))
    with pytest.raises(ValueError, match="--init .*encoder.safetensors holds no fast network"):
        train(replace(flags, out=tmp_path / "other", init=flags.encoder_weights))


def test_six_steps_are_three_and_resume_and_three(flags: Flags, tmp_path: Path) -> None:
    for out, steps, resume in (("whole", 6, ""), ("halves", 3, ""), ("halves", 6, "auto")):
        train(replace(flags, out=tmp_path / out, steps=steps, resume=resume, warmup=2, ema=0.9))
    whole, halves = (checkpoint.load_latest(tmp_path / out) for out in ("whole", "halves"))
    assert whole is not None and halves is not None
    for part in ("model", "average"):
        assert all(torch.equal(v, halves[part][k]) for k, v in whole[part].items())
    assert torch.equal(whole["random"], halves["random"])


@pytest.mark.parametrize("step", range(4))
def test_a_scene_seen_again_overlaps_itself(step: int) -> None:
    ramp = torch.linspace(0.2, 0.7, 64).view(1, 1, 1, 64) * torch.linspace(0.5, 1, 64).view(1, 1, 64, 1)
    content = ramp.expand(2, 3, 64, 64).clone()
    again, shift = seen_again(content, 1, step, range(2))
    assert again.shape == content.shape and max(map(abs, shift)) <= 8
    assert steady_loss(content, again, shift) < 0.06  # gain and noise alone
    dy, dx = shift
    if abs(dx) + abs(dy) > 6:
        assert steady_loss(content, again, (-dy, -dx)) > 1.2 * steady_loss(content, again, shift)
    assert torch.equal(seen_again(content, 1, step, range(2))[0], again)


def test_half_the_side_is_seen_in_turns(flags: Flags, tmp_path: Path) -> None:
    pictures = torch.rand(2, 3, 32, 32)
    assert torch.equal(Seen().of(pictures), pictures)
    places = [coarsely_seen(3, step, 32) for step in range(40)]
    assert all(place.smaller for place in places[1::2])
    torch.testing.assert_close(places[1].of(pictures), F.interpolate(pictures, scale_factor=0.5, mode="area"))
    corners = [place.corner for place in places[::2] if place.corner]
    assert len(corners) == 20 and len(set(corners)) > 10
    rows, columns = zip(*corners, strict=True)
    assert 0 <= min(rows + columns) < 5 and 12 < max(rows + columns) <= 16
    top, left = corners[0]
    assert torch.equal(places[0].of(pictures), pictures[:, :, top : top + 16, left : left + 16])
    encoder, model = VGGEncoder(), FastModel()
    sides = []
    encoder.register_forward_pre_hook(lambda _, inputs: sides.append(inputs[0].shape[2]))
    style = style_targets(pictures, encoder(pictures))
    Objective(encoder, model)(Batch(pictures, pictures, (0, 0), style, seen=places[1]))
    assert sides == [32, 16, 16]
    train(replace(flags, out=tmp_path, steps=2, coarse=True))
    assert len(losses(tmp_path)) == 2


def test_structure_does_not_ask_for_statistics() -> None:
    torch.manual_seed(0)
    features = torch.rand(1, 8, 6, 6)
    assert structure_loss(3 * features + 2, features) < 1e-4 < structure_loss(features.flip(3), features)


def test_every_channel_of_the_structure_counts_alike() -> None:
    """In the squared distance of features, the one that varies a hundred times more is nearly all there is."""
    torch.manual_seed(0)
    photograph = [torch.rand(1, 8, 6, 6) for _ in range(4)]
    gains = torch.tensor([100.0, *[1.0] * 7]).view(1, 8, 1, 1)

    def wrong_in(channel: int) -> list[torch.Tensor]:
        taps = [tap.clone() for tap in photograph]
        for tap in taps:
            tap[:, channel] = photograph[0][:, 0].flip(2)
        return [gains * tap for tap in taps]

    losses = [
        deep_structure_loss(wrong_in(channel), [gains * tap for tap in photograph]).item() for channel in range(8)
    ]
    assert min(losses) > 0.5 * max(losses) > 0
    tap_by_tap = structure_loss(wrong_in(1)[3], photograph[3]) + 0.5 * structure_loss(wrong_in(1)[2], photograph[2])
    assert losses[1] == pytest.approx(tap_by_tap.item(), rel=1e-4)


def test_style_numbers_are_means_then_stds() -> None:
    taps = [torch.rand(2, channels, 4, 4) for channels in (64, 128, 256, 512)]
    numbers = style_numbers(style_targets(torch.rand(2, 3, 8, 8), taps))
    assert numbers.shape == (2, STYLE_NUMBERS)
    torch.testing.assert_close(numbers[:, :64], taps[0].mean((2, 3)))
    torch.testing.assert_close(numbers[:, 960:1024], (taps[0].var((2, 3), unbiased=False) + 1e-5).sqrt())


def test_streamed_artworks_are_refused(flags: Flags, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs artworks in folders"):
        train(replace(flags, out=tmp_path, style=("pipe:cat a.tar",)))
