"""When the OpenVINO engine is chosen and when it is refused: without a GPU, without the package, on other devices."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file, save_file

from livestyle import engine as engines
from livestyle.assets import asset_dir
from livestyle.engine import choose_engine
from livestyle.engine.openvino import OpenVINOEngine
from livestyle.errors import DeviceError, SettingError, WeightsError

pytest.importorskip("openvino")
pytestmark = pytest.mark.usefixtures("own_folders")


def test_auto_takes_openvino_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_may_have_gpu", lambda: False)
    chosen = choose_engine()
    assert chosen.name == "openvino" and chosen.reason == "no GPU found"


def test_auto_falls_back_to_torch_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_may_have_gpu", lambda: False)
    monkeypatch.setattr(OpenVINOEngine, "__init__", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("no\nplugin")))
    chosen = choose_engine()
    assert chosen.name == "torch-cpu" and chosen.reason == "no GPU found; OpenVINO cannot be used: no plugin"


def test_devices_that_are_not_there_are_named() -> None:
    with pytest.raises(DeviceError, match="OpenVINO device 'NPU': there is .*CPU"):
        choose_engine("openvino:NPU")
    for wrong in ("openvino:", "cpu:0", "vulkan"):
        with pytest.raises(SettingError, match=f"device '{wrong}': choose auto, .*openvino:DEVICE"):
            choose_engine(wrong)


def test_without_the_package_the_pip_line_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DeviceError, match="pip install openvino"):
        choose_engine("openvino")


def test_int8_graphs_of_other_weights_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(asset_dir("weights"), folder)
    entries = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    other = load_file(folder / "fast.safetensors")
    other["projection.center"] += 1
    save_file(other, folder / "fast.safetensors")
    digest = hashlib.sha256((folder / "fast.safetensors").read_bytes()).hexdigest()
    entries["weights"]["fast"]["sha256"] = digest
    (folder / "manifest.json").write_text(json.dumps(entries), encoding="utf-8")
    with pytest.raises(WeightsError, match="fast-int8.zip are not of fast.safetensors: run python -m train.quantise"):
        choose_engine("openvino", int8=True, weights=folder)


@pytest.mark.parametrize("asked", [{"device": "cpu"}, {"device": "openvino", "model": "paper"}])
def test_int8_elsewhere_is_refused(asked: dict[str, Any], adain_weights: Path) -> None:
    with pytest.raises(SettingError, match="--int8 is for the fast model on OpenVINO"):
        choose_engine(**asked, int8=True)
    with pytest.raises(SettingError, match="--int8 is for the fast model"):
        choose_engine("openvino", int8=True, weights=adain_weights)
