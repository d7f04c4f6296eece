"""Pictures in folders and tar shards: an index of where their bytes are, and reading one.

Uncompressed tars are read by the offsets of their members, so a shard is as good as a folder: any
picture at any time, in any order. Nothing is held in memory but the index.
"""

from __future__ import annotations

import glob
import io
import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})

# What Pillow raises on damaged bytes.
_DAMAGED = (OSError, Image.DecompressionBombError, SyntaxError, ValueError, EOFError, IndexError, struct.error)


class Entry(NamedTuple):
    """Where one picture's bytes are: `size` bytes from `offset` of `path` (a file or a tar)."""

    name: str
    path: str
    offset: int
    size: int


def index_pictures(sources: list[str]) -> list[Entry]:
    """Find pictures, in a stable order. sources: folders, tar files or globs of them.

    Raises FileNotFoundError naming a source that matches nothing or holds no picture, OSError
    naming a tar that is compressed or cut off.
    """
    entries: list[Entry] = []
    for source in sources:
        paths = [Path(source)] if Path(source).exists() else [Path(p) for p in sorted(glob.glob(source))]
        found = [entry for path in paths for entry in _entries(path)]
        if not found:
            raise FileNotFoundError(
                f"{source!r} holds no pictures: give a folder of images, a .tar shard, or a glob of either (in quotes)"
            )
        entries += found
    return entries


def _entries(path: Path) -> Iterator[Entry]:
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix.lower() in SUFFIXES:
                yield Entry(file.name, str(file), 0, file.stat().st_size)
    elif path.suffix == ".tar":
        try:
            with tarfile.open(path, "r:") as tar:  # uncompressed: pictures are read by their offsets
                for member in tar:
                    if member.isfile() and Path(member.name).suffix.lower() in SUFFIXES:
                        yield Entry(member.name, str(path), member.offset_data, member.size)
        except tarfile.TarError as error:
            raise OSError(f"{path} is no whole uncompressed tar ({error}): if compressed, name it .tar.gz") from None
    elif path.suffix.lower() in SUFFIXES:
        yield Entry(path.name, str(path), 0, path.stat().st_size)


def read_picture(entry: Entry, shortest_side: int | None = None) -> Image.Image:
    """Decode an entry to RGB, its shorter side resized to `shortest_side` pixels if given.

    Raises OSError when the bytes are no readable picture.
    """
    with open(entry.path, "rb") as file:
        file.seek(entry.offset)
        return decode_picture(file.read(entry.size), entry.name, shortest_side)


def decode_picture(data: bytes, name: str, shortest_side: int | None = None) -> Image.Image:
    """The bytes of an image file as RGB; see `read_picture`. name: for the error."""
    try:
        encoded = Image.open(io.BytesIO(data))
        if shortest_side:
            encoded.draft("RGB", (shortest_side, shortest_side))
        image = encoded.convert("RGB")
    except _DAMAGED as error:
        raise OSError(f"{name}: {error}") from error
    if shortest_side and min(image.size) != shortest_side:
        k = shortest_side / min(image.size)
        size = (max(round(image.width * k), shortest_side), max(round(image.height * k), shortest_side))
        image = image.resize(size, Image.Resampling.BICUBIC)
    return image


def to_tensor(image: Image.Image) -> Tensor:
    """An RGB picture as (3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255


def evenly(entries: list[Entry], count: int, shortest_side: int) -> list[Tensor]:
    """Up to `count` pictures, (3, H, W) in [0, 1], a fixed stride apart; broken ones are named and left out."""
    pictures = []
    for entry in entries[:: max(1, len(entries) // count)][:count]:
        try:
            pictures.append(to_tensor(read_picture(entry, shortest_side)))
        except OSError:
            name_broken(entry)
    return pictures


def name_broken(entry: Entry) -> None:
    """Say which picture is left out."""
    print(f"skipped, not a readable picture: {entry.name} in {entry.path}", flush=True)
