"""What a person types, and the Look: parsing, limits and messages."""

from __future__ import annotations

import dataclasses
import math
import random

import pytest

from livestyle.errors import LivestyleError, SettingError, nearest_names
from livestyle.looks.bank import unknown_style
from livestyle.looks.look import Look, look_change
from livestyle.looks.masks import parse_split
from livestyle.looks.style_weights import normalised, parse_style_weights
from livestyle.painting.size import fit_size, parse_size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wave", {"wave": 1.0}),
        ("wave:0.7,scream:0.3", {"wave": 0.7, "scream": 0.3}),
        (" wave : 7 , scream: 3 ", {"wave": 0.7, "scream": 0.3}),
        ("wave,scream", {"wave": 0.5, "scream": 0.5}),
        ("wave,scream:3", {"wave": 0.25, "scream": 0.75}),
        ("wave:1,scream:0", {"wave": 1.0}),
        ("wave:1,scream:2,wave:1", {"wave": 0.5, "scream": 0.5}),
        ("wave,", {"wave": 1.0}),
        ("wave:1e-3", {"wave": 1.0}),
        ("art/night.jpg:0.5,wave:0.5", {"art/night.jpg": 0.5, "wave": 0.5}),
        ("c:\\art\\night.jpg", {"c:\\art\\night.jpg": 1.0}),
        ("c:\\art\\night.jpg:1,c:/art/day.jpg:3", {"c:\\art\\night.jpg": 0.25, "c:/art/day.jpg": 0.75}),
    ],
)
def test_style_weights(text: str, expected: dict[str, float]) -> None:
    assert dict(parse_style_weights(text)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wave:much", "much"),
        ("wave:", "''"),
        ("wave:-1", "-1"),
        ("wave:nan", "nan"),
        ("wave:inf,scream:1", "inf"),
        ("wave:0", "above 0"),
        ("", "above 0"),
        (" , ", "above 0"),
    ],
)
def test_bad_style_weights(text: str, said: str) -> None:
    with pytest.raises(SettingError) as error:
        parse_style_weights(text)
    assert said in str(error.value)
    assert "wave" in str(error.value)  # an example of what is right
    assert "\n" not in str(error.value)


def test_normalised_properties() -> None:
    rng = random.Random(0)
    for _ in range(300):
        pairs = [(rng.choice("abcdef"), rng.choice([0.0, rng.random(), 10 ** rng.uniform(-9, 9)])) for _ in range(8)]
        if not any(weight for _, weight in pairs):
            continue
        result = normalised(pairs)
        names = [name for name, _ in result]
        assert sum(weight for _, weight in result) == pytest.approx(1)
        assert all(weight > 0 for _, weight in result)
        assert len(set(names)) == len(names)
        total = math.fsum(weight for _, weight in pairs)
        for name, weight in result:
            assert weight == pytest.approx(math.fsum(w for n, w in pairs if n == name) / total)
        assert dict(normalised(result)) == pytest.approx(dict(result))
        scaled = dict(normalised((name, weight * 17) for name, weight in pairs))
        assert scaled == pytest.approx(dict(result))


def test_parse_is_the_inverse_of_writing() -> None:
    rng = random.Random(1)
    for _ in range(100):
        weights = normalised((name, rng.random() + 0.01) for name in rng.sample(["wave", "scream", "a b", "x.png"], 3))
        text = ",".join(f"{name}:{weight!r}" for name, weight in weights)
        assert dict(parse_style_weights(text)) == pytest.approx(dict(weights))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("640x360", (640, 360)), ("640X360", (640, 360)), ("360", 360), ("16", 16), ("16384x16", (16384, 16))],
)
def test_sizes(text: str, expected: tuple[int, int] | int) -> None:
    assert parse_size(text) == expected


BAD_SIZES = ["", "x", "640x", "640x360x3", "640*360", "15", "640x15", "16385", "-360", "3.5", "big"]


@pytest.mark.parametrize("text", BAD_SIZES)
def test_bad_sizes(text: str) -> None:
    with pytest.raises(SettingError) as error:
        parse_size(text)
    assert repr(text) in str(error.value)
    assert "640x360" in str(error.value) and "16 to 16384" in str(error.value)


def test_written_sizes_are_read_back() -> None:
    rng = random.Random(2)
    for _ in range(100):
        width, height = rng.randint(16, 16384), rng.randint(16, 16384)
        assert parse_size(f"{width}x{height}") == (width, height)
        assert parse_size(str(width)) == width


