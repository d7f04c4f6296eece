"""What the training's tests share: small pictures, a tiny run, and how to compare runs."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from livestyle.model.vgg import Arch, VGGEncoder, normalise_activations
from train import checkpoint
from train.crops import CropRecipe, CropStream, IndexedPictures
from train.data import index_pictures
from train.decoder import Flags

ROOT = Path(__file__).parents[1]
CPU = torch.device("cpu")


def noise_pictures(folder: Path, count: int = 6) -> Path:
    """Noise over a gradient, of different shapes, as PNG and JPEG."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(count)
    for i in range(count):
        height, width = 30 + 7 * i, 64 - 5 * i
        ramp = np.linspace(0, 180, width)[None, :, None] + rng.integers(0, 70, (height, width, 3))
        Image.fromarray(ramp.astype(np.uint8)).save(folder / f"p{i}.{'jpg' if i % 2 else 'png'}")
    return folder


def smooth_pictures(folder: Path, count: int, seed: int, *, grain: int = 25, side: int = 40) -> Path:
    """Gradients of different colours and shapes, with a little noise, as PNG."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for i in range(count):
        height, width = side + 3 * i, side * 7 // 5 - 4 * i
        ramp = np.linspace(0, 1, width)[None, :, None] * np.linspace(1, 0.3, height)[:, None, None]
        picture = ramp * rng.integers(80, 230, 3) + rng.integers(0, grain, (height, width, 3))
        Image.fromarray(picture.astype(np.uint8)).save(folder / f"{i}.png")
    return folder


def pack(folder: Path, tar_path: Path) -> Path:
    """The folder's files as a tar shard, in name order, among files that are no pictures."""
    with tarfile.open(tar_path, "w:gz" if tar_path.suffix == ".gz" else "w") as tar:
        for file in sorted(folder.iterdir()):
            tar.add(file, arcname=f"shard/{file.name}")
            label = tarfile.TarInfo(f"shard/{file.stem}.txt")
            label.size = 5
            tar.addfile(label, io.BytesIO(b"label"))
    return tar_path


def break_pictures(folder: Path) -> set[str]:
    """Add damaged files of several kinds to `noise_pictures`; returns their names."""
    png, jpeg = (folder / "p0.png").read_bytes(), (folder / "p1.jpg").read_bytes()
    middle = len(png) // 2
    damaged = {
        "q0-empty.png": b"",
        "q1-text.jpg": b"this is no picture",
        "q2-cut.png": png[:middle],
        "q3-cut.jpg": jpeg[: len(jpeg) // 2],
        "q4-flipped.png": png[:middle] + bytes(64) + png[middle + 64 :],
        "q5-header-only.jpg": jpeg[:20],
    }
    for name, data in damaged.items():
        (folder / name).write_bytes(data)
    return set(damaged)


def indexed(*sources: Path) -> IndexedPictures:
    return IndexedPictures(index_pictures([str(source) for source in sources]))


def crop_stream(*sources: Path, recipe: CropRecipe, seed: int = 0, workers: int = 0) -> CropStream:
    return CropStream(indexed(*sources), recipe, seed=seed, workers=workers)


def random_encoder(arch: Arch = "vgg16") -> VGGEncoder:
    """An encoder with random weights of the size that trained ones have."""
    torch.manual_seed(0)
    encoder = normalise_activations(VGGEncoder(arch), [torch.rand(1, 3, 32, 32) for _ in range(2)])
    return encoder.eval().requires_grad_(False)


def tiny_flags(folder: Path) -> Flags:
    """A tiny run: a random encoder, five photographs, three artworks, 16-pixel crops. `out` is to be replaced."""
    content, style = smooth_pictures(folder / "content", 5, 0), smooth_pictures(folder / "style", 3, 1)
    (folder / "networks").mkdir()
    save_file(random_encoder().state_dict(), folder / "networks" / "encoder.safetensors")
    return Flags(
        content=(str(content),), style=(str(style),), out=folder / "unused",
        encoder_weights=folder / "networks" / "encoder.safetensors",
        steps=2, batch=2, crop=16, scale_min=1.0, scale_max=1.5, style_scale_min=1.0, style_scale_max=1.3,
        lr=1e-4, workers=0, log_every=1, sample_side=16, tensorboard=False, device="cpu", precision="float32",
    )  # fmt: skip


def arguments(flags: Flags) -> list[str]:
    """The flags as command-line arguments."""
    words = []
    for field in fields(flags):
        value, name = getattr(flags, field.name), field.name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        elif value not in ((), None, ""):
            words += [f"--{name}", *map(str, value if isinstance(value, tuple) else (value,))]
    return words


def start(*command: str) -> subprocess.Popen[str]:
    """Python with this command line, in a process group of its own, on one thread."""
    return subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, start_new_session=True,
        encoding="utf-8", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def read_until(process: subprocess.Popen[str], wanted: str) -> str:
    """What a process says, up to the line that contains `wanted`, or to its end."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if wanted in line:
            break
    return said


def log_of(out: Path) -> list[dict[str, Any]]:
    """The rows of a run's log, without speeds."""
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{k: v for k, v in row.items() if k != "it_per_s"} for row in rows]


def flatten(tree: Any, name: str = "") -> dict[str, Any]:
    """Every leaf of a checkpoint by its path."""
    if isinstance(tree, dict | list):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        return {k: v for key, value in items for k, v in flatten(value, f"{name}/{key}").items()}
    return {name: tree}


def assert_same_state(a: checkpoint.State | None, b: checkpoint.State | None) -> None:
    """Bit by bit, the flags (which hold paths) aside."""
    assert a is not None and b is not None
    left, right = flatten(a | {"flags": ""}), flatten(b | {"flags": ""})
    assert left.keys() == right.keys()
    for name, value in left.items():
        same = torch.equal(value, right[name]) if isinstance(value, torch.Tensor) else value == right[name]
        assert same, f"{name} differs"
