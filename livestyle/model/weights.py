"""Loads weights files: sha256 checked against the manifest, safetensors only, strict shapes.

Checkpoints of other programs are read as plain tensors (`read_checkpoint`), for conversion only.
It does not know where a person's own weights lie (`livestyle.model.weights_store`).
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from livestyle.assets import asset_dir
from livestyle.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor, nn

ModelName = Literal["paper", "fast"]

OWN_NETWORK: dict[ModelName, str] = {"paper": "decoder", "fast": "fast"}
"""What a model needs beside the encoder, by its name in the manifest."""

ARCHS = {
    "encoder": ("vgg16", "vgg19"),
    "decoder": ("vgg16", "vgg19"),
    "fast": ("fast",),
    "fast-int8": ("fast-int8",),
}

INT8_FOR = "made-for.sha256"
"""In the archive of the int8 graph: the sha256 of the weights that it is of."""

REINSTALL = "reinstall livestyle, or fetch the file again; weights of your own: import them again"


@dataclass(frozen=True)
class WeightsEntry:
    """One file of the manifest."""

    file: Path
    arch: Any
    """vgg16 or vgg19; fast for the fast model's own network."""
    sha256: str
    origin: str
    licence: str
    command: str
    """The command that made the file."""


def manifest(folder: Path | None = None) -> dict[str, WeightsEntry]:
    """The weights in a folder (default: those shipped), by name ("encoder", "decoder", "fast").

    Raises WeightsError when manifest.json is missing or damaged.
    """
    folder = folder or asset_dir("weights")
    path = folder / "manifest.json"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["weights"]
        return {name: WeightsEntry(**(fields | {"file": folder / fields["file"]})) for name, fields in entries.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"weights manifest {path} cannot be read ({error}): {REINSTALL}") from None


def network_entries(folder: Path | None = None, model: ModelName = "paper") -> tuple[WeightsEntry, WeightsEntry]:
    """A model's encoder and its own network in a weights folder (default: those shipped); no file is read yet.

    Raises WeightsError when the manifest is missing or damaged, or names no such network.
    """
    entries = manifest(folder)
    encoder, own = _entry(entries, "encoder", folder), _entry(entries, OWN_NETWORK[model], folder)
    if model == "paper" and encoder.arch != own.arch:
        raise WeightsError(f"weights {own.file} mirror {own.arch}, {encoder.file} is {encoder.arch}: give a pair")
    return encoder, own


def int8_graph(folder: Path | None = None) -> tuple[bytes, bytes]:
    """OpenVINO's XML and weights of the fast model's int8 graph (default: the one shipped). Raises WeightsError."""
    entries = manifest(folder)
    archive, fast = _entry(entries, "fast-int8", folder), _entry(entries, "fast", folder)
    with zipfile.ZipFile(io.BytesIO(read_verified(archive))) as packed:
        made_for, graph, tensors = (packed.read(name) for name in (INT8_FOR, "painter.xml", "painter.bin"))
    if made_for.decode() != fast.sha256:
        raise WeightsError(f"weights {archive.file} are not of {fast.file.name}: run python -m train.quantise again")
    return graph, tensors


def models_in(folder: Path | None = None) -> tuple[ModelName, ...]:
    """The models that a weights folder (default: the one shipped) has networks for. Raises WeightsError."""
    entries = manifest(folder)
    return tuple(model for model, own in OWN_NETWORK.items() if own in entries)


def _entry(entries: dict[str, WeightsEntry], name: str, folder: Path | None) -> WeightsEntry:
    if name not in entries:
        raise WeightsError(f"weights manifest in {folder or 'livestyle'} names no {name}: {REINSTALL}")
    entry = entries[name]
    if entry.arch not in ARCHS[name]:
        allowed = " and ".join(ARCHS[name])
        raise WeightsError(f"weights {entry.file} are of network {entry.arch!r}: livestyle has {allowed}")
    if not re.fullmatch("[0-9a-f]{64}", str(entry.sha256)):
        raise WeightsError(f"weights {entry.file} have no sha256 in their manifest: {REINSTALL}")
    return entry


def read_verified(entry: WeightsEntry) -> bytes:
    """A weights file's bytes. Raises WeightsError when it is missing or its sha256 differs."""
    try:
        data = entry.file.read_bytes()
    except OSError as error:
        raise WeightsError(f"weights {entry.file} cannot be read ({error.strerror}): {REINSTALL}") from None
    digest = hashlib.sha256(data).hexdigest()
    if digest != entry.sha256:
        raise WeightsError(
            f"weights {entry.file} are damaged: sha256 {digest[:12]}..., expected {entry.sha256[:12]}...: {REINSTALL}"
        )
    return data


def read_tensors(entry: WeightsEntry) -> dict[str, Tensor]:
    """A weights file's tensors by name. Raises WeightsError."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors: dict[str, Tensor] = load(read_verified(entry))
    except SafetensorError as error:
        raise _unfit(entry, error) from None
    return tensors


def load_into(module: nn.Module, entry: WeightsEntry) -> None:
    """Fill a network with an entry's weights as float32; names and shapes must match exactly.

    Raises WeightsError.
    """
    try:
        module.load_state_dict({k: v.float() for k, v in read_tensors(entry).items()}, strict=True)
    except RuntimeError as error:
        raise _unfit(entry, error) from None


def _unfit(entry: WeightsEntry, error: Exception) -> WeightsError:
    reason = " ".join(str(error).split())[:200]
    return WeightsError(f"weights {entry.file} do not fit {entry.arch} ({reason}): {REINSTALL}")


def encoder_id(folder: Path | None = None) -> str:
    """Which encoder the weights hold, as stored with style statistics. Needs no torch.

    Raises WeightsError, as `network_entries` does.
    """
    encoder = _entry(manifest(folder), "encoder", folder)
    return f"{encoder.arch}-{encoder.sha256[:8]}"


def network_id(model: ModelName, folder: Path | None = None) -> str:
    """Which network of its own a model has, as stored with refinements of styles. Needs no torch.

    Raises WeightsError, as `network_entries` does.
    """
    own = network_entries(folder, model)[1]
    return f"{model}-{own.sha256[:8]}"


def read_checkpoint(path: Path) -> dict[str, object]:
    """A state dict that torch.save wrote, in either of its formats, on the CPU. No pickled code is run.

    Keys are strings, values are not looked at. Raises WeightsError in one line when the file cannot
    be read or holds something else.
    """
    import torch

    if not path.is_file():
        raise WeightsError(f"{path} {'is no file' if path.exists() else 'does not exist'}: give a .pth file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, about TorchScript archives, which are refused below
            holds = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror or error}): check the file") from None
    except Exception as error:  # damaged or foreign bytes make the unpickler raise whatever comes
        raise WeightsError(
            f"{path} holds no plain tensors ({type(error).__name__}): it is damaged, another kind of file, or a whole "
            "pickled network, which livestyle does not open; give a file that torch.save(network.state_dict()) wrote"
        ) from None
    if not isinstance(holds, dict) or not all(isinstance(key, str) for key in holds):
        raise WeightsError(f"{path} holds a {type(holds).__name__}, not a state dict: give a file of named tensors")
    return holds
