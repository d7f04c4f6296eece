"""Encoder weights from Oxford's, torchvision's and pytorch-AdaIN's files, against each network restated."""

from __future__ import annotations

import sys
import urllib.error
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from livestyle.model.vgg import Arch, VGGEncoder
from train.normalise_vgg import encoder_of, main, torchvision_layers

CONVS: dict[str, list[tuple[str, int, int]]] = {
    "vgg16": [("0", 3, 64), ("2", 64, 64), ("5", 64, 128), ("7", 128, 128), ("10", 128, 256), ("12", 256, 256),
              ("14", 256, 256), ("17", 256, 512)],
    "vgg19": [("0", 3, 64), ("2", 64, 64), ("5", 64, 128), ("7", 128, 128), ("10", 128, 256), ("12", 256, 256),
              ("14", 256, 256), ("16", 256, 256), ("19", 256, 512)],
}  # fmt: skip
"""Position in torchvision's features, channels in and out, of the convolutions up to conv4_1."""

NAMES = {
    "vgg16": ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3", "conv4_1"],
    "vgg19": ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3", "conv3_4", "conv4_1"],
}
"""Oxford's names of the same."""

ARCHS: list[Arch] = ["vgg16", "vgg19"]

SMALL = ("--shortest-side", "34")


def random_layers(arch: Arch, kind: str) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of each convolution (He et al. 2015); Oxford's first layer is fed larger numbers."""
    generator = torch.Generator().manual_seed(0)
    layers = []
    for position, i, o in CONVS[arch]:
        scale = (2 / (9 * i)) ** 0.5 / (64 if kind == "oxford" and position == "0" else 1)
        weight = scale * torch.randn(o, i, 3, 3, generator=generator)
        layers.append((weight, 0.1 * torch.randn(o, generator=generator)))
    return layers


def plain_taps(arch: Arch, layers: list[tuple[Tensor, Tensor]], fed: Tensor) -> list[Tensor]:
    """relu1_1 to relu4_1 of a network fed with pre-processed pictures, (N, 3, H, W)."""
    x, taps = fed, []
    for name, (weight, bias) in zip(NAMES[arch], layers, strict=True):
        if name in ("conv2_1", "conv3_1", "conv4_1"):
            x = F.max_pool2d(x, 2, ceil_mode=True)
        x = F.relu(F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weight, bias))
        if name.endswith("_1"):
            taps.append(x)
    return taps


def for_torchvision(rgb: Tensor) -> Tensor:
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (rgb - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)


def for_oxford(rgb: Tensor) -> Tensor:
    return rgb * 255 - torch.tensor([123.68, 116.779, 103.939]).view(1, 3, 1, 1)


def oxford_state(arch: Arch) -> dict[str, Tensor]:
    pairs = zip(NAMES[arch], random_layers(arch, "oxford"), strict=True)
    return {f"{name}.{kind}": t for name, pair in pairs for kind, t in zip(("weight", "bias"), pair, strict=True)}


def torchvision_state(arch: Arch) -> dict[str, Any]:
    """As in its .pth file: deeper layers and a classifier are there too."""
    pairs = zip(CONVS[arch], random_layers(arch, "torchvision"), strict=True)
    state: dict[str, Any] = {}
    for (position, _, _), (weight, bias) in pairs:
        state |= {f"features.{position}.weight": weight, f"features.{position}.bias": bias}
    return state | {"features.30.weight": torch.zeros(512, 512, 1, 1), "classifier.0.weight": torch.zeros(2, 2)}


def encoder_with(weights: dict[str, Tensor], arch: Arch) -> VGGEncoder:
    encoder = VGGEncoder(arch).eval()
    encoder.load_state_dict({key: tensor.float() for key, tensor in weights.items()})
    return encoder


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(2):
        Image.fromarray(rng.integers(0, 255, (34, 40, 3), dtype=np.uint8)).save(folder / f"{i}.png")
    return folder


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("kind", ["oxford", "torchvision"])
@torch.no_grad()
def test_preprocessing_is_folded_into_the_encoder(arch: Arch, kind: str) -> None:
    state = oxford_state(arch) if kind == "oxford" else torchvision_state(arch)
    weights, normalised = encoder_of(state, arch, "a test")
    assert not normalised
    rgb = torch.rand(1, 3, 32, 35)
    fed = for_oxford(rgb) if kind == "oxford" else for_torchvision(rgb)
    expected = plain_taps(arch, random_layers(arch, kind), fed)
    for got, wanted in zip(encoder_with(weights, arch)(rgb), expected, strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-3, atol=1e-3 * wanted.max().item())


