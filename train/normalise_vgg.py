"""Make livestyle's encoder weights from the convolutions of VGG-16 or VGG-19.

    python -m train.normalise_vgg --arch vgg16 --vgg vgg16_relu4_1.safetensors \\
        --pictures 'content-*.tar' --out weights/vgg16.safetensors

--vgg is one of three, told apart by the names of the tensors:

- Oxford's, convB_C.weight/bias, whose input is RGB x 255 minus the ImageNet mean;
- torchvision's, features.N.weight/bias, whose input is (RGB - mean) / std: its .pth file, or the
  word `torchvision`, which lets torchvision fetch it;
- vgg_normalised.pth of pytorch-AdaIN, N.weight/bias, VGG-19: normalised already, so it is converted
  only, and needs no pictures.

Folds the pre-processing into conv1_1, scales every channel to a mean activation of 1 over
photographs (Gatys et al. 2016), and stores half precision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from livestyle.errors import LivestyleError, WeightsError
from livestyle.model.convert import StateDict, encoder_from_adain, renamed, storable
from livestyle.model.vgg import Arch, VGGEncoder, fold_preprocessing, layer_names, normalise_activations
from livestyle.model.weights import read_checkpoint
from train.data import evenly, index_pictures
from train.runtime import flag, parse_flags

CAFFE_MEAN = (123.68, 116.779, 103.939)
TORCHVISION_MEAN = (0.485, 0.456, 0.406)
TORCHVISION_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Flags:
    """Normalise VGG-16 or VGG-19 for AdaIN."""

    vgg: str = flag("Oxford's, torchvision's or pytorch-AdaIN's weights file, or the word torchvision")
    out: Path = flag("the encoder weights to write")
    arch: Arch = flag("the network in --vgg", "vgg16")
    pictures: tuple[str, ...] = flag("photographs: folders, tar shards or globs", ())
    count: int = flag("how many photographs, a fixed stride apart", 96)
    shortest_side: int = flag("photographs are resized to this shorter side, in pixels", 256)


def read_tensors(vgg: str, arch: Arch) -> Mapping[str, object]:
    """The tensors that --vgg names. Raises WeightsError; SystemExit when torchvision is needed but missing."""
    if vgg == "torchvision":
        return torchvision_tensors(arch)
    path = Path(vgg)
    if path.suffix != ".safetensors":
        return read_checkpoint(path)
    try:
        tensors: StateDict = load_file(path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} cannot be read ({error}): give a weights file") from None
    return tensors


def torchvision_tensors(arch: Arch) -> StateDict:
    """The network that torchvision fetches (IMAGENET1K_V1) and keeps in its cache.

    Raises WeightsError when it cannot be fetched, SystemExit when torchvision is not installed.
    """
    try:
        from torchvision import models
    except ImportError:
        raise SystemExit("--vgg torchvision needs torchvision: pip install torchvision") from None
    build = models.vgg19 if arch == "vgg19" else models.vgg16
    try:
        state: StateDict = build(weights="IMAGENET1K_V1").state_dict()
    except OSError as error:
        raise WeightsError(f"torchvision cannot fetch {arch} ({error}): give --vgg its .pth file") from None
    return state


def torchvision_layers(arch: Arch) -> dict[str, str]:
    """Where each convolution is in torchvision's network: conv1_1 is features.0.

    There an activation follows each convolution, and a pooling ends each block.
    """
    layers, position = {}, 0
    for name in layer_names(arch):
        position += name.endswith("_1") and name != "conv1_1"
        layers[name] = f"features.{position}"
        position += 2
    return layers


def encoder_of(tensors: Mapping[str, object], arch: Arch, source: str) -> tuple[StateDict, bool]:
    """An encoder that takes RGB in [0, 1], float32, and whether its activations are normalised already.

    source: the file's name, for messages. Raises WeightsError when the tensors are not those of `arch`.
    """
    with torch.device("meta"):
        network = VGGEncoder(arch)
    if "conv1_1.weight" in tensors:
        _refuse_other_arch(tensors, network, source)
        raw = renamed(tensors, {name: name for name in layer_names(arch)}, network, source)
        return fold_preprocessing(raw, scale=torch.full((3,), 255.0), shift=torch.tensor(CAFFE_MEAN)), False
    if "features.0.weight" in tensors:
        raw = renamed(tensors, torchvision_layers(arch), network, source)
        std, mean = torch.tensor(TORCHVISION_STD), torch.tensor(TORCHVISION_MEAN)
        return fold_preprocessing(raw, scale=1 / std, shift=mean / std), False
    if "0.weight" in tensors:
        if arch != "vgg19":
            raise WeightsError(f"{source} is laid out as pytorch-AdaIN's vgg_normalised.pth: use --arch vgg19")
        return encoder_from_adain(tensors, source), True
    raise WeightsError(
        f"{source} holds no VGG that is known here: give tensors named conv1_1.weight (Oxford), "
        "features.0.weight (torchvision) or 0.weight (vgg_normalised.pth)"
    )


def _refuse_other_arch(tensors: Mapping[str, object], network: VGGEncoder, source: str) -> None:
    """VGG-19's names contain VGG-16's: taking only those would build another network."""
    known = network.state_dict()
    blocks = ("conv1_", "conv2_", "conv3_")
    surplus = [key for key in tensors if key.startswith(blocks) and key not in known]
    if surplus:
        raise WeightsError(f"{source} holds {surplus[0]}, which {network.arch} does not have: give the right --arch")


def normalised(weights: StateDict, arch: Arch, pictures: list[Tensor]) -> StateDict:
    """The weights with every channel's mean activation over the pictures, (1, 3, H, W) in [0, 1], made 1."""
    encoder = VGGEncoder(arch).eval()
    encoder.load_state_dict(weights)
    return normalise_activations(encoder, pictures).state_dict()


