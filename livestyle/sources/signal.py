"""What a decoded frame says about its colours: its matrix, and how its R'G'B' are to be read as light."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc

from livestyle.sources.light import PQ_NITS, WHITE_NITS, Primaries, Signal, Transfer

_MATRICES = (1, 4, 5, 6, 7)  # that swscale has, beside BT.2020's (ITU-T H.273)
BT2020_NCL, _BT2020_CL = 9, 10
_TRANSFERS: dict[int, Transfer] = {int(ColorTrc.SMPTE2084): "pq", int(ColorTrc.ARIB_STD_B67): "hlg"}
_PRIMARIES: dict[int, Primaries] = {
    int(ColorPrimaries.BT2020): "bt2020",
    int(ColorPrimaries.SMPTE431): "p3",
    int(ColorPrimaries.SMPTE432): "p3",
}
_MASTERING = "=22i"  # AVMasteringDisplayMetadata: ten rationals, then two flags
_DEFAULT_PEAK_NITS = 1000.0
_DOLBY_VISION = ("dvh1", "dvhe", "dva1", "dvav", "dav1")


@dataclass(frozen=True)
class Mastering:
    """The display that an HDR video was made on, and how bright it gets (SMPTE ST 2086, CTA-861.3)."""

    chromaticities: tuple[tuple[Fraction, Fraction], ...] = ()
    """(x, y) of red, green, blue and white; empty: unknown."""
    nits: tuple[Fraction, Fraction] | None = None
    """Darkest and brightest."""
    max_cll: int = 0
    """Brightest pixel of all, in cd/m2; 0: unknown."""
    max_fall: int = 0
    """Brightest average of a frame."""


def mastering_of(frame: VideoFrame) -> Mastering:
    """What the frame carries beside its pixels."""
    chromaticities: tuple[tuple[Fraction, Fraction], ...] = ()
    nits = None
    numbers = _side_data(frame, SideDataType.MASTERING_DISPLAY_METADATA, _MASTERING)
    if numbers and all(numbers[1:20:2]):
        values = [Fraction(*numbers[i : i + 2]) for i in range(0, 20, 2)]
        chromaticities = tuple(zip(values[0:8:2], values[1:8:2], strict=True)) if numbers[20] else ()
        nits = (values[8], values[9]) if numbers[21] else None
    cll, fall = _side_data(frame, SideDataType.CONTENT_LIGHT_LEVEL, "=2I") or (0, 0)
    return Mastering(chromaticities, nits, cll, fall)


def dynamic_of(frame: VideoFrame, codec_tag: str) -> str:
    """The name of what changes an HDR picture from scene to scene, and is not read here; empty where there is none.

    codec_tag: the container's, of four letters.
    """
    carried = {data.type for data in cast(Any, frame.side_data)}
    if codec_tag in _DOLBY_VISION or carried & {SideDataType.DOVI_RPU_BUFFER, SideDataType.DOVI_METADATA}:
        return "Dolby Vision"
    return "HDR10+" if SideDataType.DYNAMIC_HDR_PLUS in carried else ""


def signal_of(frame: VideoFrame) -> Signal:
    """How its R'G'B' are to be read; what it does not say is taken for BT.709."""
    transfer = _TRANSFERS.get(frame.color_trc, "sdr")
    primaries = _PRIMARIES.get(frame.color_primaries, "bt709" if transfer == "sdr" else "bt2020")
    mastering = mastering_of(frame)
    brightest = [float(mastering.nits[1])] if mastering.nits else []
    brightest += [float(mastering.max_cll)] if mastering.max_cll else []
    peak = min(brightest, default=_DEFAULT_PEAK_NITS)
    return Signal(transfer, primaries, min(max(peak, WHITE_NITS), PQ_NITS))


def matrix_of(frame: VideoFrame) -> int:
    """Its matrix for swscale; where the frame does not say, or oddly, the one that players take."""
    if frame.colorspace in (BT2020_NCL, _BT2020_CL):
        return BT2020_NCL
    if frame.colorspace in _MATRICES:
        return frame.colorspace
    if signal_of(frame).primaries == "bt2020":
        return BT2020_NCL
    return int(Colorspace.ITU709 if is_high_definition(frame.width, frame.height) else Colorspace.ITU601)


def is_high_definition(width: int, height: int) -> bool:
    """Whether players take an untagged picture of this size for BT.709 (True) or BT.601 (False)."""
    return width >= 1280 or height >= 720


def _side_data(frame: VideoFrame, kind: SideDataType, layout: str) -> tuple[int, ...] | None:
    with suppress(KeyError):
        data = bytes(cast(Any, frame.side_data)[kind])
        if len(data) >= struct.calcsize(layout):
            return struct.unpack_from(layout, data)
    return None
