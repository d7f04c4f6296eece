"""The warm-up: targets of every block, apart and together."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from livestyle.model.decoder import Decoder
from livestyle.model.vgg import VGGEncoder
from train.warmup import block_inputs, warmup_losses


@pytest.fixture(scope="module")
def networks() -> tuple[VGGEncoder, Decoder]:
    torch.manual_seed(0)
    return VGGEncoder("vgg16").eval().requires_grad_(False), Decoder("vgg16")


@pytest.mark.parametrize("size", [(32, 32), (33, 47)])
def test_block_inputs_are_what_the_encoder_pools(networks: tuple[VGGEncoder, Decoder], size: tuple[int, int]) -> None:
    encoder, _ = networks
    pictures = torch.rand(2, 3, *size)
    picture, pool1, pool2, pool3, relu4_1 = block_inputs(encoder, pictures)
    assert picture is pictures
    assert [t.shape[1] for t in (pool1, pool2, pool3, relu4_1)] == [64, 128, 256, 512]
    relu1_2 = F.relu(encoder.get_submodule("conv1_2")(encoder(pictures)[0]))
    torch.testing.assert_close(pool1, F.max_pool2d(relu1_2, 2, ceil_mode=True))
    torch.testing.assert_close(relu4_1, encoder(pictures)[3])
    torch.testing.assert_close(F.relu(encoder.get_submodule("conv4_1")(pool3)), relu4_1)


def _touched(decoder: Decoder, loss: torch.Tensor) -> set[str]:
    decoder.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    return {name[4] for name, p in decoder.named_parameters() if p.grad is not None}


def test_blocks_learn_apart_and_then_together(networks: tuple[VGGEncoder, Decoder]) -> None:
    encoder, decoder = networks
    pictures = torch.rand(2, 3, 35, 32)
    for apart, expected in (
        (True, {"pool3": "4", "pool2": "3", "pool1": "2", "picture": "1", "colors": "1"}),
        (False, {"pool3": "4", "pool2": "34", "pool1": "234", "picture": "1234", "colors": "1234"}),
    ):
        for name, blocks in expected.items():
            losses = warmup_losses(encoder, decoder, pictures, apart=apart)
            assert _touched(decoder, losses[name]) == set(blocks), (apart, name)


def grey(decoder: Decoder) -> Decoder:
    for name, parameter in decoder.named_parameters():
        torch.nn.init.constant_(parameter, 0.5 if name == "conv1_1.bias" else 0.0)
    return decoder


def test_a_grey_decoder_has_the_losses_of_knowing_nothing(networks: tuple[VGGEncoder, Decoder]) -> None:
    encoder, _ = networks
    decoder = grey(Decoder("vgg16"))
    pictures = torch.rand(1, 3, 32, 32)
    losses = warmup_losses(encoder, decoder, pictures, apart=True)
    pool2 = block_inputs(encoder, pictures)[2]
    assert losses["pool2"].item() == pytest.approx((pool2.square().mean() / max(pool2.var(), 0.1)).item(), rel=1e-4)


def test_the_pictures_of_a_batch_do_not_lean_on_each_other(networks: tuple[VGGEncoder, Decoder]) -> None:
    encoder, decoder = networks
    pictures = torch.rand(2, 3, 32, 32) * torch.tensor([1.0, 4.0]).view(2, 1, 1, 1)
    together = warmup_losses(encoder, decoder, pictures, apart=True)
    alone = [warmup_losses(encoder, decoder, picture[None], apart=True) for picture in pictures]
    for name, loss in together.items():
        assert loss.item() == pytest.approx((alone[0][name] + alone[1][name]).item() / 2, rel=1e-4)


def test_the_pictures_error_is_absolute(networks: tuple[VGGEncoder, Decoder]) -> None:
    encoder, _ = networks
    decoder = grey(Decoder("vgg16"))
    pictures = torch.rand(1, 3, 32, 32)
    losses = warmup_losses(encoder, decoder, pictures, apart=True)
    assert losses["picture"].item() == pytest.approx(10 * (pictures - 0.5).abs().mean().item(), rel=1e-4)
