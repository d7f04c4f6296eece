"""Put trained weights into weights/ and write their manifest.

python -m train.ship --decoder runs/decoder --command 'python -m train.decoder ...'
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from train.runtime import flag, parse_flags

ENCODER = {
    "file": "vgg16.safetensors",
    "arch": "vgg16",
    "origin": "VGG-16 of the Visual Geometry Group, Oxford (Simonyan & Zisserman 2014), conv1_1 to conv4_1, normalised",
    "licence": "CC BY 4.0",
    "command": "python -m train.normalise_vgg --vgg vgg16_relu4_1.safetensors --pictures 'content-*.tar' "
    "--out weights/vgg16.safetensors",
}


@dataclass(frozen=True)
class Flags:
    """Put a trained decoder into the weights folder and write the manifest."""

    decoder: Path = flag("the training's --out folder")
    command: str = flag("the training command, for the manifest")
    weights: Path = flag("the weights folder", Path("weights"))


def main(argv: list[str] | None = None) -> None:
    """Copy, hash, write."""
    flags = parse_flags(Flags, argv)
    shutil.copyfile(flags.decoder / "decoder.safetensors", flags.weights / "decoder.safetensors")
    decoder = {
        "file": "decoder.safetensors",
        "arch": "vgg16",
        "origin": "trained by this project; see weights/README.md",
        "licence": "MIT",
        "command": flags.command,
    }
    entries = {"encoder": ENCODER, "decoder": decoder}
    for entry in entries.values():
        entry["sha256"] = hashlib.sha256((flags.weights / entry["file"]).read_bytes()).hexdigest()
    (flags.weights / "manifest.json").write_text(json.dumps({"weights": entries}, indent=2) + "\n")
    print(f"{flags.weights / 'manifest.json'}: decoder sha256 {decoder['sha256'][:12]}")


if __name__ == "__main__":
    main()
