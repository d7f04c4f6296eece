"""From the checkpoints of pytorch-AdaIN to livestyle's networks: tensors in, state dicts out.

That program (github.com/naoto0804/pytorch-AdaIN, net.py) builds both networks as one nn.Sequential
of convolutions, paddings and activations, so a layer's name in its files is a position. Its VGG-19
is fed RGB in [0, 1] too: a 1x1 convolution in front does what the pre-processing needs.

It does not know files: `livestyle.model.weights` reads them, `livestyle.model.weights_store` keeps the result.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from livestyle.errors import WeightsError
from livestyle.model.decoder import Decoder
from livestyle.model.vgg import VGGEncoder, layer_names

StateDict = dict[str, Tensor]

INPUT_LAYER = "0"
"""The 1x1 convolution in front of that VGG-19."""

ENCODER_LAYERS = dict(zip(layer_names("vgg19"), ("2", "5", "9", "12", "16", "19", "22", "25", "29"), strict=True))
"""Position of each convolution of ours, conv1_1 to conv4_1, in that VGG-19."""

LATER_LAYERS = ("32", "35", "38", "42", "45", "48", "51")
"""conv4_2 to conv5_4, which AdaIN does not use."""

DECODER_LAYERS = dict(
    zip(reversed(layer_names("vgg19")), ("1", "5", "8", "11", "14", "18", "21", "25", "28"), strict=True)
)
"""Position of each layer of ours in that decoder, by the convolution that it mirrors."""


def encoder_from_adain(tensors: Mapping[str, object], source: str) -> StateDict:
    """livestyle's VGG-19 encoder from vgg_normalised.pth; the same function of the picture.

    tensors: that file's state dict, layers after relu4_1 or not. source: its name, for messages.
    Returns float32. Raises WeightsError when a tensor is missing, surplus, of another shape, or
    holds numbers that are not finite.
    """
    if "0.weight" not in tensors and "1.weight" in tensors:
        raise WeightsError(f"{source} looks like a decoder: give vgg_normalised.pth first, decoder.pth second")
    _refuse_torchvision(tensors, source)
    _refuse_surplus(tensors, (INPUT_LAYER, *ENCODER_LAYERS.values(), *LATER_LAYERS), source)
    input_weight = checked(tensors, f"{INPUT_LAYER}.weight", (3, 3, 1, 1), source)
    input_bias = checked(tensors, f"{INPUT_LAYER}.bias", (3,), source)
    with torch.device("meta"):
        network = VGGEncoder("vgg19")
    return fold_input_layer(renamed(tensors, ENCODER_LAYERS, network, source), input_weight, input_bias)


def decoder_from_adain(tensors: Mapping[str, object], source: str) -> StateDict:
    """livestyle's VGG-19 decoder from decoder.pth; see `encoder_from_adain`."""
    if "0.weight" in tensors:
        raise WeightsError(f"{source} looks like an encoder: give vgg_normalised.pth first, decoder.pth second")
    _refuse_torchvision(tensors, source)
    _refuse_surplus(tensors, tuple(DECODER_LAYERS.values()), source)
    with torch.device("meta"):
        network = Decoder("vgg19")
    return renamed(tensors, DECODER_LAYERS, network, source)


def fold_input_layer(weights: StateDict, input_weight: Tensor, input_bias: Tensor) -> StateDict:
    """Rewrite conv1_1 so that it does the work of a 1x1 convolution in front of it as well.

    input_weight: (3, 3, 1, 1), input_bias: (3,). w'[o, i] = sum_k w[o, k] input_weight[k, i], and the
    bias gains what conv1_1 makes of input_bias. Exact: reflection padding repeats real pixels.
    Returns a new state dict.
    """
    w = weights["conv1_1.weight"].double()
    bias = weights["conv1_1.bias"].double() + torch.einsum("okhw,k->o", w, input_bias.double())
    folded = torch.einsum("okhw,ki->oihw", w, input_weight[:, :, 0, 0].double())
    return weights | {"conv1_1.weight": folded.float().contiguous(), "conv1_1.bias": bias.float()}


def renamed(tensors: Mapping[str, object], layers: Mapping[str, str], network: nn.Module, source: str) -> StateDict:
    """A network's state dict, float32, from tensors under other layer names (layers: ours -> theirs).

    Every tensor must be there in the network's shape. Raises WeightsError.
    """
    state = {}
    for key, ours in network.state_dict().items():
        layer, kind = key.rsplit(".", 1)
        state[key] = checked(tensors, f"{layers[layer]}.{kind}", tuple(ours.shape), source)
    return state


def checked(tensors: Mapping[str, object], key: str, shape: tuple[int, ...], source: str) -> Tensor:
    """One tensor as a contiguous float32 copy. Raises WeightsError when it is missing or not what is needed."""
    if key not in tensors:
        there = ", ".join(list(tensors)[:4]) or "nothing"
        raise WeightsError(f"{source} has no {key}: it is another network's file (it holds {there}, ...)")
    tensor = tensors[key]
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point() or tensor.layout != torch.strided:
        raise WeightsError(f"{source}: {key} is no plain tensor of real numbers: it is another network's file")
    if tuple(tensor.shape) != shape:
        raise WeightsError(
            f"{source}: {key} has shape {tuple(tensor.shape)}, needed is {shape}: it is another network's file"
        )
    plain = tensor.detach().to(torch.float32, copy=True, memory_format=torch.contiguous_format)
    if not plain.isfinite().all():
        raise WeightsError(f"{source}: {key} holds numbers that are not finite: fetch the file again")
    return plain


def storable(weights: StateDict) -> StateDict:
    """The weights in float16, or as they are (float32) when one of them is too large for float16."""
    half = {key: tensor.half() for key, tensor in weights.items()}
    return half if all(bool(tensor.isfinite().all()) for tensor in half.values()) else weights


def _refuse_torchvision(tensors: Mapping[str, object], source: str) -> None:
    if any(key.startswith("features.") for key in tensors):
        raise WeightsError(
            f"{source} is a torchvision network, which no decoder here was trained for: "
            "give vgg_normalised.pth and decoder.pth of pytorch-AdaIN"
        )


def _refuse_surplus(tensors: Mapping[str, object], layers: tuple[str, ...], source: str) -> None:
    allowed = {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}
    surplus = [key for key in tensors if key not in allowed]
    if surplus:
        raise WeightsError(f"{source} holds {', '.join(surplus[:4])}, which pytorch-AdaIN's file does not have")
