"""The OpenVINO engine against the plain float32 one, and what it does without parts of its world."""

from __future__ import annotations

import locale
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from livestyle import engine as engines
from livestyle.assets import asset_dir
from livestyle.engine import Engine, choose_engine
from livestyle.engine.openvino import GRAPHS_KEPT, IN_FLIGHT, Graph, OpenVINOEngine, shared_core
from livestyle.engine.openvino_graphs import converted
from livestyle.errors import DeviceError, WeightsError
from livestyle.frame import Picture
from livestyle.looks.bank import Bank
from livestyle.sources.images import load_image

pytest.importorskip("openvino")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache folder for the module: the networks are converted once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def shared_cache(cache: Path, monkeypatch: pytest.MonkeyPatch, own_folders: None) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))


@pytest.fixture
def openvino(shared_cache: None) -> OpenVINOEngine:
    return OpenVINOEngine(model="fast", half=False, reason="a test")


@pytest.fixture(scope="module")
def photograph() -> Picture:
    return load_image(asset_dir("media") / "astronaut.jpg")[::5, ::5].copy()


@pytest.fixture(scope="module")
def portrait() -> Picture:
    return load_image(asset_dir("media") / "astronaut.jpg")[:360:2, :480:2].copy()


@pytest.mark.parametrize("model", ["paper", "fast"])
@pytest.mark.parametrize("size", [(48, 64), (37, 51), (16, 16), (90, 33)])
def test_paintings_equal_the_plain_engines(model: str, photograph: Picture, size: tuple[int, int]) -> None:
    """Float sums in another order: no pixel off by more than one level."""
    plain, openvino = (choose_engine(device, model=model, half=False) for device in ("cpu", "openvino"))
    stats = Bank(encoder=plain.encoder_id).stats("wave")
    frames = photograph[: size[0], : size[1]], np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    for frame, alpha in product(frames, (1.0, 0.4, 0.0)):
        expected = plain.stylize(frame, plain.style_code(stats), alpha)
        painting = openvino.stylize(frame, openvino.style_code(stats), alpha)
        assert painting.shape == frame.shape and painting.dtype == np.uint8 and painting.flags.writeable
        assert np.abs(painting.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("model", ["paper", "fast"])
@pytest.mark.parametrize(("size", "count"), [((48, 64), 2), ((37, 51), 3), ((16, 16), 1)])
def test_regions_equal_the_plain_engines(model: str, photograph: Picture, size: tuple[int, int], count: int) -> None:
    plain, openvino = (choose_engine(device, model=model, half=False) for device in ("cpu", "openvino"))
    bank = Bank(encoder=plain.encoder_id)
    masks = np.random.default_rng(0).uniform(0, 1, (count, *size)).astype(np.float32)
    masks /= masks.sum(0)
    frame = photograph[: size[0], : size[1]]
    for alpha in (1.0, 0.4):
        expected, painting = (
            e.stylize_regions(frame, [e.style_code(bank.stats(n)) for n in bank.names[:count]], masks, alpha)
            for e in (plain, openvino)
        )
        assert painting.shape == frame.shape and painting.flags.writeable
        assert np.abs(painting.astype(int) - expected).max() <= 1


def test_paintings_do_not_share_memory(openvino: OpenVINOEngine, photograph: Picture) -> None:
    code = openvino.style_code(Bank(encoder=openvino.encoder_id).stats("wave"))
    first = openvino.stylize(photograph, code, 1.0)
    kept = first.copy()
    openvino.stylize(255 - photograph, code, 1.0)
    assert np.array_equal(first, kept)


def test_style_statistics_equal_the_plain_engines(
    engine: Engine, openvino: OpenVINOEngine, photograph: Picture
) -> None:
    assert openvino.encoder_id == engine.encoder_id
    for image in (photograph, photograph[:40, ::-1]):
        ours, plain = openvino.style_stats(image), engine.style_stats(np.ascontiguousarray(image))
        for a, b in zip((*ours.means, *ours.stds), (*plain.means, *plain.stds), strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)
        np.testing.assert_allclose(ours.palette.covariance, plain.palette.covariance)


def test_the_latest_graphs_are_kept(openvino: OpenVINOEngine, photograph: Picture) -> None:
    code = openvino.style_code(Bank(encoder=openvino.encoder_id).stats("wave"))
    for side in range(16, 16 + GRAPHS_KEPT + 2):
        openvino.stylize(photograph[:side, :20], code, 1.0)
    assert list(openvino._requests) == [Graph(True, side, 20) for side in range(18, 18 + GRAPHS_KEPT)]


def test_a_stream_has_the_graph_for_alpha_ready(photograph: Picture) -> None:
    """The first painting, which may be the only one, compiles what it needs; the second the other graph too."""
    engine = OpenVINOEngine(model="paper", half=False, reason="a test")
    frame = photograph[:32, :48]
    code = engine.style_code(Bank(encoder=engine.encoder_id).stats("wave"))
    engine.stylize(frame, code, 1.0)
    assert list(engine._requests) == [Graph(True, 32, 48)]
    engine.stylize(frame, code, 1.0)
    assert Graph(False, 32, 48) in engine._requests


def test_any_alpha_of_the_fast_model_takes_one_graph(openvino: OpenVINOEngine, photograph: Picture) -> None:
    code = openvino.style_code(Bank(encoder=openvino.encoder_id).stats("wave"))
    painting, half, none = (openvino.stylize(photograph, code, alpha) for alpha in (1.0, 0.5, 0.0))
    assert np.abs(half - (painting / 2 + photograph / 2)).max() <= 0.5
    assert np.array_equal(none, photograph)
    assert list(openvino._requests) == [Graph(True, *photograph.shape[:2])]


def test_graphs_that_rest_paint_the_same_again(openvino: OpenVINOEngine, photograph: Picture) -> None:
    """What one needs to run goes when another one runs, but for frames of files, which may be under way."""
    code = openvino.style_code(Bank(encoder=openvino.encoder_id).stats("wave"))
    masks = np.full((2, *photograph.shape[:2]), 0.5, np.float32)
    before = openvino.stylize(photograph, code, 1.0)
    ticket = openvino.submit(photograph, code, 1.0)
    openvino.stylize(photograph[:32, :32], code, 1.0)
    openvino.stylize_regions(photograph, [code, code], masks, 1.0)
    assert np.abs(openvino.result(ticket).astype(int) - before).max() <= 1
    assert np.array_equal(openvino.stylize(photograph, code, 1.0), before)


def test_a_second_start_needs_no_torch(openvino: OpenVINOEngine) -> None:
    """The first start converted the networks; this one only reads them."""
    script = (
        "import sys, numpy as np\n"
        "from livestyle.engine import choose_engine\n"
        "from livestyle.looks.bank import Bank\n"
        "engine = choose_engine('openvino')\n"
        "stats = Bank(encoder=engine.encoder_id).stats('wave')\n"
        "frame = np.zeros((32, 32, 3), np.uint8)\n"
        "engine.stylize(frame, engine.style_code(stats), 1.0), engine.style_stats(frame)\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "False"


def test_conversion_happens_once_and_leaves_no_parts(openvino: OpenVINOEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livestyle.engine.openvino_graphs._convert", lambda *_: pytest.fail("converted again"))
    folder = converted("fast")
    assert not list(folder.parent.glob("*.part"))
    names = ("painter", "projection", "reader")
    assert {f"{name}.{suffix}" for name in names for suffix in ("xml", "bin")} <= {p.name for p in folder.iterdir()}


def test_other_weights_are_converted_apart(openvino: OpenVINOEngine, adain_weights: Path, photograph: Picture) -> None:
    imported = choose_engine("openvino", half=False, weights=adain_weights)
    plain = choose_engine("cpu", weights=adain_weights)
    assert imported.encoder_id == plain.encoder_id != openvino.encoder_id
    stats = plain.style_stats(photograph[:48, :48].copy())
    frame = photograph[:40, :56]
    a, b = (e.stylize(frame, e.style_code(stats), 1.0).astype(int) for e in (imported, plain))
    assert np.abs(a - b).max() <= 1


def test_a_failed_conversion_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def torn(_model: str, _weights: Path | None, folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "painter.xml").write_text("half", encoding="utf-8")
        raise WeightsError("damaged")

    monkeypatch.setattr("livestyle.engine.openvino_graphs._convert", torn)
    with pytest.raises(WeightsError):
        converted("fast")
    assert list((tmp_path / "livestyle" / "openvino").iterdir()) == []


def test_a_damaged_cache_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = converted("fast")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    damaged = tmp_path / "livestyle" / "openvino" / shipped.name
    shutil.copytree(shipped, damaged)
    (damaged / "painter.xml").write_text("<net", encoding="utf-8")
    again = OpenVINOEngine(model="fast", half=False, reason="a test")
    frame = np.zeros((16, 16, 3), np.uint8)
    assert again.stylize(frame, again.style_code(again.style_stats(frame + 9)), 1.0).shape == frame.shape


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "livestyle").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(DeviceError, match="OpenVINO cannot run on 'CPU' .*: use --device cpu"):
        choose_engine("openvino")
    monkeypatch.setattr(engines, "_may_have_gpu", lambda: False)
    assert choose_engine().name == "torch-cpu"


def test_a_size_that_it_cannot_paint_is_one_line_and_tried_again(
    openvino: OpenVINOEngine, photograph: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiled when its first frame comes, perhaps on a device that refuses it."""
    code = openvino.style_code(Bank(encoder=openvino.encoder_id).stats("wave"))
    frame = photograph[:72, :88].copy()

    def refused(graph: object) -> None:
        raise RuntimeError("NPU plugin:\nno such layer")

    with monkeypatch.context() as patch:
        patch.setattr(openvino, "_compiled", refused)
        with pytest.raises(
            DeviceError, match=r"cannot paint 88x72 on 'CPU' \(NPU plugin: no such layer\): use --device"
        ):
            openvino.stylize(frame, code, 1.0)
    assert openvino.stylize(frame, code, 1.0).shape == frame.shape


@pytest.mark.parametrize("name", ["wave", "scream", "dragon"])
def test_int8_paintings_stay_close(openvino: OpenVINOEngine, portrait: Picture, name: str) -> None:
    """What the README states: 3 of 255 on average, in the strongest styles, with the network's own kernels."""
    int8 = choose_engine("openvino", half=False, int8=True)
    assert (int8.model, int8.precision) == ("fast", "int8")
    stats = Bank(encoder=openvino.encoder_id).stats(name).without_kernels
    for alpha in (1.0, 0.5):
        exact, rounded = (e.stylize(portrait, e.style_code(stats), alpha).astype(int) for e in (openvino, int8))
        assert 0 < np.abs(exact - rounded).mean() < 3 * alpha


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("name", ["wave", "scream", "dragon"])
def test_bfloat16_paintings_stay_close(openvino: OpenVINOEngine, portrait: Picture, name: str, int8: bool) -> None:
    """What newer CPUs paint in unless told otherwise; the rest of the quantised graph too."""
    if "BF16" not in shared_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this CPU has no bfloat16 instructions")
    shorter = choose_engine("openvino", model="fast", int8=int8)
    assert shorter.precision == ("int8" if int8 else "bfloat16")
    stats = Bank(encoder=openvino.encoder_id).stats(name)
    stats = stats.without_kernels if int8 else stats
    exact, rounded = (e.stylize(portrait, e.style_code(stats), 1.0).astype(int) for e in (openvino, shorter))
    assert 0 < np.abs(exact - rounded).mean() < (3 if int8 else 2)


@pytest.mark.parametrize("alpha", [1.0, 0.5])
def test_frames_of_a_file_are_painted_side_by_side(openvino: OpenVINOEngine, photograph: Picture, alpha: float) -> None:
    code = openvino.style_code(Bank(encoder=openvino.encoder_id).stats("wave"))
    buffer = np.empty_like(photograph)
    tickets, paintings = [], []
    for shift in range(0, 5):
        np.copyto(buffer, np.roll(photograph, shift, axis=1))  # the frame may be changed as soon as it is submitted
        if len(tickets) == IN_FLIGHT:
            paintings.append(openvino.result(tickets.pop(0)))
        tickets.append(openvino.submit(buffer, code, alpha))
    paintings += [openvino.result(ticket) for ticket in tickets]
    for shift, painting in enumerate(paintings):
        expected = openvino.stylize(np.roll(photograph, shift, axis=1), code, alpha)
        assert np.abs(painting.astype(int) - expected).max() <= 1


def test_too_many_frames_under_way_are_refused(openvino: OpenVINOEngine, photograph: Picture) -> None:
    code = openvino.style_code(Bank(encoder=openvino.encoder_id).stats("wave"))
    tickets = [openvino.submit(photograph, code, 1.0) for _ in range(IN_FLIGHT)]
    with pytest.raises(RuntimeError, match="take a result"):
        openvino.submit(photograph, code, 1.0)
    for ticket in tickets:
        openvino.result(ticket)


def test_engines_that_compile_at_once_leave_the_locale_alone(photograph: Picture) -> None:
    before = locale.setlocale(locale.LC_CTYPE)
    readers = [OpenVINOEngine(model="fast", half=False, reason="a test") for _ in range(2)]

    def read(reader: OpenVINOEngine) -> None:
        for rows in [*range(16, 32)] * 2:
            reader.style_stats(photograph[:rows, :32])

    try:
        with ThreadPoolExecutor(len(readers)) as threads:
            list(threads.map(read, readers))
        assert locale.setlocale(locale.LC_CTYPE) == before
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
