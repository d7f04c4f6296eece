"""An int8 copy of the `fast` model's graph for OpenVINO, calibrated on photographs in the built-in styles.

    pip install nncf
    python -m train.quantise --content 'content-*.tar'

Weights and activations of the convolutions become 8-bit integers (NNCF, post-training quantisation with
bias correction); strokes, AdaIN and all else between them stay float32. It is the graph for the full style.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import openvino.passes
from PIL import Image

from livestyle.assets import asset_dir
from livestyle.engine.openvino import OpenVINOEngine, shared_core
from livestyle.engine.openvino_graphs import PAINTERS, converted
from livestyle.frame import Picture
from livestyle.looks.bank import Bank
from livestyle.model.weights import INT8_FOR, network_entries
from train.data import index_pictures, read_picture
from train.runtime import flag, parse_flags, run
from train.ship import Network, add_networks

FLOAT_TYPES = [
    "Add",
    "Subtract",
    "Multiply",
    "Divide",
    "Power",
    "ReduceMean",
    "MVN",
    "Interpolate",
    "Pad",
    "DepthToSpace",
]
"""What stays float32: AdaIN between two convolutions multiplies every rounding by the style's deviations."""

SIZE = (320, 192)
"""Width and height of the calibration frames."""


STROKES = ".*strokes.*"
"""Names of the layers that say which way strokes go: squares of small slopes, nothing for 8 bits."""
STEM = r".*network\.stem.*"
"""The first layer's name: rounding what it sees costs more than all the other layers'."""


@dataclass(frozen=True)
class Flags:
    """Quantise the fast model of a weights folder and put the result beside it."""

    content: tuple[str, ...] = flag("photographs: folders, tar shards or globs")
    weights: Path = flag("the weights folder", Path("weights"))
    count: int = flag("calibration frames, each in another style", 96)


def frames(flags: Flags) -> Iterator[Picture]:
    """Photographs in the calibration size, HxWx3 uint8 RGB, evenly spaced over the sources."""
    entries = index_pictures(list(flags.content))
    for entry in entries[:: max(1, len(entries) // flags.count)]:
        yield np.asarray(read_picture(entry).convert("RGB").resize(SIZE, Image.Resampling.LANCZOS))


def with_own_kernels(model: Any) -> Any:
    """The graph with nothing added to its kernels, which 8 bits want to be constants."""
    *_, added = model.inputs
    nothing = openvino.opset13.constant(np.zeros(added.shape, np.float32))
    added.replace(nothing.output(0))
    model.remove_parameter(added.get_node())
    passes = openvino.passes.Manager()
    passes.register_pass(openvino.passes.ConstantFolding())
    passes.run_passes(model)
    return model


def quantised(graph: Path, inputs: list[list[Any]]) -> Any:
    """The graph with its convolutions in int8."""
    import nncf

    model = with_own_kernels(shared_core().read_model(graph))
    return nncf.quantize(
        model,
        nncf.Dataset(inputs),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(inputs),
        ignored_scope=nncf.IgnoredScope(types=FLOAT_TYPES, patterns=[STROKES, STEM], validate=False),
    )


def quantise(flags: Flags) -> None:
    """Write fast-int8.zip and note it in the manifest. Raises OSError, WeightsError."""
    engine = OpenVINOEngine(model="fast", half=False, reason="calibration", weights=flags.weights)
    bank = Bank(encoder=engine.encoder_id, builtin_dir=asset_dir("bank"), user_dir=flags.weights / "none")
    codes = [engine.style_code(bank.stats(name).without_kernels) for name in bank.names]
    inputs = [
        [frame[None], codes[i % len(codes)].mean, codes[i % len(codes)].std]
        for i, frame in enumerate(islice(frames(flags), flags.count))
    ]
    folder = converted("fast", flags.weights)
    _, fast = network_entries(flags.weights, "fast")
    with tempfile.TemporaryDirectory() as made:
        archive = Path(made) / "fast-int8.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr(INT8_FOR, fast.sha256)
            openvino.save_model(quantised(folder / f"{PAINTERS[0]}.xml", inputs), Path(made) / "painter.xml")
            for part in ("painter.xml", "painter.bin"):
                packed.write(Path(made) / part, part)
        entry = {
            "file": archive.name, "arch": "fast-int8", "origin": f"{fast.file.name}, quantised with NNCF",
            "licence": fast.licence, "command": "python -m train.quantise --content 'content-*.tar'",
        }  # fmt: skip
        add_networks(flags.weights, {"fast-int8": Network(archive.read_bytes(), entry)})
    print(f"{flags.weights / archive.name}: {(flags.weights / archive.name).stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    run(quantise, parse_flags(Flags))