@pytest.mark.parametrize("arch", ARCHS)
@torch.no_grad()
def test_positions_are_those_of_torchvision(arch: Arch) -> None:
    """Its own network, run on pre-processed noise, agrees where its zero padding does not reach."""
    models = pytest.importorskip("torchvision.models")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        with torch.device("meta"):
            network = getattr(models, arch)(weights=None)
        features = network.features.to_empty(device="cpu").eval()
        for parameter in features.parameters():
            torch.nn.init.normal_(parameter, std=(2 / max(9, parameter[0].numel())) ** 0.5)
        rgb = torch.rand(1, 3, 96, 96)
    state = {f"features.{key}": tensor for key, tensor in features.state_dict().items()}
    weights, _ = encoder_of(state, arch, "a test")
    last = int(torchvision_layers(arch)["conv4_1"].split(".")[1])
    expected = features[: last + 2](for_torchvision(rgb))
    got = encoder_with(weights, arch).relu4_1(rgb)
    margin = 4  # of 12: relu4_1 looks at fewer than 32 pixels to each side
    middle = (..., slice(margin, -margin), slice(margin, -margin))
    assert expected.shape == got.shape and expected[middle].max() > 0.1
    torch.testing.assert_close(got[middle], expected[middle], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("kind", ["oxford", "torchvision"])
def test_the_script_normalises_and_keeps_the_function_up_to_scales(
    arch: Arch, kind: str, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / ("vgg.safetensors" if kind == "oxford" else "vgg.pth"), tmp_path / "made" / "e.safetensors"
    if kind == "oxford":
        save_file(oxford_state(arch), source)
    else:
        torch.save(torchvision_state(arch), source)
    main(["--arch", arch, "--vgg", str(source), "--pictures", str(pictures), "--out", str(out), *SMALL])
    assert "mean activation of the taps" in capsys.readouterr().out
    made = load_file(out)
    assert {tensor.dtype for tensor in made.values()} == {torch.float16}
    shown = [torch.from_numpy(np.array(Image.open(p))) for p in sorted(pictures.iterdir())]
    rgb = torch.stack(shown).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        got = encoder_with(made, arch)(rgb)
        expected = plain_taps(
            arch, random_layers(arch, kind), for_oxford(rgb) if kind == "oxford" else for_torchvision(rgb)
        )
    for tap, plain in zip(got, expected, strict=True):
        alive = plain.mean((0, 2, 3)) > plain.mean() * 0.01
        means = tap.mean((0, 2, 3))[alive]
        torch.testing.assert_close(means, torch.ones_like(means), rtol=0.03, atol=0)
        scaled = plain / plain.mean((0, 2, 3), keepdim=True)
        assert (tap - scaled)[:, alive].abs().mean() < 0.02


@torch.no_grad()
def test_vgg_normalised_is_converted_only(
    adain_files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "e.safetensors"
    main(["--arch", "vgg19", "--vgg", str(adain_files[0]), "--out", str(out)])
    assert "converted, normalised already" in capsys.readouterr().out
    theirs = torch.load(adain_files[0], weights_only=True)
    made = load_file(out)
    assert torch.equal(made["conv4_1.weight"], theirs["29.weight"].half())
    assert torch.equal(made["conv3_4.bias"], theirs["25.bias"].half())


def test_torchvision_is_asked_for_the_network(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = pytest.importorskip("torchvision.models")
    asked = []

    class Fetched:
        def state_dict(self) -> dict[str, Any]:
            return torchvision_state("vgg19")

    monkeypatch.setattr(models, "vgg19", lambda *, weights: asked.append(weights) or Fetched())
    out = tmp_path / "e.safetensors"
    main(["--arch", "vgg19", "--vgg", "torchvision", "--pictures", str(pictures), "--out", str(out), *SMALL])
    assert asked == ["IMAGENET1K_V1"] and "conv3_4.weight" in load_file(out)


def test_torchvision_without_a_network_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = pytest.importorskip("torchvision.models")

    def offline(*, weights: str) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(models, "vgg16", offline)
    with pytest.raises(SystemExit, match=r"cannot fetch vgg16 .*give --vgg its \.pth file"):
        main(["--vgg", "torchvision", "--out", str(tmp_path / "e.safetensors")])


def test_torchvision_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(SystemExit, match="pip install torchvision"):
        main(["--vgg", "torchvision", "--out", str(tmp_path / "e.safetensors")])


def refused(vgg: Path, arch: str, *more: str) -> str:
    """The one line with which the script ends; nothing is written."""
    out = vgg.parent / "refused.safetensors"
    with pytest.raises(SystemExit) as stop:
        main(["--arch", arch, "--vgg", str(vgg), "--out", str(out), *more])
    assert not out.exists()
    message = str(stop.value)
    assert message.startswith("normalise_vgg: ") and "\n" not in message
    return message


def test_the_wrong_network_is_refused(adain_files: tuple[Path, Path], tmp_path: Path) -> None:
    for arch, other in (("vgg16", "vgg19"), ("vgg19", "vgg16")):
        torch.save(torchvision_state(arch), tmp_path / f"{arch}.pth")  # type: ignore[arg-type]
        save_file(oxford_state(arch), tmp_path / f"{arch}.safetensors")  # type: ignore[arg-type]
        assert "has no features." in refused(tmp_path / f"{arch}.pth", other)
        assert "conv3_4" in refused(tmp_path / f"{arch}.safetensors", other)
    assert "use --arch vgg19" in refused(adain_files[0], "vgg16")


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "words.safetensors").write_text("words", encoding="utf-8")
    assert "cannot be read" in refused(tmp_path / "words.safetensors", "vgg16")
    assert "cannot be read" in refused(tmp_path / "absent.safetensors", "vgg16")
    assert "does not exist" in refused(tmp_path / "absent.pth", "vgg16")
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")
    assert "no VGG that is known here" in refused(tmp_path / "other.pth", "vgg16")
    torch.save(oxford_state("vgg16") | {"conv1_1.bias": torch.zeros(3)}, tmp_path / "shape.pth")
    assert "conv1_1.bias has shape (3,), needed is (64,)" in refused(tmp_path / "shape.pth", "vgg16")


def test_photographs_are_needed_where_nothing_is_normalised(tmp_path: Path) -> None:
    torch.save(torchvision_state("vgg16"), tmp_path / "vgg.pth")
    assert "--pictures" in refused(tmp_path / "vgg.pth", "vgg16")
