"""Weights that can be named: those shipped, and a person's own in the platform's user data folder.

A set of weights is a folder with a manifest.json beside an encoder and a decoder. It does not know
how networks run or where the tensors come from.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from livestyle.assets import asset_dir
from livestyle.errors import OutputError, WeightsError
from livestyle.looks.style import style_name
from livestyle.model.weights import WeightsEntry, network_entries

if TYPE_CHECKING:
    from torch import Tensor

SHIPPED = "shipped"
"""The name of the weights that travel with the program."""

IMPORT = "livestyle weights import VGG_NORMALISED.pth DECODER.pth"


@dataclass(frozen=True)
class WeightsSet:
    """One set of weights that can be named."""

    name: str
    folder: Path
    encoder: WeightsEntry
    decoder: WeightsEntry

    @property
    def builtin(self) -> bool:
        """Whether it travels with the program."""
        return self.name == SHIPPED


@dataclass(frozen=True)
class NewWeights:
    """One network to be kept: its tensors, and what the manifest says of them."""

    tensors: Mapping[str, Tensor]
    file: str
    origin: str


def own_dir() -> Path:
    """Where a person's own weights lie, each in a folder with its name."""
    return Path(platformdirs.user_data_dir("livestyle", appauthor=False)) / "weights"


def own_names() -> list[str]:
    """The names of the person's own weights, whole or damaged."""
    try:
        return sorted(p.name for p in own_dir().iterdir() if p.is_dir() and not p.name.startswith("."))
    except OSError:
        return []


def read_set(name: str) -> WeightsSet:
    """A set by its name, shipped or own. Raises WeightsError when its manifest is damaged."""
    folder = asset_dir("weights") if name == SHIPPED else own_dir() / name
    return WeightsSet(name, folder, *network_entries(folder))


def find_weights(text: str) -> Path:
    """The folder that a name or a folder's path means: a person's own names come first.

    Raises WeightsError naming what there is.
    """
    if text == SHIPPED:
        return asset_dir("weights")
    if text in own_names():
        return own_dir() / text
    path = Path(text).expanduser()
    if (path / "manifest.json").is_file():
        return path
    names = ", ".join([SHIPPED, *own_names()])
    what = "unknown"
    if path.exists():
        what = "a folder without a manifest.json" if path.is_dir() else "a file, not a folder with a manifest.json"
    raise WeightsError(f"weights {text!r}: {what}; there are: {names}; `{IMPORT}` adds a pytorch-AdaIN pair")


def new_name(text: str) -> str:
    """A name for new weights from a person's words or a file's stem. Raises WeightsError when taken."""
    name = style_name(text) if any(c.isascii() and c.isalnum() for c in text) else "imported"
    if name == SHIPPED:
        raise WeightsError(f"weights {name!r} are those that came with livestyle: choose another --name")
    if name in own_names():
        raise WeightsError(
            f"weights {name!r} are there already: choose another --name, or `livestyle weights remove {name}` first"
        )
    return name


def save_set(name: str, networks: Mapping[str, NewWeights], *, command: str) -> WeightsSet:
    """Keep new VGG-19 weights; the folder appears when it is whole.

    networks: "encoder" and "decoder". command: what made them. Raises OutputError.
    """
    from safetensors.torch import save

    folder = own_dir() / name
    part = folder.with_name(f".{name}.{os.getpid()}.part")
    entries = {}
    try:
        part.mkdir(parents=True)
        for role, new in networks.items():
            data = save(dict(new.tensors))
            (part / new.file).write_bytes(data)
            entries[role] = {
                "file": new.file,
                "arch": "vgg19",
                "origin": new.origin,
                "licence": "as the source files",
                "command": command,
                "sha256": hashlib.sha256(data).hexdigest(),
            }
        (part / "manifest.json").write_text(json.dumps({"weights": entries}, indent=2) + "\n", encoding="utf-8")
        os.rename(part, folder)
    except OSError as error:
        raise OutputError(
            f"weights {name!r} cannot be saved as {folder} ({error.strerror or error}): check space and permissions"
        ) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return read_set(name)


def remove_set(name: str) -> None:
    """Delete weights of the person's own. Raises WeightsError for others, OutputError when it fails."""
    if name == SHIPPED:
        raise WeightsError(f"weights {name!r} came with livestyle and stay; only weights you imported can be removed")
    names = own_names()
    if name not in names:
        raise WeightsError(f"weights {name!r}: unknown; of your own there are: {', '.join(names) or 'none'}")
    try:
        shutil.rmtree(own_dir() / name)
    except OSError as error:
        raise OutputError(
            f"weights {name!r} cannot be removed ({error.strerror or error}): check permissions"
        ) from None
