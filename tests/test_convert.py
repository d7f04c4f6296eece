"""Conversion of pytorch-AdaIN's files: the same functions as its own networks, and every refusal."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from livestyle.errors import WeightsError
from livestyle.model.convert import decoder_from_adain, encoder_from_adain, storable
from livestyle.model.decoder import Decoder
from livestyle.model.vgg import VGGEncoder
from livestyle.model.weights import read_checkpoint
from tests.pytorch_adain import random_pair

Pair = tuple[nn.Sequential, nn.Sequential]
TAP_POSITIONS = (3, 10, 17, 30)
"""Of relu1_1, relu2_1, relu3_1 and relu4_1 in that program's VGG."""


@pytest.fixture(scope="module")
def pair() -> Pair:
    return random_pair(seed=1)


@pytest.fixture
def vgg_state(pair: Pair) -> dict[str, Any]:
    return dict(pair[0].state_dict())


@pytest.fixture
def decoder_state(pair: Pair) -> dict[str, Any]:
    return dict(pair[1].state_dict())


@pytest.mark.parametrize("size", [(32, 32), (33, 42)])
@torch.no_grad()
def test_the_encoder_is_the_same_function_with_its_input_layer_folded(
    pair: Pair, vgg_state: dict[str, Any], size: tuple[int, int]
) -> None:
    encoder = VGGEncoder("vgg19")
    encoder.load_state_dict(encoder_from_adain(vgg_state, "vgg"))
    rgb = torch.rand(1, 3, *size)
    x, expected = rgb, []
    for position, layer in enumerate(pair[0]):
        x = layer(x)
        if position in TAP_POSITIONS:
            expected.append(x)
    for got, wanted in zip(encoder(rgb), expected, strict=True):
        assert wanted.max() > 1
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_the_decoder_is_the_same_function(pair: Pair, decoder_state: dict[str, Any]) -> None:
    decoder = Decoder("vgg19")
    decoder.load_state_dict(decoder_from_adain(decoder_state, "decoder"))
    features = torch.rand(1, 512, 4, 5)
    torch.testing.assert_close(decoder(features, 30, 37), pair[1](features)[..., :30, :37], rtol=1e-4, atol=1e-4)


def test_deeper_layers_are_ignored_and_double_precision_is_taken(vgg_state: dict[str, Any]) -> None:
    plain = encoder_from_adain(vgg_state, "vgg")
    doubled = {key: tensor.double() for key, tensor in vgg_state.items()}
    again = encoder_from_adain(doubled | {"32.weight": torch.zeros(1), "51.bias": None}, "vgg")
    assert plain.keys() == again.keys()
    assert all(torch.equal(plain[key], again[key]) and again[key].dtype == torch.float32 for key in plain)


def test_float16_where_it_can_hold_the_numbers() -> None:
    small = {"a": torch.tensor([65_000.0]), "b": torch.tensor([0.1])}
    assert {t.dtype for t in storable(small).values()} == {torch.float16}
    large = small | {"a": torch.tensor([-70_000.0])}
    assert storable(large) is large


def without(key: str) -> Callable[[dict[str, Any]], Any]:
    return lambda state: {k: v for k, v in state.items() if k != key}


