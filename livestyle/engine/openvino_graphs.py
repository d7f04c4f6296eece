"""A model's graphs for OpenVINO: converted once for each set of weights, and kept in the user's cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import warnings
from pathlib import Path

import platformdirs

from livestyle.looks.style import STYLE_NUMBERS
from livestyle.model.weights import ModelName, network_entries

GRAPH_VERSION = 10
"""To be raised when the graphs below change, so that older ones in a cache are not taken."""

PAINTERS = ("painter", "painter_alpha", "painter_regions")
"""The graphs that paint: for the full style, and of `paper` for any alpha and for regions with styles of their own."""


def painters_of(model: ModelName) -> tuple[str, ...]:
    """Those of PAINTERS that the model has."""
    return PAINTERS if model == "paper" else PAINTERS[:1]


def converted(model: ModelName, weights: Path | None = None) -> Path:
    """The folder with a model's painters, projection.xml and reader.xml.

    They are made if they are not there. Raises WeightsError.
    """
    import openvino

    entries = network_entries(weights, model)
    key = hashlib.sha256(f"{GRAPH_VERSION} {openvino.__version__} {[e.sha256 for e in entries]}".encode()).hexdigest()
    folder = Path(platformdirs.user_cache_dir("livestyle", appauthor=False)) / "openvino" / key[:16]
    if not folder.exists():
        part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
        try:
            _convert(model, weights, part)
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


def _convert(model: ModelName, weights: Path | None, folder: Path) -> None:
    import openvino
    import torch

    from livestyle.model.build import build_model, build_reader

    painter, projection = build_model(model, weights)
    frame, numbers = torch.zeros(1, 32, 48, 3, dtype=torch.uint8), torch.ones(1, STYLE_NUMBERS)
    folder.mkdir(parents=True)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer's, about sizes that reshaping sets later
        mean, std = projection(numbers)
        means, stds = projection(numbers.repeat(2, 1))
        masks = torch.full((2, 1, 32, 48), 0.5)
        style = [-1, means.shape[1], 1, 1]
        any_size = {id(frame): [1, -1, -1, 3], id(means): style, id(stds): style, id(masks): [-1, 1, -1, -1]}
        kernels, alpha = torch.zeros(painter.kernel_numbers), torch.tensor(1.0)
        example = {
            "painter": (painter, (frame, mean, std, kernels)),
            "painter_alpha": (painter, (frame, mean, std, kernels, alpha)),
            "painter_regions": (painter, (frame, means, stds, kernels, alpha, masks)),
            "projection": (projection, (numbers,)),
            "reader": (build_reader(model, weights), (frame,)),
        }
        for name in (*painters_of(model), "projection", "reader"):
            module, inputs = example[name]
            graph = openvino.convert_model(module, example_input=inputs)
            shapes = [any_size.get(id(tensor), list(tensor.shape)) for tensor in inputs]
            graph.reshape(dict(zip(graph.inputs, shapes, strict=True)))
            openvino.save_model(graph, folder / f"{name}.xml", compress_to_fp16=False)
