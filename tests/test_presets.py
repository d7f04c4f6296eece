"""Looks with a name: the file that keeps them, and what is said of mistakes in it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from livestyle.errors import OutputError, SettingError, SourceError
from livestyle.looks.look import Look
from livestyle.looks.masks import parse_mask, parse_split
from livestyle.looks.style_weights import normalised
from livestyle.options.common import EngineOptions
from livestyle.options.setup import Setup
from livestyle.show.control import command_for_key
from livestyle.show.presets import Keeper, find_look, looks_path, read_looks, save_look
from livestyle.show.state import new_show
from tests.conftest import Run

WAVE = Look((("wave", 1.0),))
BLEND = Look(normalised([("wave", 0.75), ("scream", 0.25)]), alpha=0.8, stability=0.3, preserve_color=True, mirror=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "looks.toml"


def refuse(text: str) -> None:
    """To be told of looks that are left out, where none is."""
    raise AssertionError(text)


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_saved_is_read(path: Path) -> None:
    assert read_looks(path, refuse) == {}
    for name, look in (("F1", WAVE), ("F2", BLEND), ("F1", BLEND), ("F3", WAVE)):
        save_look(path, name, look)
    assert read_looks(path, refuse) == {"F1": BLEND, "F2": BLEND, "F3": WAVE}
    assert [p.name for p in path.parent.iterdir()] == ["looks.toml"]


def test_regions_are_saved_and_read(path: Path) -> None:
    split = parse_split("left:wave,right:original").with_edge(0.3, 0.0)
    look = Look((("scream", 0.5), ("wave", 0.5)), layout=split)
    save_look(path, "F1", look)
    read = read_looks(path, refuse)["F1"]
    assert read.region_styles == look.region_styles and read.layout is not None and read.layout.area == split.area
    mask = path.parent / "mask.png"
    Image.fromarray(np.repeat(np.array([[0, 255]], np.uint8), 3).reshape(1, 2, 3)).save(mask)
    layout = parse_mask(mask, "#000000:original,white:wave")
    save_look(path, "F2", Look(layout.focused_styles, layout=layout))
    read = read_looks(path, refuse)["F2"]
    assert read.region_styles == (None, (("wave", 1.0),)) and read.layout is not None
    assert read.layout.area.names == ("#000000", "white")
    relative = path.read_text(encoding="utf-8").replace(str(mask), "mask.png")
    assert read_looks(written(path, relative), refuse)["F2"].region_styles == read.region_styles


def test_saving_leaves_the_rest_of_the_file_alone(path: Path) -> None:
    mine = '# mine\n["calm sea"]\nstyle = "wave"  # the great one\n\n'
    written(path, mine + '[F1]\nstyle = "scream"\n\n[F2]\nstyle = "dragon"\n')
    save_look(path, "F1", BLEND)
    text = path.read_text(encoding="utf-8")
    assert text.startswith(mine + "[F1]\n")
    assert list(read_looks(path, refuse)) == ["calm sea", "F1", "F2"] and read_looks(path, refuse)["F1"] == BLEND


MISTAKES = {
    "unknown key": ('[F1]\nstyle = "wave"\nalhpa = 0.5\n', "line 3: 'alhpa' in look F1: choose style, alpha"),
    "alpha out of range": (
        '[a]\nstyle = "wave"\n[b]\nstyle = "wave"\nalpha = 2\n',
        "line 5: alpha 2 is out of range",
    ),
    "alpha is no number": ('[a]\nalpha = "x"\nstyle = "wave"\n', "line 2: alpha 'x': write a number"),
    "flag": ('[a]\nstyle = "wave"\nmirror = 1\n', "line 3: mirror 1: write true or false"),
    "style is no text": ("[a]\nstyle = 3\n", "line 2: style 3: write a name"),
    "no style": ("\n[a]\nalpha = 1.0\n", "line 2: style None: write a name"),
    "weight": ('[a]\nstyle = "wave:x"\n', "line 2: weight 'x' of style 'wave' is no number"),
    "style and regions": (
        '[a]\nstyle = "w"\nregions = {left = "a", right = "b"}\n',
        "line 3: style and regions exclude",
    ),
    "sides": ('[a]\nregions = {left = "a", up = "b"}\n', "line 2: split 'left,up': name left and right"),
    "region": ('[a]\nregions = {left = "a", right = 3}\n', "line 2: regions .*: write regions = "),
    "edge": ('[a]\nedge = 3\nregions = {left = "a", right = "b"}\n', "line 3: edge 3 is out of range"),
    "edge alone": ('[a]\nstyle = "w"\nedge = 0.5\n', "line 1: mask and edge need regions"),
    "outside": ('style = "wave"\n', "line 1: style is outside a look"),
    "no TOML": ("[F1]\nstyle = wave\n", r"\(at line 2, column 9\)"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_line_with_its_place(path: Path, case: str) -> None:
    text, said = MISTAKES[case]
    with pytest.raises(SettingError, match=said) as error:
        read_looks(written(path, text), refuse)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_look_whose_mask_cannot_be_read_is_left_out_and_said(path: Path) -> None:
    gone = '[F1]\nregions = {black = "wave", white = "scream"}\nmask = "no.png"\n\n'
    written(path, gone + '[F2]\nstyle = "wave"\n')
    said: list[str] = []
    assert read_looks(path, said.append) == {"F2": WAVE} == {"F2": find_look("F2", path)}
    assert len(said) == 1 and re.fullmatch(
        rf"left out: {re.escape(str(path))}, line 2: .*no.png: no such file.*", said[0]
    )
    with pytest.raises(SourceError, match="line 2: .*no.png"):
        find_look("F1", path)
    save_look(path, "F3", WAVE)
    assert path.read_text(encoding="utf-8").startswith(gone)


def test_a_look_that_is_not_there_names_those_that_are(path: Path) -> None:
    with pytest.raises(SettingError, match="look 'clam': .* has none yet"):
        find_look("clam", path)
    save_look(path, "calm", WAVE)
    with pytest.raises(SettingError, match="look 'clam': .* has calm;"):
        find_look("clam", path)


def test_a_look_of_an_image_file_is_there_in_the_next_run(path: Path, tmp_path: Path) -> None:
    images = {"sea": str(tmp_path / "sea.jpg"), "odd": str(tmp_path / 'a, "b": c.png')}
    blend = Look(normalised([("wave", 0.5), ("odd", 0.5)]))
    split = parse_split("left:odd,right:sea")
    looks = {"F1": Look((("sea", 1.0),)), "F2": blend, "F3": Look(split.focused_styles, layout=split)}
    show = new_show(("wave",), WAVE, looks=looks)
    assert Keeper(path, {}, lambda name: images.get(name, name))(show, 0.0) is show
    read = read_looks(path, refuse)
    assert read["F1"].weights == ((images["sea"], 1.0),)
    assert read["F2"].weights == (("wave", 0.5), (images["odd"], 0.5))
    assert read["F3"].region_styles == (((images["odd"], 1.0),), ((images["sea"], 1.0),))


def test_images_of_stored_looks_are_styles_of_the_run(tmp_path: Path) -> None:
    image, text = tmp_path / "sea.png", tmp_path / "text.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)).save(image)
    text.write_text("no picture", encoding="utf-8")
    for name, style in (("F1", str(image)), ("F2", str(text)), ("F3", str(tmp_path / "gone.png"))):
        save_look(looks_path(), name, Look(((style, 1.0),)))
    setup = Setup(EngineOptions(device="cpu", model="fast"))
    show = setup.show(WAVE)
    assert show.looks["F1"].weights == (("sea", 1.0),) and "sea" in show.styles
    assert setup.bank.called("sea") == str(image.resolve())
    for name, style in (("f2", text), ("f3", tmp_path / "gone.png")):
        command = command_for_key(name)
        assert command is not None and command.apply(show, 0.0).message.endswith(f"there is no style {style}")


OTHER_FORMS = {
    "table of its own": '[F1.regions]\nleft = "wave"\nright = "scream"\n',
    "one line": 'F1 = {style = "wave"}\n\n[F2]\nstyle = "scream"\n',
    "damaged": "[F2]\nstyle = wave\n",
}


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_a_file_that_has_no_place_for_a_look_stays_as_it_was(path: Path, form: str) -> None:
    written(path, OTHER_FORMS[form])
    with pytest.raises(OutputError, match="look F1 cannot be saved in .*; correct it there"):
        save_look(path, "F1", BLEND)
    assert path.read_text(encoding="utf-8") == OTHER_FORMS[form] and [p.name for p in path.parent.iterdir()] == [
        "looks.toml"
    ]


def test_the_keeper_writes_what_a_show_stores_once(path: Path) -> None:
    show = new_show(("wave",), WAVE)
    keeper = Keeper(path, show.looks)
    assert keeper(show, 0.0) is show and not path.exists()
    command = command_for_key("shift+f1")
    assert command is not None
    show = command.apply(show, 1.0)
    assert keeper(show, 1.0) is show and read_looks(path, refuse) == {"F1": WAVE}
    path.unlink()
    assert keeper(show, 2.0) is show and not path.exists()


def test_a_file_that_cannot_be_written_is_said_and_ends_nothing(path: Path) -> None:
    path.parent.write_text("in the way", encoding="utf-8")
    with pytest.raises(OutputError, match="look F1 cannot be saved in .*: check space"):
        save_look(path, "F1", WAVE)
    show = new_show(("wave",), WAVE, looks={"F1": WAVE})
    assert "F1" in Keeper(path, {})(show, 0.0).message


def test_options_change_what_a_look_says(run: Run, photo: Path, tmp_path: Path) -> None:
    """Command line over file over defaults."""
    save_look(looks_path(), "calm", Look((("wave", 1.0),), alpha=0.0, palette=False))
    commands = {
        "file": ["--look", "calm"],
        "line": ["--look", "calm", "--alpha", "1", "--palette"],
        "plain": ["-s", "wave"],
    }
    painted = {}
    for name, options in commands.items():
        result = run("image", "photo.png", "-o", f"{name}.png", "--device", "cpu", "--model", "fast", *options)
        assert result.code == 0, result.err
        painted[name] = np.asarray(Image.open(tmp_path / f"{name}.png")).astype(int)
    np.testing.assert_array_equal(painted["line"], painted["plain"])
    assert np.abs(painted["file"] - painted["plain"]).mean() > 5


@pytest.mark.parametrize("command", [["live", "photo.png"], ["image", "photo.png", "-o", "p.png", "--look", "F1"]])
def test_a_damaged_file_is_one_line(run: Run, photo: Path, command: list[str]) -> None:
    written(looks_path(), '[F1]\nstyle = "wave"\nalpha = 7\n')
    result = run(*command)
    assert result.code == 2
    assert result.err.startswith(f"livestyle: {looks_path()}, line 3: alpha 7 ") and result.err.count("\n") == 1
