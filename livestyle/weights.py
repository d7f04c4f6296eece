"""Loads weights files: sha256 checked against the manifest, safetensors only, strict shapes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from livestyle.assets import asset_dir
from livestyle.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor, nn

REINSTALL = "reinstall livestyle, or fetch the file again"


@dataclass(frozen=True)
class WeightsEntry:
    """One file of the manifest."""

    file: Path
    arch: str
    """vgg16 or vgg19."""
    sha256: str
    origin: str
    licence: str
    command: str
    """The command that made the file."""


def manifest(folder: Path | None = None) -> dict[str, WeightsEntry]:
    """The weights in a folder (default: those shipped), by name ("encoder", "decoder").

    Raises WeightsError when manifest.json is missing or damaged.
    """
    folder = folder or asset_dir("weights")
    path = folder / "manifest.json"
    try:
        entries = json.loads(path.read_text())["weights"]
        return {name: WeightsEntry(**(fields | {"file": folder / fields["file"]})) for name, fields in entries.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"weights manifest {path} cannot be read ({error}): {REINSTALL}") from None


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


def load_into(module: nn.Module, entry: WeightsEntry) -> None:
    """Fill a network with an entry's weights as float32; names and shapes must match exactly.

    Raises WeightsError.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors: dict[str, Tensor] = load(read_verified(entry))
        module.load_state_dict({k: v.float() for k, v in tensors.items()}, strict=True)
    except (SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"weights {entry.file} do not fit {entry.arch} ({reason}): {REINSTALL}") from None


def encoder_id(folder: Path | None = None) -> str:
    """Which encoder the weights hold, as stored with style statistics. Needs no torch."""
    entry = manifest(folder)["encoder"]
    return f"{entry.arch}-{entry.sha256[:8]}"
