"""The eager engine: the model's identities on real weights, sizes, precisions, devices."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from livestyle.assets import asset_dir
from livestyle.engine import Engine, choose_engine
from livestyle.engine.eager import EagerEngine, refuse_overflow
from livestyle.errors import DeviceError, SettingError, WeightsError
from livestyle.frame import Masks, Picture
from livestyle.looks.bank import Bank
from livestyle.looks.style import blend_stats
from livestyle.model.adain import adain
from livestyle.model.decoder import Decoder
from livestyle.model.fast import FastModel
from livestyle.model.vgg import VGGEncoder
from livestyle.model.weights import encoder_id, load_into, manifest
from livestyle.sources.images import load_image
from tests.conftest import unrefined
from tests.pytorch_adain import build_decoder, build_vgg, stylized


@pytest.fixture(scope="module")
def networks() -> tuple[VGGEncoder, Decoder]:
    encoder, decoder = VGGEncoder("vgg16").eval(), Decoder("vgg16").eval()
    load_into(encoder, manifest()["encoder"])
    load_into(decoder, manifest()["decoder"])
    return encoder, decoder


def tensor(rgb: Picture) -> torch.Tensor:
    return torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float() / 255


@torch.no_grad()
def test_the_engine_is_the_model(
    engine: Engine, networks: tuple[VGGEncoder, Decoder], bank: Bank, photograph: Picture
) -> None:
    encoder, decoder = networks
    stats = bank.stats("wave")
    mean, std = (torch.from_numpy(v[3]).view(1, -1, 1, 1) for v in (stats.means, stats.stds))
    expected = decoder(adain(encoder(tensor(photograph))[3], mean, std, 0.7), *photograph.shape[:2])
    painting = engine.stylize(photograph, engine.style_code(stats), 0.7)
    difference = np.abs(painting - expected[0].clamp(0, 1).permute(1, 2, 0).numpy() * 255)
    assert difference.max() < 0.51


@pytest.fixture(scope="module")
def fast_model() -> FastModel:
    model = FastModel().eval()
    load_into(model, manifest()["fast"])
    return model


@torch.no_grad()
def test_the_fast_engine_is_the_fast_model(fast_model: FastModel, bank: Bank, photograph: Picture) -> None:
    fast = choose_engine("cpu", model="fast")
    stats = unrefined(bank.stats("wave"))
    numbers = torch.from_numpy(stats.numbers)[None]
    for alpha in (0.7, 1.0):
        expected = fast_model(tensor(photograph), numbers, alpha)
        painting = fast.stylize(photograph, fast.style_code(stats), alpha)
        assert np.abs(painting - expected[0].clamp(0, 1).permute(1, 2, 0).numpy() * 255).max() < 0.51


def test_both_models_read_the_same_statistics(engine: Engine, photograph: Picture) -> None:
    fast = choose_engine("cpu", model="fast")
    assert fast.encoder_id == engine.encoder_id
    np.testing.assert_array_equal(fast.style_stats(photograph).numbers, engine.style_stats(photograph).numbers)


@pytest.mark.parametrize(("asked", "taken"), [("auto", "fast"), ("fast", "fast"), ("paper", "paper")])
def test_the_model_without_cuda_is_fast_unless_asked(asked: str, taken: str, adain_weights: Path) -> None:
    assert choose_engine("cpu", model=asked).model == taken
    assert choose_engine("cpu", weights=adain_weights).model == "paper"


def test_a_model_that_the_weights_do_not_have_is_refused(adain_weights: Path) -> None:
    with pytest.raises(SettingError, match="model 'fast': these weights have paper; choose auto or one of them"):
        choose_engine("cpu", model="fast", weights=adain_weights)
    with pytest.raises(SettingError, match="model 'slow': these weights have paper and fast; choose"):
        choose_engine("cpu", model="slow")


@torch.no_grad()
def test_alpha_zero_is_the_decoders_reconstruction(
    engine: Engine, networks: tuple[VGGEncoder, Decoder], bank: Bank, photograph: Picture
) -> None:
    encoder, decoder = networks
    rebuilt = decoder(encoder(tensor(photograph))[3], *photograph.shape[:2])[0].clamp(0, 1).permute(1, 2, 0).numpy()
    for name in ("wave", "scream"):
        painting = engine.stylize(photograph, engine.style_code(bank.stats(name)), 0.0)
        assert np.abs(painting / 255 - rebuilt).max() < 4e-3


@torch.no_grad()
def test_a_blend_of_statistics_is_the_blend_of_features(
    engine: Engine, networks: tuple[VGGEncoder, Decoder], bank: Bank, photograph: Picture
) -> None:
    """Eq. 15: decoding sum_k w_k AdaIN(f(c), s_k) equals one pass with blended statistics."""
    encoder, decoder = networks
    weights = {"wave": 0.5, "scream": 0.3, "dragon": 0.2}
    content = encoder(tensor(photograph))[3]
    blended = torch.zeros_like(content)
    for name, weight in weights.items():
        stats = bank.stats(name)
        mean, std = (torch.from_numpy(v[3]).view(1, -1, 1, 1) for v in (stats.means, stats.stds))
        blended += weight * adain(content, mean, std)
    mixed = blend_stats((bank.stats(n), w) for n, w in weights.items())
    one_pass = adain(content, *(torch.from_numpy(v[3]).view(1, -1, 1, 1) for v in (mixed.means, mixed.stds)))
    assert (one_pass - blended).abs().max() < 1e-4
    size = photograph.shape[:2]
    assert (decoder(one_pass, *size) - decoder(blended, *size)).abs().max() < 1e-4


@pytest.mark.parametrize("model", ["paper", "fast"])
@pytest.mark.parametrize("size", [(32, 32), (33, 47), (359, 201), (64, 500), (17, 16)])
def test_any_size_comes_back(model: str, bank: Bank, size: tuple[int, int]) -> None:
    engine = choose_engine("cpu", model=model)
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 255, (*size, 3), dtype=np.uint8)
    painting = engine.stylize(rgb, engine.style_code(bank.stats("wave")), 1.0)
    assert painting.shape == rgb.shape and painting.dtype == np.uint8


@pytest.mark.parametrize("model", ["paper", "fast"])
def test_half_precision_on_the_cpu_agrees(model: str, bank: Bank, photograph: Picture) -> None:
    """bfloat16 has 8 bits of mantissa: on a picture, 3 % of full scale on average is its bound here."""
    engine, half = (choose_engine("cpu", model=model, half=half) for half in (False, True))
    assert half.precision == "bfloat16"
    stats = bank.stats("wave")
    small = photograph[:64, :64]
    a = engine.stylize(small, engine.style_code(stats), 1.0).astype(float)
    b = half.stylize(small, half.style_code(stats), 1.0).astype(float)
    assert np.abs(a - b).mean() / 255 < 0.03


def test_style_statistics_are_those_of_the_encoder(
    engine: Engine, networks: tuple[VGGEncoder, Decoder], photograph: Picture
) -> None:
    with torch.no_grad():
        relu2_1 = networks[0](tensor(photograph))[1].numpy()
    stats = engine.style_stats(photograph)
    np.testing.assert_allclose(stats.means[1], relu2_1.mean((0, 2, 3)), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(stats.stds[1], np.sqrt(relu2_1.var((0, 2, 3)) + 1e-5), rtol=1e-3, atol=1e-4)


def test_read_only_and_mirrored_pictures_are_taken(engine: Engine, bank: Bank, photograph: Picture) -> None:
    code = engine.style_code(bank.stats("wave"))
    frozen = photograph[:32, :32].copy()
    frozen.flags.writeable = False
    engine.stylize(frozen, code, 1.0)
    engine.stylize(photograph[:32, 31::-1], code, 1.0)


@pytest.mark.parametrize("size", [(40, 48), (35, 46)])
@torch.no_grad()
def test_imported_weights_paint_what_pytorch_adain_paints(
    adain_files: tuple[Path, Path], adain_weights: Path, size: tuple[int, int]
) -> None:
    """Weights in float16, paintings in 8 bits: two levels of 255 at most, half a one on average."""
    vgg, decoder = build_vgg(), build_decoder()
    state = torch.load(adain_files[0], weights_only=True)
    vgg.load_state_dict({key: state[key] for key in vgg.state_dict()})
    decoder.load_state_dict(torch.load(adain_files[1], weights_only=True))
    rng = np.random.default_rng(0)
    content, style = (rng.integers(0, 255, (*size, 3), dtype=np.uint8) for _ in range(2))
    expected = stylized(vgg, decoder, tensor(content), tensor(style))[0, :, : size[0], : size[1]].permute(1, 2, 0)
    assert expected.std() > 0.05
    imported = choose_engine("cpu", weights=adain_weights)
    painting = imported.stylize(content, imported.style_code(imported.style_stats(style)), 1.0)
    difference = np.abs(painting - expected.clamp(0, 1).numpy() * 255)
    assert difference.max() < 2 and difference.mean() < 0.5


def test_the_encoders_id_is_that_of_the_weights(engine: Engine, adain_weights: Path) -> None:
    imported = choose_engine("cpu", weights=adain_weights)
    assert imported.encoder_id == encoder_id(adain_weights) != engine.encoder_id
    assert imported.encoder_id.startswith("vgg19-")


@pytest.mark.parametrize("role", ["encoder", "decoder"])
def test_damaged_weights_of_ones_own_are_refused(adain_weights: Path, tmp_path: Path, role: str) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(adain_weights, folder)
    file = manifest(folder)[role].file
    file.write_bytes(file.read_bytes()[:-2])
    with pytest.raises(WeightsError, match=f"{file.name} are damaged"):
        choose_engine("cpu", weights=folder)


def test_weights_too_large_for_half_precision_are_refused() -> None:
    module = torch.nn.Conv2d(1, 1, 1)
    torch.nn.init.constant_(module.weight, 70_000)
    refuse_overflow(module, "float32")
    with pytest.raises(WeightsError, match="weights weight are not finite in float16: add --no-half"):
        refuse_overflow(module.half(), "float16")


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is here")
def test_absent_device_is_said() -> None:
    with pytest.raises(DeviceError, match="'cuda' is not available .* there is: cpu"):
        choose_engine("cuda")


def test_unknown_device_is_said() -> None:
    with pytest.raises(SettingError, match="choose auto, cuda, mps, cpu, openvino"):
        choose_engine("tpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_cuda_half_agrees_with_float32_on_the_cpu(engine: Engine, bank: Bank, photograph: Picture) -> None:
    cuda = EagerEngine("cuda", model="paper", half=True, reason="a test")
    stats = bank.stats("wave")
    a = engine.stylize(photograph, engine.style_code(stats), 1.0).astype(float)
    b = cuda.stylize(photograph, cuda.style_code(stats), 1.0).astype(float)
    assert np.abs(a - b).mean() / 255 < 0.01


def halves(shape: tuple[int, ...]) -> Masks:
    """Two regions, left and right, with a hard edge."""
    left = np.zeros(shape[:2], np.float32)
    left[:, : shape[1] // 2] = 1
    return np.stack([left, 1 - left])


@pytest.mark.parametrize("model", ["paper", "fast"])
def test_one_region_is_the_whole_painting(model: str, bank: Bank, photograph: Picture) -> None:
    """Also where a second one has nothing of the picture, and where both have one style."""
    plain = choose_engine("cpu", model=model)
    wave, scream = (plain.style_code(bank.stats(name)) for name in ("wave", "scream"))
    everything = np.ones((1, *photograph.shape[:2]), np.float32)
    nothing = np.concatenate([everything, 0 * everything])
    for alpha in (1.0, 0.5, 0.0):
        expected = plain.stylize(photograph, wave, alpha).astype(int)
        for codes, masks in (([wave], everything), ([wave, scream], nothing)):
            assert np.abs(plain.stylize_regions(photograph, codes, masks, alpha) - expected).max() <= 1
        same = plain.stylize_regions(photograph, [wave, wave], halves(photograph.shape), alpha)
        assert np.abs(same - expected).max() <= 1


@pytest.mark.parametrize(("model", "margin"), [("paper", 56), ("fast", 0)])
def test_a_region_looks_as_in_a_painting_of_its_style(model: str, margin: int, bank: Bank) -> None:
    """Away from the edge, which with `paper` is in the features."""
    plain = choose_engine("cpu", model=model)
    frame = load_image(asset_dir("media") / "astronaut.jpg")[:320:2, :512:2].copy()
    middle = frame.shape[1] // 2
    for names in (("starry_night", "wave"), ("dragon", "apocalypse")):
        codes = [plain.style_code(bank.stats(name)) for name in names]
        painting = plain.stylize_regions(frame, codes, halves(frame.shape), 1.0).astype(int)
        left, right = (plain.stylize(frame, code, 1.0).astype(int) for code in codes)
        assert np.abs(left - right).mean() > 20
        assert np.abs(painting - left)[:, : middle - margin].mean() < 0.01
        assert np.abs(painting - right)[:, middle + margin :].mean() < 0.01
