"""The int8 copy of the fast model: calibrated, packed, and what the engine takes."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from livestyle.assets import asset_dir
from livestyle.engine import choose_engine
from livestyle.looks.bank import Bank
from livestyle.model.weights import manifest

pytest.importorskip("openvino")

from train.quantise import SIZE, Flags, quantise


@pytest.fixture
def flags(tmp_path: Path) -> Flags:
    """A copy of the shipped weights without the int8 graph's entry, and four photographs."""
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    with Image.open(asset_dir("media") / "astronaut.jpg") as whole:
        for i in range(4):
            whole.crop((64 * i, 32 * i, 64 * i + 300, 32 * i + 200)).save(photographs / f"{i}.png")
    weights = tmp_path / "weights"
    shutil.copytree(asset_dir("weights"), weights)
    (weights / "fast-int8.zip").unlink()
    return Flags(content=(str(photographs),), weights=weights, count=4)


def off_by(weights: Path) -> float:
    """How many of 255 levels int8 paintings of noise and a gradient are off, on average."""
    exact, rounded = (
        choose_engine("openvino", model="fast", half=False, int8=int8, weights=weights) for int8 in (False, True)
    )
    stats = Bank(encoder=exact.encoder_id).stats("wave").without_kernels
    with Image.open(asset_dir("media") / "astronaut.jpg") as whole:
        frame = np.asarray(whole.resize((96, 64)))
    ours, theirs = (e.stylize(frame, e.style_code(stats), 1.0).astype(int) for e in (exact, rounded))
    return float(np.abs(ours - theirs).mean())


def test_photographs_in_many_styles_calibrate(flags: Flags, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for NNCF that gives the graph back as it is."""
    seen: list[Any] = []

    def kept(model: Any, dataset: Any, **options: Any) -> Any:
        seen.append((dataset, options))
        return model

    fake = SimpleNamespace(
        quantize=kept, Dataset=list, IgnoredScope=SimpleNamespace, QuantizationPreset=SimpleNamespace(MIXED="mixed")
    )
    monkeypatch.setitem(sys.modules, "nncf", fake)
    quantise(flags)
    ((inputs, options),) = seen
    assert len(inputs) == options["subset_size"] == 4
    assert all(frame.shape == (1, *SIZE[::-1], 3) and frame.dtype == np.uint8 for frame, _, _ in inputs)
    assert len({mean.tobytes() for _, mean, _ in inputs}) == 4
    assert "Convolution" not in options["ignored_scope"].types and "MVN" in options["ignored_scope"].types
    entry = manifest(flags.weights)["fast-int8"]
    assert (entry.arch, entry.file.name) == ("fast-int8", "fast-int8.zip") and entry.file.exists()
    assert set(manifest(flags.weights)) == {"encoder", "decoder", "fast", "fast-int8"}
    assert off_by(flags.weights) < 0.05  # the zip holds half precision, and 255 is multiplied into the last layer


def test_int8_paintings_are_close_but_rounded(flags: Flags) -> None:
    pytest.importorskip("nncf")
    quantise(flags)
    assert 0 < off_by(flags.weights) < 6
