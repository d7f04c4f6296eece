"""The losses of a step: as when content and style are encoded apart; own statistics; gradients of the decoder only."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from livestyle.model.adain import adain, mean_std
from livestyle.model.decoder import Decoder
from livestyle.model.losses import StyleTargets, grid_loss, opponent_colors, style_targets
from livestyle.model.vgg import VGGEncoder
from tests.training import random_encoder
from train.objective import Objective, Paint, Warmup, own_style
from train.warmup import warmup_losses


@pytest.fixture(scope="module")
def networks() -> tuple[VGGEncoder, Decoder]:
    encoder = random_encoder()
    torch.manual_seed(1)
    return encoder, Decoder("vgg16")


@pytest.fixture(scope="module")
def pictures() -> tuple[Tensor, Tensor]:
    """Contents and styles, three of each."""
    generator = torch.Generator().manual_seed(2)
    coarse = torch.rand(6, 3, 5, 5, generator=generator)
    content, style = F.interpolate(coarse, (24, 24), mode="bilinear").chunk(2)
    return content, style


def flags_of(*own: bool) -> Tensor:
    return torch.tensor(own).view(-1, 1, 1, 1)


NONE = flags_of(False, False, False)


def plain(features: Tensor) -> Tensor:
    mean, std = mean_std(features)
    return (features - mean) / std


def apart(networks: tuple[VGGEncoder, Decoder], content: Tensor, style: Tensor) -> dict[str, float]:
    """The losses of one picture, content and style encoded apart, written out (eqs. 11 to 13)."""
    encoder, decoder = networks
    with torch.no_grad():
        target = adain(encoder(content)[3], *mean_std(encoder(style)[3]))
        painting = decoder(target, 24, 24)
        taps, style_taps, own_taps = [*encoder(painting)], [*encoder(style)], [*encoder(content)]
        pairs = [(mean_std(a), mean_std(b)) for a, b in zip(taps, style_taps, strict=True)]
        colors = mean_std(opponent_colors(painting)), mean_std(opponent_colors(style))
        structure = [F.mse_loss(plain(taps[n]), plain(own_taps[n])).item() for n in (2, 3)]
        return {
            "content": F.mse_loss(taps[3], target).item(),
            "structure": 0.5 * structure[0] + structure[1],
            "style": sum(F.mse_loss(a[i], b[i]).item() for a, b in pairs for i in (0, 1)),
            "color": sum(F.mse_loss(colors[0][i], colors[1][i]).item() for i in (0, 1)),
            "tv": (painting.diff(dim=2).abs().mean() + painting.diff(dim=3).abs().mean()).item(),
        }


def mean_of(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}


def test_one_pass_through_the_encoder_is_as_good_as_two(
    networks: tuple[VGGEncoder, Decoder], pictures: tuple[Tensor, Tensor]
) -> None:
    content, style = pictures
    losses = {name: loss.item() for name, loss in Objective(*networks)(Paint(content, style, NONE)).items()}
    expected = mean_of([apart(networks, content[i : i + 1], style[i : i + 1]) for i in range(3)])
    assert losses == pytest.approx(expected | {"identity": 0, "grid": 0}, rel=1e-4)
    assert all(value > 0 for value in expected.values())


def test_statistics_of_artworks_are_as_good_as_artworks(
    networks: tuple[VGGEncoder, Decoder], pictures: tuple[Tensor, Tensor]
) -> None:
    content, style = pictures
    targets: StyleTargets = style_targets(style, networks[0](style))
    for own in (NONE, flags_of(True, False, True)):
        from_statistics = Objective(*networks)(Paint(content, targets, own))
        from_pictures = Objective(*networks)(Paint(content, style, own))
        for name, loss in from_pictures.items():
            torch.testing.assert_close(from_statistics[name], loss, rtol=1e-4, atol=1e-7)


def test_pictures_that_should_come_back_take_their_own_statistics(
    networks: tuple[VGGEncoder, Decoder], pictures: tuple[Tensor, Tensor]
) -> None:
    content, style = pictures
    encoder, decoder = networks
    losses = {
        name: loss.item()
        for name, loss in Objective(*networks)(Paint(content, style, flags_of(False, True, False))).items()
    }
    rows = [apart(networks, content[i : i + 1], (content if i == 1 else style)[i : i + 1]) for i in range(3)]
    with torch.no_grad():
        back = decoder(encoder(content[1:2])[3], 24, 24)
    identity = (back - content[1:2]).abs().mean().item() / 3
    assert losses == pytest.approx(mean_of(rows) | {"identity": identity, "grid": 0}, rel=1e-4)
    assert losses["style"] != pytest.approx(Objective(*networks)(Paint(content, style, NONE))["style"].item(), rel=1e-3)


@pytest.mark.parametrize("batch", ["paint", "warm-up", "warm-up apart"])
def test_gradients_reach_the_decoder_only(
    networks: tuple[VGGEncoder, Decoder], pictures: tuple[Tensor, Tensor], batch: str
) -> None:
    objective = Objective(*networks)
    content, style = (p.clone() for p in pictures)
    given = (
        Paint(content, style, flags_of(True, False, False))
        if batch == "paint"
        else Warmup(content, apart="apart" in batch)
    )
    objective.zero_grad(set_to_none=True)
    torch.stack(list(objective(given).values())).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in objective.decoder.parameters())
    assert all(p.grad is None for p in objective.encoder.parameters())


def test_a_warm_up_batch_has_the_warm_ups_losses(
    networks: tuple[VGGEncoder, Decoder], pictures: tuple[Tensor, Tensor]
) -> None:
    content, _ = pictures
    for by_themselves in (True, False):
        expected = warmup_losses(*networks, content, apart=by_themselves)
        losses = Objective(*networks)(Warmup(content, apart=by_themselves))
        assert losses.keys() == expected.keys() == {"pool3", "pool2", "pool1", "picture", "colors"}
        assert all(torch.equal(losses[name], expected[name]) for name in losses)


def test_the_share_of_own_styles_is_drawn_by_sample_number() -> None:
    drawn = own_style(range(4000), 0.25, seed=3)
    assert drawn.shape == (4000, 1, 1, 1) and drawn.dtype == torch.bool
    assert abs(drawn.float().mean().item() - 0.25) < 0.03
    assert torch.equal(drawn, own_style(range(4000), 0.25, seed=3))
    parts = [own_style(range(n, n + 50), 0.25, seed=3) for n in range(0, 200, 50)]
    assert torch.equal(drawn[:200], torch.cat(parts))
    assert not torch.equal(drawn, own_style(range(4000), 0.25, seed=4))
    assert not own_style(range(100), 0.0, seed=3).any() and own_style(range(100), 1.0, seed=3).all()


def test_what_repeats_every_8_pixels_is_seen(networks: tuple[VGGEncoder, Decoder]) -> None:
    content, style = torch.rand(2, 1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    encoder, decoder = networks
    loss = Objective(encoder, decoder)(Paint(content, style, None))["grid"]
    painting = decoder(adain(encoder(content)[3], *mean_std(encoder(style)[3])), 64, 64)
    assert loss.item() == pytest.approx(grid_loss(painting).item(), rel=1e-4) and loss > 0
    (gradient,) = torch.autograd.grad(loss, decoder.conv1_1.weight)
    assert gradient.abs().max() > 0
