"""Fixtures: the real engine once, a fast stand-in at the engine's edge, folders of the test's own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

from livestyle.engine import Engine, choose_engine
from livestyle.engine.eager import EagerEngine
from livestyle.frame import Masks, Picture
from livestyle.looks.bank import Bank
from livestyle.looks.style import CHANNELS, StyleStats, palette_of
from livestyle.model.weights import ModelName, models_in
from livestyle.sinks.scheduling import usual_priority
from tests import media
from tests.pytorch_adain import save_pair
from tests.screen import Screen, screen_problem

if TYPE_CHECKING:
    from tests.site import Site


def make_stats(seed: int) -> StyleStats:
    """Random style statistics."""
    rng = np.random.default_rng(seed)
    return StyleStats(
        means=tuple(rng.normal(1, 0.5, c).astype(np.float32) for c in CHANNELS),
        stds=tuple(rng.uniform(0.1, 2, c).astype(np.float32) for c in CHANNELS),
        palette=palette_of(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)),
    )


def unrefined(stats: StyleStats) -> StyleStats:
    """The style as the projection alone knows it."""
    return replace(stats, refinements={})


class CountingEngine:
    """An engine at hand-waving speed: paints the frame's negative and counts what is asked of it."""

    name = "counting"
    model: ModelName = "paper"
    device = "none"
    precision = "float32"
    reason = "a test"
    encoder_id = "test-00000000"

    def __init__(self) -> None:
        self.encoded = 0
        self.codes = 0
        self.painted = 0

    def style_stats(self, rgb: Picture) -> StyleStats:
        self.encoded += 1
        return make_stats(int(rgb.sum()) % 1000)

    def style_code(self, stats: StyleStats) -> Any:
        self.codes += 1
        return float(stats.means[3].mean())

    def stylize(self, rgb: Picture, code: Any, alpha: float) -> Picture:
        self.painted += 1
        return np.asarray(255 - rgb, dtype=np.uint8)

    def stylize_regions(self, rgb: Picture, codes: Sequence[Any], masks: Masks, alpha: float) -> Picture:
        """A grey a region: 60 for the first, 120 for the second and so on."""
        self.painted += 1
        grey = np.tensordot(60 * np.arange(1, len(codes) + 1), masks, 1)
        return np.repeat(np.round(grey)[..., None], 3, 2).astype(np.uint8)


@dataclass
class Result:
    """What a command did."""

    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture(scope="session", autouse=True)
def quiet_svt_av1() -> None:
    """It reads this once in a process, and clips of the tests may come before the program's own encoder."""
    os.environ["SVT_LOG"] = "1"


@pytest.fixture(autouse=True)
def never_real_time() -> Iterator[None]:
    """Clips that a test makes with SVT-AV1 would leave all tests after it so, and the programs that those start."""
    with usual_priority():
        yield


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Ctrl-C is heard here and by programs that tests start: the background jobs of a shell ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Layers this small only wait for each other's threads, and for long where the machine is busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests out of the person's styles, looks and cache."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data-home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache-home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config-home"))


@pytest.fixture
def counting_engine() -> CountingEngine:
    return CountingEngine()


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The `paper` model's real engine on the CPU, in float32."""
    return choose_engine("cpu", model="paper")


@pytest.fixture(scope="module", params=models_in())
def each_model(request: pytest.FixtureRequest) -> ModelName:
    """Of those that there are."""
    return request.param


@pytest.fixture(scope="session")
def quickest_model() -> ModelName:
    return models_in()[-1]


@pytest.fixture(scope="module")
def plain_engine(each_model: ModelName) -> EagerEngine:
    """The reference for each model: PyTorch on the CPU, in float32."""
    return EagerEngine("cpu", model=each_model, half=False, reason="a test")


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    """The built-in bank, with empty user folders."""
    return Bank(user_dir=tmp_path / "styles", cache_dir=tmp_path / "cache")


@pytest.fixture
def photograph() -> Picture:
    """A 96x128 picture with a gradient, edges and a disc: HxWx3 uint8 RGB."""
    y, x = np.mgrid[0:96, 0:128]
    rgb = np.stack([x * 2, y * 2, 255 - x - y], axis=-1).clip(0, 255)
    rgb[(x - 64) ** 2 + (y - 48) ** 2 < 30**2] = (230, 180, 150)
    rgb[20:30, 10:110] = (20, 30, 60)
    return rgb.astype(np.uint8)


@pytest.fixture
def photo(tmp_path: Path, photograph: Picture) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(photograph).save(path)
    return path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Call the program in a folder of its own, without a display."""
    from livestyle.cli.main import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    def call(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["livestyle", *arguments])
        capfd.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        return Result(code, *capfd.readouterr())

    return call


@pytest.fixture(scope="session")
def adain_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """vgg_normalised.pth and decoder.pth with random weights; see `tests.pytorch_adain`."""
    return save_pair(tmp_path_factory.mktemp("pytorch-AdaIN"))


@pytest.fixture(scope="session")
def adain_weights(adain_files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `livestyle weights import` makes of those files."""
    from livestyle.cli.weights import import_pair
    from livestyle.model.weights_store import own_dir

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("imported")))
        import_pair(*adain_files, name="adain", quiet=True)
        return own_dir() / "adain"


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """A virtual X screen with DISPLAY set to it; the test is skipped where Xvfb is not installed."""
    problem = screen_problem()
    if problem:
        pytest.skip(problem)
    with Screen() as virtual:
        monkeypatch.setenv("DISPLAY", virtual.display)
        yield virtual


@pytest.fixture(scope="session")
def ntsc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return media.ntsc_clip(tmp_path_factory.mktemp("ntsc") / "ntsc.mp4")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def site(bank: Bank, tmp_path: Path) -> Iterator[Site]:
    """A show without a window that answers over HTTP."""
    from tests.site import Site

    with Site(bank, tmp_path) as made:
        yield made
