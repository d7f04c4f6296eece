"""Who is timed by the benchmark: engines as they are asked for, and plain PyTorch beside them."""

from __future__ import annotations

from typing import Any

import pytest

from livestyle.bench import contestants, timing
from livestyle.bench.contestants import Asked, EngineContestant, line_up
from livestyle.errors import SettingError
from tests.contestants import Ticking, give_engines, stand_still


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return stand_still(monkeypatch)


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> list[tuple[Asked, Ticking]]:
    return give_engines(monkeypatch, clock)


def kinds(found: list[EngineContestant]) -> list[tuple[str, str, str, str]]:
    return [(c.model, c.engine, c.precision, c.role) for c in found]


def test_an_engine_is_timed_as_a_whole_and_alone(
    engines: list[tuple[Asked, Ticking]], clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    contestant = EngineContestant(Asked("openvino", "fast"))
    real = contestants.Painter.paint

    def paint(self: Any, *arguments: Any) -> Any:
        clock[0] += 0.002
        return real(self, *arguments)

    monkeypatch.setattr(contestants.Painter, "paint", paint)
    taken = contestant.timed(timing.test_picture(64, 48))
    assert (taken.whole_ms, taken.network_ms) == pytest.approx((12, 10))


def test_preparing_paints_at_another_alpha_too(engines: list[tuple[Asked, Ticking]]) -> None:
    contestant, rgb = EngineContestant(Asked("openvino", "fast")), timing.test_picture(64, 48)
    contestant.prepare(rgb)
    contestant.paint(rgb)
    contestant.timed(rgb)
    assert engines[0][1].alphas == [0.5, 1.0, 1.0]


def test_a_contestant_is_made_again_from_what_was_asked(engines: list[tuple[Asked, Ticking]]) -> None:
    asked = Asked("openvino", "paper", half=True, weights=None)
    EngineContestant(asked).again()()
    assert [a for a, _ in engines] == [asked, asked]


@pytest.mark.parametrize(
    ("device", "plain_device"),
    [
        ("auto", "cpu"),
        ("openvino", "cpu"),
        ("openvino:CPU", "cpu"),
        ("openvino:GPU", None),
        ("cuda", "torch-cuda"),
        ("mps", "mps"),
    ],
)
def test_plain_is_float32_pytorch_with_the_same_model_on_the_same_hardware(
    engines: list[tuple[Asked, Ticking]], device: str, plain_device: str | None
) -> None:
    plain = EngineContestant(Asked(device, "paper", half=True)).plain()
    assert plain == (Asked(plain_device, "paper", half=False) if plain_device else None)


def test_all_models_on_all_devices_and_plain_pytorch_once_each(engines: list[tuple[Asked, Ticking]]) -> None:
    assert kinds(line_up(["auto", "openvino", "cuda"], "all")) == [
        ("paper", "openvino", "float32", "engine"),
        ("paper", "cuda", "float16", "engine"),
        ("fast", "openvino", "float32", "engine"),
        ("fast", "cuda", "float16", "engine"),
        ("paper", "torch-cpu", "float32", "plain"),
        ("paper", "torch-cuda", "float32", "plain"),
        ("fast", "torch-cpu", "float32", "plain"),
        ("fast", "torch-cuda", "float32", "plain"),
    ]


def test_plain_pytorch_that_was_asked_for_is_not_added_again(engines: list[tuple[Asked, Ticking]]) -> None:
    assert kinds(line_up(["cpu"], "fast")) == [("fast", "torch-cpu", "float32", "plain")]
    assert len(engines) == 1


def test_int8_is_one_more_row(engines: list[tuple[Asked, Ticking]]) -> None:
    assert kinds(line_up(["openvino", "cpu"], "all", int8=True)) == [
        ("paper", "openvino", "float32", "engine"),
        ("paper", "torch-cpu", "float32", "plain"),
        ("fast", "openvino", "float32", "engine"),
        ("fast", "torch-cpu", "float32", "plain"),
        ("fast", "openvino", "int8", "engine"),
    ]
    with pytest.raises(SettingError, match="--int8 is for the fast model on OpenVINO"):
        line_up(["cpu"], "fast", int8=True)


def test_an_unknown_model_names_those_there_are(engines: list[tuple[Asked, Ticking]]) -> None:
    with pytest.raises(SettingError, match="model 'vgg': choose auto, paper, fast or all"):
        line_up(["cpu"], "vgg")
    assert not engines
