"""The OpenVINO engine: either model on Intel's runtime, the fastest on any x86 or ARM CPU.

A model is converted once for each set of weights and kept in the user's cache folder; later
starts need no PyTorch. Colour conversion, rounding and clamping happen inside the graph, which is compiled
for each frame size in about a third of a second, and that is cached too.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from livestyle.engine.openvino_graphs import PAINTERS, converted, painters_of
from livestyle.errors import DeviceError
from livestyle.frame import Masks, Picture
from livestyle.looks.masks import composed
from livestyle.looks.style import StyleStats, Vector, palette_of
from livestyle.model.weights import ModelName, encoder_id, int8_graph, network_id

FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32"}

GRAPHS_KEPT = 2
"""Compiled graphs that are kept, 11 MiB each: two sizes that a held rate goes between, or two sorts of regions."""

IN_FLIGHT = 2
"""Frames of a file that are painted side by side, each with its share of the cores: more in all than one by one."""


_CACHING = threading.Lock()
"""OpenVINO's cache sets the C locale for the whole process and puts back what it found: two at once leave it in C."""


class Graph(NamedTuple):
    """What is compiled, in one size.

    full: the painter for the full style, which is quicker, or for any alpha. regions: how many, for the painter of
    regions, which takes any alpha; else 0. files: for IN_FLIGHT frames at a time.
    """

    full: bool
    height: int
    width: int
    regions: int = 0
    files: bool = False

    @property
    def painter(self) -> str:
        """One of PAINTERS."""
        return PAINTERS[2] if self.regions else PAINTERS[0] if self.full else PAINTERS[1]


@dataclass(frozen=True)
class StyleCode:
    """As a graph takes it.

    mean, std: for the model's AdaIN layers, (1, C, 1, 1) float32 each. kernels: what is added to those of the
    convolutions, (P,) float32, P = 0 with the paper model; None in int8, whose graph has no such input.
    """

    mean: Vector
    std: Vector
    kernels: Vector | None


@cache
def shared_core() -> Any:
    """OpenVINO's core, for as long as the process lives.

    When the last core goes its plugins are unloaded, and threads that worked for them may end later.
    Raises ImportError without openvino.
    """
    import openvino

    return openvino.Core()


