"""HDR and wide gamuts to SDR and back, against published numbers; and the table that applies it to frames."""

from __future__ import annotations

import numpy as np
import pytest
from av.video.frame import VideoFrame

from livestyle.sources.color_table import FORMAT, ColorTable
from livestyle.sources.light import (
    Signal,
    conversion,
    eetf,
    from_sdr,
    hlg_from_nits,
    nits_from_hlg,
    nits_from_pq,
    pq_from_nits,
    to_sdr,
)

PQ, HLG = Signal("pq", "bt2020"), Signal("hlg", "bt2020")
COLOURS = np.random.default_rng(0).random((500, 3))


def test_pq_has_the_numbers_of_st_2084() -> None:
    """ITU-R BT.2100 and BT.2408, table 1: 203 cd/m2 is at 58 %, 1,000 at 75 %, 10,000 at 100 %."""
    assert pq_from_nits(np.array([0.1, 100, 203, 1000, 10000])) == pytest.approx(
        [0.0623, 0.5081, 0.5807, 0.7518, 1.0], abs=1e-4
    )
    assert nits_from_pq(pq_from_nits(np.linspace(0, 10000, 50))) == pytest.approx(np.linspace(0, 10000, 50), abs=1e-6)


def test_hlg_has_the_numbers_of_bt_2100() -> None:
    """BT.2408: 75 % of the signal is the reference white of 203 cd/m2 on a display of 1,000."""
    assert nits_from_hlg(np.full((1, 3), 0.75)) == pytest.approx(203, abs=0.5)
    assert nits_from_hlg(np.ones((1, 3))) == pytest.approx(1000, abs=0.1)
    assert hlg_from_nits(nits_from_hlg(COLOURS)) == pytest.approx(COLOURS, abs=1e-6)


def test_the_gamuts_convert_as_bt_2087_says() -> None:
    expected = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
    assert conversion("bt2020", "bt709") == pytest.approx(np.array(expected), abs=1e-4)


@pytest.mark.parametrize("peak_nits", [400.0, 1000.0, 4000.0])
def test_the_curve_keeps_the_dark_and_brings_the_peak_to_white(peak_nits: float) -> None:
    nits = np.linspace(0, peak_nits, 500)
    mapped = eetf(nits, peak_nits)
    assert np.all(np.diff(mapped) > 0)
    assert mapped[-1] == pytest.approx(203)
    dark = nits < 40
    assert mapped[dark] == pytest.approx(nits[dark], rel=1e-6)


def test_sdr_goes_into_hdr_and_comes_back_but_for_its_highlights() -> None:
    dark = COLOURS * 0.6
    for signal in (PQ, HLG):
        assert to_sdr(from_sdr(dark, signal), signal) == pytest.approx(dark, abs=1e-4)
    white = to_sdr(from_sdr(np.ones((1, 3)), PQ), PQ)
    assert np.all((white > 0.88) & (white < 0.92))  # room for what is brighter


def test_wide_gamut_without_hdr_keeps_greys() -> None:
    greys = np.linspace(0, 1, 20)[:, None].repeat(3, 1)
    assert to_sdr(greys, Signal("sdr", "bt2020")) == pytest.approx(greys, abs=1e-6)
    assert to_sdr(greys, Signal("sdr", "p3")) == pytest.approx(greys, abs=1e-6)
    red = np.array([[1.0, 0.0, 0.0]])
    assert from_sdr(red, Signal("sdr", "bt2020"))[0, 1] > 0.3  # a BT.709 red is no BT.2020 red


@pytest.mark.parametrize("signal", [PQ, HLG, Signal("sdr", "bt2020")])
def test_the_table_is_the_function(signal: Signal) -> None:
    ramp = np.linspace(0, 1, 64)[None, :, None].repeat(3, 2)
    colours = np.concatenate([ramp, COLOURS[:448].reshape(7, 64, 3)])
    given = np.rint(colours * 65535).astype(np.uint16)
    frame = VideoFrame.from_ndarray(given, format="rgb48le").reformat(format=FORMAT)
    table = ColorTable(to_sdr, signal, 64, 8)
    table.apply(frame)
    changed = table.apply(frame).reformat(format="rgb48le").to_ndarray() / 65535
    difference = 255 * np.abs(changed - to_sdr(given / 65535, signal))
    assert difference[0].max() < 0.6  # greys
    assert difference.mean() < 0.5