def test_fit_size() -> None:
    assert fit_size(1921, 1081, None) == (1921, 1081)
    assert fit_size(1920, 1080, (320, 200)) == (320, 200)
    assert fit_size(1920, 1080, 360) == (640, 360)
    assert fit_size(1080, 1920, 360) == (360, 640)
    assert fit_size(320, 180, 360) == (640, 360)


def test_fit_size_keeps_the_shape_and_hits_the_shorter_side() -> None:
    rng = random.Random(3)
    for _ in range(300):
        width, height, side = rng.randint(16, 4000), rng.randint(16, 4000), rng.randint(16, 2000)
        fitted = fit_size(width, height, side)
        assert min(fitted) == side
        assert (fitted[0] <= fitted[1]) == (width <= height) or fitted[0] == fitted[1]
        k = side / min(width, height)
        assert abs(fitted[0] - width * k) <= 1 and abs(fitted[1] - height * k) <= 1
        assert max(fitted) == side or max(fitted) % 2 == 0


WAVE = (("wave", 1.0),)


@pytest.mark.parametrize("alpha", [0, 0.0, 0.5, 1, 1.0])
def test_look_takes_alphas_from_0_to_1(alpha: float) -> None:
    assert Look(WAVE, alpha=alpha).alpha == alpha


@pytest.mark.parametrize("alpha", [-0.01, 1.01, math.nan, math.inf])
def test_look_refuses_other_alphas(alpha: float) -> None:
    with pytest.raises(SettingError, match="0 .*to 1") as error:
        Look(WAVE, alpha=alpha)
    assert str(alpha) in str(error.value)
    with pytest.raises(SettingError):
        dataclasses.replace(Look(WAVE), alpha=alpha)


def test_look_is_immutable_and_compares_by_value() -> None:
    look = Look(WAVE, alpha=0.5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        look.alpha = 1.0  # type: ignore[misc]
    assert look == Look(WAVE, alpha=0.5)
    assert len({look, Look(WAVE, alpha=0.5), Look(WAVE, alpha=0.6)}) == 2


KNOWN = ("composition", "mosaic", "scream", "starry-night", "wave", "woodcut")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("waev", "wave"), ("WAVE", "wave"), ("starrynight", "starry-night"), ("scraem", "scream"), ("mosaik", "mosaic")],
)
def test_unknown_style_names_the_nearest_first(typed: str, meant: str) -> None:
    error = unknown_style(typed, KNOWN)
    assert isinstance(error, LivestyleError)
    assert nearest_names(typed, KNOWN).split(", ")[0] == meant
    assert repr(typed) in str(error) and f"nearest: {meant}" in str(error)
    assert "livestyle styles list" in str(error) and "\n" not in str(error)


def test_unknown_style_that_resembles_nothing() -> None:
    assert nearest_names("zzzzzz", KNOWN) == ", ".join(KNOWN[:5])


def test_a_name_like_a_files_is_called_a_missing_file() -> None:
    assert "no such file" in str(unknown_style("art/wvae.jpg", KNOWN))
    assert "not in the bank" in str(unknown_style("wvae", KNOWN))


def test_nameless_and_overflowing_styles_are_refused() -> None:
    with pytest.raises(SettingError, match="without a name"):
        parse_style_weights(":0.5")
    with pytest.raises(SettingError):
        normalised([("wave", 1e308), ("scream", 1e308)])
    with pytest.raises(SettingError, match="needs a style"):
        Look(())


WAVE = Look((("wave", 1.0),))


@pytest.mark.parametrize(
    ("other", "change"),
    [
        (Look(WAVE.weights, stability=0.1), 0.0),
        (Look((("wave", 0.9), ("scream", 0.1))), 0.1),
        (Look((("scream", 1.0),)), 1.0),
        (Look(WAVE.weights, alpha=0.7), 0.3),
        (Look(WAVE.weights, mirror=True), math.inf),
        (Look(WAVE.weights, layout=parse_split("left:wave,right:wave")), math.inf),
    ],
)
def test_how_much_else_two_looks_paint(other: Look, change: float) -> None:
    assert look_change(WAVE, other) == look_change(other, WAVE) == pytest.approx(change)


def test_of_regions_the_one_that_changes_most_counts() -> None:
    one = Look(WAVE.weights, layout=parse_split("left:wave,right:dragon"))
    near = dataclasses.replace(one, weights=(("wave", 0.8), ("scream", 0.2)))
    far = dataclasses.replace(one, layout=parse_split("left:wave,right:original"))
    assert look_change(one, one) == 0
    assert look_change(one, near) == pytest.approx(0.2)
    assert look_change(one, far) == math.inf