class OpenVINOEngine:
    """Runs a model through OpenVINO; see `livestyle.engine.Engine`."""

    name = "openvino"
    in_flight = IN_FLIGHT

    def __init__(
        self,
        device: str = "CPU",
        *,
        model: ModelName,
        half: bool | None,
        int8: bool = False,
        reason: str,
        weights: Path | None = None,
    ) -> None:
        """device: as OpenVINO names it: CPU, GPU, GPU.1, NPU, AUTO.

        half: None leaves the precision to OpenVINO (bfloat16 on CPUs that have it), False means
        float32, True bfloat16 on a CPU and float16 elsewhere. int8: the quantised graph of the fast model, whose
        kernels no style changes. weights: a folder with a manifest.json; None means the shipped one. Raises
        ImportError without openvino, DeviceError without such a device, WeightsError when weights are damaged.
        """
        self.model = model
        self.reason = reason
        self.encoder_id = encoder_id(weights)
        self._network_id = network_id(model, weights)
        self._target = device
        self._core = shared_core()
        there = self._core.available_devices
        if device not in there and device.split(".")[0] not in (*(d.split(".")[0] for d in there), "AUTO"):
            raise DeviceError(f"OpenVINO device {device!r}: there is {', '.join(there)}; choose one of them")
        self.device = (
            "chosen by OpenVINO" if device == "AUTO" else str(self._core.get_property(device, "FULL_DEVICE_NAME"))
        )
        self._mixes = PAINTERS[1] not in painters_of(model)
        """Whether alpha mixes pictures; else it mixes features, in the graph."""
        self._folder, self._painter = self._read(weights)
        if int8:
            self._painter[PAINTERS[0]] = self._core.read_model(*int8_graph(weights))
        inputs = self._painter[PAINTERS[0]].inputs
        self._kernel_numbers = None if int8 else inputs[3].partial_shape[0].get_length()
        # A matrix product on two vectors: no device is better at it than the CPU.
        self._projection = self._core.compile_model(self._folder / "projection.xml", "CPU", FLOAT32)
        self._options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if half is not None:
            reduced = "bf16" if device == "CPU" else "f16"
            self._options["INFERENCE_PRECISION_HINT"] = reduced if half else "f32"
        threads = os.environ.get("OMP_NUM_THREADS", "")
        if device == "CPU" and threads.isdecimal():  # as PyTorch does; schedulers set it to what a task may use
            self._options["INFERENCE_NUM_THREADS"] = int(threads)
        self._requests: OrderedDict[Graph, Future[list[Any]]] = OrderedDict()
        self._compiler = ThreadPoolExecutor(1, "livestyle-compile")
        self._last: Graph | None = None
        self._submitted = self._taken = 0
        self.precision = "int8" if int8 else self._precision()

    def style_stats(self, rgb: Picture) -> StyleStats:
        """See `Engine.style_stats`; always float32."""
        model = self._core.read_model(self._folder / "reader.xml")
        model.reshape([1, *rgb.shape])
        compiled = self._compile(model, FLOAT32)
        found = compiled([np.ascontiguousarray(rgb)[None]])
        parts = [np.array(found[i], dtype=np.float32).reshape(-1) for i in range(8)]
        return StyleStats(means=tuple(parts[0::2]), stds=tuple(parts[1::2]), palette=palette_of(rgb))

    def style_code(self, stats: StyleStats) -> StyleCode:
        """See `Engine.style_code`."""
        mean, std = self._projection([stats.numbers[None]]).values()
        refinement = stats.refinement(self._network_id)
        if self._kernel_numbers is None:
            more, factor = refinement.without_kernels.to_code
            return StyleCode(mean + more, std * factor, None)
        more, factor = refinement.to_code
        return StyleCode(mean + more, std * factor, refinement.kernels_of(self._kernel_numbers))

    def stylize(self, rgb: Picture, code: StyleCode, alpha: float) -> Picture:
        """See `Engine.stylize`."""
        graph = Graph(self._mixes or alpha >= 1, *rgb.shape[:2])
        stream = graph == self._last
        found = self._requests_of(graph)[0].infer(_inputs(graph, rgb, code, alpha))
        if stream and not self._mixes:  # whoever turns alpha next shall not wait for a compiler
            self._compiling(graph._replace(full=not graph.full))
        return self._mixed(rgb, found[0][0], alpha)

    def submit(self, rgb: Picture, code: StyleCode, alpha: float) -> Any:
        """See `Engine.submit`."""
        if self._submitted - self._taken == IN_FLIGHT:
            raise RuntimeError(f"{IN_FLIGHT} frames are under way: take a result before another frame")
        graph = Graph(self._mixes or alpha >= 1, rgb.shape[0], rgb.shape[1], files=True)
        request = self._requests_of(graph)[self._submitted % IN_FLIGHT]
        request.start_async(_inputs(graph, rgb, code, alpha))
        self._submitted += 1
        return request, alpha

    def result(self, ticket: Any) -> Picture:
        """See `Engine.result`."""
        request, alpha = ticket
        request.wait()
        self._taken += 1
        return self._mixed(request.get_input_tensor(0).data[0], request.get_output_tensor(0).data[0], alpha)

    def stylize_regions(self, rgb: Picture, codes: Sequence[StyleCode], masks: Masks, alpha: float) -> Picture:
        """See `Engine.stylize_regions`."""
        if PAINTERS[2] not in self._painter:
            return composed([self.stylize(rgb, code, alpha) for code in codes], masks)
        mean, std = np.concatenate([c.mean for c in codes]), np.concatenate([c.std for c in codes])
        request = self._requests_of(Graph(False, rgb.shape[0], rgb.shape[1], len(codes)))[0]
        frame, shares = np.ascontiguousarray(rgb)[None], np.ascontiguousarray(masks)[:, None]
        return np.array(request.infer([frame, mean, std, codes[0].kernels, np.float32(alpha), shares])[0][0])

    def _read(self, weights: Path | None) -> tuple[Path, dict[str, Any]]:
        """The cache folder and the painters in it; a damaged folder is made again."""
        folder = converted(self.model, weights)
        try:
            return folder, self._painters_in(folder)
        except RuntimeError:
            shutil.rmtree(folder)
            folder = converted(self.model, weights)
            return folder, self._painters_in(folder)

    def _painters_in(self, folder: Path) -> dict[str, Any]:
        return {name: self._core.read_model(folder / f"{name}.xml") for name in painters_of(self.model)}

    def _mixed(self, rgb: Picture, painting: Picture, alpha: float) -> Picture:
        """What the fast model does with alpha; it takes no graph of its own. See `FastNet.forward`."""
        if alpha >= 1 or not self._mixes:
            return np.array(painting)
        return np.asarray(cv2.addWeighted(painting, alpha, np.ascontiguousarray(rgb), 1 - alpha, 0), np.uint8)

    def _requests_of(self, graph: Graph) -> list[Any]:
        """The graph's inference requests, when they are ready. What the last one needed to run is given back."""
        last, self._last = self._last, graph
        if last and last != graph and not last.files and last in self._requests:
            self._requests[last].result()[0].get_compiled_model().release_memory()
        try:
            return self._compiling(graph).result()
        except RuntimeError as error:
            del self._requests[graph]
            reason = " ".join(str(error).split())[:200]
            size = f"{graph.width}x{graph.height}"
            raise DeviceError(
                f"OpenVINO cannot paint {size} on {self._target!r} ({reason}): use --device cpu"
            ) from None

    def _compiling(self, graph: Graph) -> Future[list[Any]]:
        """Inference requests that are ready or are being made."""
        if graph not in self._requests:
            self._requests[graph] = self._compiler.submit(self._compiled, graph)
            if len(self._requests) > GRAPHS_KEPT:
                self._requests.popitem(last=False)
        self._requests.move_to_end(graph)
        return self._requests[graph]

    def _compiled(self, graph: Graph) -> list[Any]:
        model = self._painter[graph.painter].clone()
        shapes: dict[Any, tuple[int, ...]] = {model.inputs[0]: (1, graph.height, graph.width, 3)}
        if graph.regions:
            for style in model.inputs[1:3]:
                shapes[style] = (graph.regions, style.partial_shape[1].get_length(), 1, 1)
            shapes[model.inputs[5]] = (graph.regions, 1, graph.height, graph.width)
        model.reshape(shapes)
        count = IN_FLIGHT if graph.files else 1
        hints = {"PERFORMANCE_HINT": "THROUGHPUT", "PERFORMANCE_HINT_NUM_REQUESTS": IN_FLIGHT} if graph.files else {}
        compiled = self._compile(model, self._options | hints)
        return [compiled.create_infer_request() for _ in range(count)]

    def _compile(self, model: Any, options: dict[str, Any]) -> Any:
        with _CACHING:
            cache = {"CACHE_DIR": str(self._folder / "compiled")}
            return self._core.compile_model(model, self._target, options | cache)

    def _precision(self) -> str:
        if "INFERENCE_PRECISION_HINT" in self._options:
            name = str(self._options["INFERENCE_PRECISION_HINT"])
        elif self._target == "CPU":
            capabilities = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
            name = "bf16" if "BF16" in capabilities else "f32"
        else:
            return "as the device has it"
        return {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}[name]


def _inputs(graph: Graph, rgb: Picture, code: StyleCode, alpha: float) -> list[Any]:
    inputs = [np.ascontiguousarray(rgb)[None], code.mean, code.std]
    if code.kernels is not None:
        inputs.append(code.kernels)
    return inputs if graph.full else [*inputs, np.float32(alpha)]