def save_encoder(weights: StateDict, out: Path) -> StateDict:
    """Write the weights in half precision (float32 where they need it). Returns what was written."""
    stored = {key: tensor.contiguous() for key, tensor in storable(weights).items()}
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(stored, out)
    return stored


@torch.no_grad()
def tap_means(weights: StateDict, arch: Arch, pictures: list[Tensor]) -> list[float]:
    """The mean activation of each tap over pictures, (1, 3, H, W) in [0, 1]."""
    encoder = VGGEncoder(arch).eval()
    encoder.load_state_dict({key: tensor.float() for key, tensor in weights.items()})
    taps = [encoder(picture) for picture in pictures]
    return [torch.stack([t[i].mean() for t in taps]).mean().item() for i in range(4)]


def make(flags: Flags) -> None:
    """Read, fold, normalise, save; prints the mean activations found in the saved weights."""
    weights, is_normalised = encoder_of(read_tensors(flags.vgg, flags.arch), flags.arch, flags.vgg)
    if not flags.pictures and not is_normalised:
        raise WeightsError(f"{flags.vgg} is not normalised yet: give photographs with --pictures")
    entries = index_pictures(list(flags.pictures))
    pictures = [picture[None] for picture in evenly(entries, flags.count, flags.shortest_side)] if entries else []
    if not is_normalised:
        weights = normalised(weights, flags.arch, pictures)
    stored = save_encoder(weights, flags.out)
    said = "converted, normalised already"
    if pictures:
        means = tap_means(stored, flags.arch, pictures[:16])
        said = "mean activation of the taps " + ", ".join(f"{m:.3f}" for m in means)
    print(f"{flags.out}: {said}")


def main(argv: list[str] | None = None) -> None:
    """Make the encoder; a wrong --vgg is one line."""
    flags = parse_flags(Flags, argv)
    try:
        make(flags)
    except LivestyleError as error:
        raise SystemExit(f"normalise_vgg: {error}") from None


if __name__ == "__main__":
    main()
