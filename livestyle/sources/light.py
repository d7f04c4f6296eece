"""What the numbers of a picture mean as light: HDR and wide gamuts turned into the SDR that is painted, and back.

SDR is BT.709 primaries on a display after BT.1886 (gamma 2.4), whose white is HDR's reference white of 203 cd/m2
(ITU-R BT.2408). HDR is PQ (SMPTE ST 2084) or HLG (ITU-R BT.2100, on a display of 1000 cd/m2). Brighter light is brought
under SDR's white by the EETF of ITU-R BT.2390, applied to the largest of red, green and blue so that hues stay. Colours
outside BT.709 are cut off (ITU-R BT.2407).

What it does not know: files, frames, HDR10+ and Dolby Vision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Transfer = Literal["sdr", "pq", "hlg"]
Primaries = Literal["bt709", "bt2020", "p3"]

WHITE_NITS = 203.0
HLG_NITS = 1000.0
PQ_NITS = 10000.0
_SDR_GAMMA = 2.4
_HLG_GAMMA = 1.2  # the system's, at HLG_NITS
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_A, _B, _C = 0.17883277, 0.28466892, 0.55991073
_LUMA_2020 = np.array([0.2627, 0.6780, 0.0593])
_CHROMATICITIES: dict[Primaries, tuple[tuple[float, float], ...]] = {
    "bt709": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    "bt2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    "p3": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_D65 = (0.3127, 0.3290)


@dataclass(frozen=True)
class Signal:
    """How the R'G'B' of a video are to be read."""

    transfer: Transfer = "sdr"
    primaries: Primaries = "bt709"
    peak_nits: float = 1000.0
    """The brightest that a PQ video has."""

    @property
    def is_hdr(self) -> bool:
        """Brighter than SDR's white."""
        return self.transfer != "sdr"


def to_sdr(rgb: Array, signal: Signal) -> Array:
    """...x3 R'G'B' of a signal, 0 to 1, to those of SDR in BT.709, 0 to 1."""
    nits = _nits(rgb, signal)
    if signal.is_hdr:
        peak = HLG_NITS if signal.transfer == "hlg" else signal.peak_nits
        largest = np.maximum(nits.max(-1, keepdims=True), 1e-6)
        nits = nits * (eetf(largest, peak) / largest)
    linear = nits / WHITE_NITS @ conversion(signal.primaries, "bt709").T
    sdr: Array = np.clip(linear, 0, 1) ** (1 / _SDR_GAMMA)
    return sdr


def from_sdr(rgb: Array, signal: Signal) -> Array:
    """...x3 R'G'B' of SDR in BT.709, 0 to 1, to those of a signal; SDR's white is at WHITE_NITS."""
    linear = np.clip(rgb, 0, 1) ** _SDR_GAMMA @ conversion("bt709", signal.primaries).T
    linear = np.clip(linear, 0, 1)
    if signal.transfer == "pq":
        return pq_from_nits(linear * WHITE_NITS)
    if signal.transfer == "hlg":
        return hlg_from_nits(linear * WHITE_NITS)
    sdr: Array = linear ** (1 / _SDR_GAMMA)
    return sdr


def nits_from_pq(signal: Array) -> Array:
    """ST 2084's EOTF: 0 to 1 to cd/m2."""
    root = np.clip(signal, 0, 1) ** (1 / _M2)
    nits: Array = PQ_NITS * (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1)
    return nits


def pq_from_nits(nits: Array) -> Array:
    """The inverse of `nits_from_pq`."""
    power = (np.maximum(nits, 0) / PQ_NITS) ** _M1
    signal: Array = ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2
    return signal


def nits_from_hlg(signal: Array) -> Array:
    """BT.2100's HLG EOTF for ...x3 R'G'B' of BT.2020: 0 to 1 to cd/m2 on a display of HLG_NITS."""
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - _C) / _A) + _B) / 12)
    luma = (scene @ _LUMA_2020)[..., None]
    nits: Array = HLG_NITS * np.maximum(luma, 1e-9) ** (_HLG_GAMMA - 1) * scene
    return nits


def hlg_from_nits(nits: Array) -> Array:
    """The inverse of `nits_from_hlg`."""
    display = nits / HLG_NITS
    luma = (display @ _LUMA_2020)[..., None]
    scene = display * np.maximum(luma, 1e-9) ** ((1 - _HLG_GAMMA) / _HLG_GAMMA)
    signal: Array = np.where(scene <= 1 / 12, np.sqrt(3 * scene), _A * np.log(np.maximum(12 * scene - _B, 1e-9)) + _C)
    return signal


def eetf(nits: Array, peak_nits: float) -> Array:
    """BT.2390's: light of up to `peak_nits` to light of up to WHITE_NITS; dark tones stay as they are."""
    peak = float(pq_from_nits(np.array(peak_nits)))
    white = float(pq_from_nits(np.array(WHITE_NITS))) / peak
    if white >= 1:
        return nits
    knee = 1.5 * white - 0.5
    signal = np.clip(pq_from_nits(nits) / peak, 0, 1)
    t = np.clip((signal - knee) / (1 - knee), 0, 1)
    curve = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * white
    mapped: Array = np.where(signal < knee, signal, curve) * peak
    return nits_from_pq(mapped)


def conversion(source: Primaries, target: Primaries) -> Array:
    """3x3: linear RGB of one set of primaries to that of another."""
    matrix: Array = np.linalg.inv(_to_xyz(target)) @ _to_xyz(source)
    return matrix


def _to_xyz(primaries: Primaries) -> Array:
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in _CHROMATICITIES[primaries]]).T
    x, y = _D65
    white = np.array([x / y, 1.0, (1 - x - y) / y])
    matrix: Array = columns * np.linalg.solve(columns, white)
    return matrix


def _nits(rgb: Array, signal: Signal) -> Array:
    if signal.transfer == "pq":
        return nits_from_pq(rgb)
    if signal.transfer == "hlg":
        return nits_from_hlg(rgb)
    nits: Array = WHITE_NITS * np.clip(rgb, 0, 1) ** _SDR_GAMMA
    return nits