def changed(key: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda state: state | {key: value}


VGG_REFUSALS = {
    "missing layer": (without("29.weight"), r"has no 29\.weight"),
    "missing bias": (without("2.bias"), r"has no 2\.bias"),
    "no input layer": (without("0.weight"), r"has no 0\.weight"),
    "empty": (lambda _: {}, "it holds nothing"),
    "other names": (lambda _: {"state_dict": {}, "epoch": 3}, "holds state_dict, epoch"),
    "torchvision's": (changed("features.0.weight", torch.zeros(64, 3, 3, 3)), "torchvision"),
    "surplus layer": (changed("53.weight", torch.zeros(1)), r"53\.weight"),
    "other shape": (changed("9.weight", torch.zeros(64, 128, 3, 3)), r"9\.weight has shape \(64, 128, 3, 3\), needed"),
    "shape of one more axis": (changed("0.bias", torch.zeros(3, 1)), r"0\.bias has shape \(3, 1\)"),
    "infinite": (changed("5.bias", torch.full((64,), torch.inf)), r"5\.bias holds numbers that are not finite"),
    "not a number": (changed("0.bias", torch.full((3,), torch.nan)), r"0\.bias holds numbers that are not finite"),
    "integers": (changed("0.bias", torch.zeros(3, dtype=torch.int64)), r"0\.bias is no plain tensor"),
    "a list": (changed("0.bias", [0.0, 0.0, 0.0]), r"0\.bias is no plain tensor"),
    "sparse": (changed("0.bias", torch.ones(3).to_sparse()), r"0\.bias is no plain tensor"),
}


@pytest.mark.parametrize("case", VGG_REFUSALS)
def test_what_is_no_vgg_of_theirs_is_refused_in_one_line(vgg_state: dict[str, Any], case: str) -> None:
    change, said = VGG_REFUSALS[case]
    with pytest.raises(WeightsError, match=said) as error:
        encoder_from_adain(change(vgg_state), "some.pth")
    assert "some.pth" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("28.bias"), r"has no 28\.bias"),
        (changed("30.weight", torch.zeros(1)), r"30\.weight"),
        (changed("1.weight", torch.zeros(512, 256, 3, 3)), "needed is"),
        (changed("1.bias", torch.full((256,), torch.nan)), "not finite"),
        (changed("features.0.weight", torch.zeros(1)), "torchvision"),
    ],
)
def test_what_is_no_decoder_of_theirs_is_refused(
    decoder_state: dict[str, Any], change: Callable[[dict[str, Any]], Any], said: str
) -> None:
    with pytest.raises(WeightsError, match=said):
        decoder_from_adain(change(decoder_state), "some.pth")


def test_files_in_the_wrong_order_are_noticed(vgg_state: dict[str, Any], decoder_state: dict[str, Any]) -> None:
    with pytest.raises(WeightsError, match=r"a decoder: give vgg_normalised\.pth first"):
        encoder_from_adain(decoder_state, "decoder.pth")
    with pytest.raises(WeightsError, match=r"an encoder: give vgg_normalised\.pth first"):
        decoder_from_adain(vgg_state, "vgg.pth")


def test_both_formats_of_torch_save_are_read(tmp_path: Path) -> None:
    tensors = {"a": torch.rand(3, 4), "b": torch.rand(2)}
    for number, new_format in enumerate((True, False)):
        path = tmp_path / f"{number}.pth"
        torch.save(tensors, path, _use_new_zipfile_serialization=new_format)
        holds = read_checkpoint(path)
        assert list(holds) == ["a", "b"]
        assert all(isinstance(v, Tensor) and torch.equal(v, tensors[k]) for k, v in holds.items())


def _pickled(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def _torchscript() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("model/constants.pkl", pickle.dumps(()))
        archive.writestr("model/data.pkl", pickle.dumps({}))
        archive.writestr("model/version", "3\n")
    return buffer.getvalue()


UNREADABLE = {
    "whole module": (lambda: _pickled(nn.Conv2d(3, 3, 1)), "whole pickled network"),
    "words": (lambda: b"these are words", "no plain tensors"),
    "nothing": (lambda: b"", "no plain tensors"),
    "truncated": (lambda: _pickled({"a": torch.rand(100)})[:-200], "no plain tensors"),
    "plain pickle": (lambda: pickle.dumps({"a": Path("x")}), "no plain tensors"),
    "torchscript": (_torchscript, "no plain tensors"),
    "list": (lambda: _pickled([torch.zeros(3)]), "holds a list"),
    "tensor": (lambda: _pickled(torch.zeros(3)), "holds a Tensor"),
    "numbered": (lambda: _pickled({1: torch.zeros(3)}), "not a state dict"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_no_state_dict_is_refused_in_one_line(tmp_path: Path, case: str) -> None:
    path = tmp_path / "some.pth"
    data, said = UNREADABLE[case]
    path.write_bytes(data())
    with pytest.raises(WeightsError, match=said) as error:
        read_checkpoint(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"absent\.pth does not exist"):
        read_checkpoint(tmp_path / "absent.pth")
    with pytest.raises(WeightsError, match="is no file"):
        read_checkpoint(tmp_path)


class _Trap:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_pickled_code_is_not_run(tmp_path: Path) -> None:
    sprung, path = tmp_path / "sprung", tmp_path / "trap.pth"
    torch.save({"0.weight": torch.zeros(1), "trap": _Trap(sprung)}, path)
    torch.load(path, weights_only=False)
    assert sprung.exists()  # the trap works
    sprung.unlink()
    with pytest.raises(WeightsError):
        read_checkpoint(path)
    assert not sprung.exists()
