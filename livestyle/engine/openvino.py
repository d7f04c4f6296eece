"""The OpenVINO engine: the `paper` model on Intel's runtime, the fastest on any x86 or ARM CPU.

The networks are converted once for each set of weights and kept in the user's cache folder; later
starts need no PyTorch. Conversion, rounding and clamping happen inside the graph, which is compiled
for each frame size in about a third of a second, and that is cached too.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import warnings
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from livestyle.errors import DeviceError
from livestyle.frame import Picture
from livestyle.style import StyleStats, Vector, palette_of
from livestyle.weights import encoder_id, network_entries

GRAPH_VERSION = 1
"""To be raised when the graphs below change, so that older ones in a cache are not taken."""

SIZES_KEPT = 4
"""Compiled graphs that are kept, one a frame size."""


@dataclass(frozen=True)
class AdaINCode:
    """relu4_1's style mean and std, (1, 512, 1, 1) float32 each."""

    mean: Vector
    std: Vector


class OpenVINOEngine:
    """Runs the paper's network through OpenVINO; see `livestyle.engine.Engine`."""

    name = "openvino"

    def __init__(self, device: str = "CPU", *, half: bool | None, reason: str, weights: Path | None = None) -> None:
        """device: as OpenVINO names it: CPU, GPU, GPU.1, NPU, AUTO.

        half: None leaves the precision to OpenVINO (bfloat16 on CPUs that have it), False means
        float32, True bfloat16 on a CPU and float16 elsewhere. weights: a folder with a manifest.json;
        None means the shipped one. Raises ImportError without openvino, DeviceError when there is no
        such device, WeightsError when weights are damaged.
        """
        import openvino

        self.reason = reason
        self.encoder_id = encoder_id(weights)
        self._target = device
        self._core: Any = openvino.Core()
        there = self._core.available_devices
        if device not in there and device.split(".")[0] not in (*(d.split(".")[0] for d in there), "AUTO"):
            raise DeviceError(f"OpenVINO device {device!r}: there is {', '.join(there)}; choose one of them")
        self.device = "chosen by OpenVINO" if device == "AUTO" else str(self._full_name(device))
        self._folder, self._painter = self._read(weights)
        self._core.set_property({"CACHE_DIR": str(self._folder / "compiled")})
        self._options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if half is not None:
            reduced = "bf16" if device == "CPU" else "f16"
            self._options["INFERENCE_PRECISION_HINT"] = reduced if half else "f32"
        self._requests: OrderedDict[tuple[int, int], Any] = OrderedDict()
        self.precision = self._precision()

    def style_stats(self, rgb: Picture) -> StyleStats:
        """See `Engine.style_stats`; always float32."""
        model = self._core.read_model(self._folder / "reader.xml")
        model.reshape([1, *rgb.shape])
        compiled = self._core.compile_model(model, self._target, {"INFERENCE_PRECISION_HINT": "f32"})
        found = compiled([np.ascontiguousarray(rgb)[None]])
        parts = [np.array(found[i], dtype=np.float32).reshape(-1) for i in range(8)]
        return StyleStats(means=tuple(parts[0::2]), stds=tuple(parts[1::2]), palette=palette_of(rgb))

    def style_code(self, stats: StyleStats) -> AdaINCode:
        """See `Engine.style_code`."""
        mean, std = (
            np.ascontiguousarray(v[3], dtype=np.float32).reshape(1, -1, 1, 1) for v in (stats.means, stats.stds)
        )
        return AdaINCode(mean, std)

    def stylize(self, rgb: Picture, code: AdaINCode, alpha: float) -> Picture:
        """See `Engine.stylize`."""
        request = self._request(*rgb.shape[:2])
        found = request.infer([np.ascontiguousarray(rgb)[None], code.mean, code.std, np.float32(alpha)])
        return np.array(found[0][0])

    def _read(self, weights: Path | None) -> tuple[Path, Any]:
        """The cache folder and the painter in it; a damaged folder is made again."""
        folder = converted(weights)
        try:
            return folder, self._core.read_model(folder / "painter.xml")
        except RuntimeError:
            shutil.rmtree(folder)
            folder = converted(weights)
            return folder, self._core.read_model(folder / "painter.xml")

    def _request(self, height: int, width: int) -> Any:
        if (height, width) not in self._requests:
            self._requests[height, width] = self._compiled(height, width).create_infer_request()
            if len(self._requests) > SIZES_KEPT:
                self._requests.popitem(last=False)
        self._requests.move_to_end((height, width))
        return self._requests[height, width]

    def _compiled(self, height: int, width: int) -> Any:
        model = self._painter.clone()
        channels = (1, 512, 1, 1)
        frame, mean, std, alpha = model.inputs
        model.reshape({frame: (1, height, width, 3), mean: channels, std: channels, alpha: ()})
        return self._core.compile_model(model, self._target, self._options)

    def _precision(self) -> str:
        if "INFERENCE_PRECISION_HINT" in self._options:
            name = str(self._options["INFERENCE_PRECISION_HINT"])
        elif self._target == "CPU":
            capabilities = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
            name = "bf16" if "BF16" in capabilities else "f32"
        else:
            return "as the device has it"
        return {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}[name]

    def _full_name(self, device: str) -> Any:
        return self._core.get_property(device, "FULL_DEVICE_NAME")


def converted(weights: Path | None) -> Path:
    """The folder with painter.xml and reader.xml for a set of weights; they are made if they are not there.

    Raises WeightsError.
    """
    import openvino

    entries = network_entries(weights)
    key = hashlib.sha256(f"{GRAPH_VERSION} {openvino.__version__} {[e.sha256 for e in entries]}".encode()).hexdigest()
    folder = Path(platformdirs.user_cache_dir("livestyle", appauthor=False)) / "openvino" / key[:16]
    if not folder.exists():
        part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
        try:
            _convert(weights, part)
            _put(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return folder


def _put(part: Path, folder: Path) -> None:
    try:
        part.rename(folder)
    except OSError:
        if not folder.exists():  # else another start was quicker
            raise


def _convert(weights: Path | None, folder: Path) -> None:
    import openvino
    import torch

    from livestyle.model.decoder import Decoder
    from livestyle.model.paper import PaperPainter, StyleReader
    from livestyle.model.vgg import VGGEncoder
    from livestyle.weights import load_into

    encoder_entry, decoder_entry = network_entries(weights)
    with torch.device("meta"):
        encoder, decoder = VGGEncoder(encoder_entry.arch), Decoder(decoder_entry.arch)
    load_into(encoder.to_empty(device="cpu"), encoder_entry)
    load_into(decoder.to_empty(device="cpu"), decoder_entry)
    frame, vector = torch.zeros(1, 32, 48, 3, dtype=torch.uint8), torch.ones(1, 512, 1, 1)
    graphs: dict[str, tuple[torch.nn.Module, tuple[torch.Tensor, ...]]] = {
        "painter": (PaperPainter(encoder, decoder), (frame, vector, vector, torch.tensor(1.0))),
        "reader": (StyleReader(encoder), (frame,)),
    }
    folder.mkdir(parents=True)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer's, about sizes that reshaping sets later
        for name, (module, example) in graphs.items():
            model = openvino.convert_model(module.eval().requires_grad_(False), example_input=example)
            openvino.save_model(model, folder / f"{name}.xml", compress_to_fp16=False)
