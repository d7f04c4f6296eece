"""A style: its statistics, its metadata and the file that holds both.

It knows no networks and no bank: numpy vectors in, numpy vectors out.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from livestyle.errors import OutputError, StyleError
from livestyle.looks.style_weights import StyleWeights

TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
CHANNELS = (64, 128, 256, 512)
STYLE_NUMBERS = 2 * sum(CHANNELS)
"""What a style is to a network: means, then stds, of the encoder's four taps."""
Vector = NDArray[np.float32]
REFINEMENT_PARTS = {"refinement.": "code", "kernels.": "kernels", "kernels-code.": "kernels_code"}
"""Parts of a `Refinement` by what they are called in a style file, before a network's id."""


@dataclass(frozen=True, eq=False)
class Palette:
    """A picture's colours: mean (3,) and covariance (3, 3) of RGB in [0, 1], float32."""

    mean: Vector
    covariance: Vector

    def __post_init__(self) -> None:
        if self.mean.shape != (3,) or self.covariance.shape != (3, 3):
            raise ValueError(f"a palette has shapes (3,) and (3, 3), not {self.mean.shape} and {self.covariance.shape}")


def palette_of(rgb: NDArray[np.uint8], share: NDArray[np.float32] | None = None) -> Palette:
    """The colours of a picture, HxWx3 uint8 RGB. share: HxW float32 >= 0, how much each pixel counts."""
    pixels = rgb.reshape(-1, 3).astype(np.float32) / 255
    if share is not None:
        weight = share.reshape(-1, 1) / max(float(share.sum()), 1e-6)
        mean = (pixels * weight).sum(0)
        return Palette(mean, ((pixels - mean) * weight).T @ (pixels - mean))
    mean = pixels.mean(0)
    centred = pixels - mean
    return Palette(mean, centred.T @ centred / np.float32(len(pixels)))


@dataclass(frozen=True, eq=False)
class Refinement:
    """What makes one network paint a style better; all of it is added, so a blend is a sum.

    code: (2, C) float32, to the means of its AdaIN layers and to the logarithms of their stds. kernels: (P,) float32,
    to its convolutions' kernels; empty where they stay. kernels_code: (2, C) float32, more to the code, beside kernels.
    Raises ValueError for other shapes and numbers that are not finite.
    """

    code: Vector
    kernels: Vector = field(default_factory=lambda: np.zeros(0, np.float32))
    kernels_code: Vector = field(default_factory=lambda: np.zeros((2, 1), np.float32))

    def __post_init__(self) -> None:
        if any(v.ndim != 2 or len(v) != 2 for v in (self.code, self.kernels_code)) or self.kernels.ndim != 1:
            shapes = [v.shape for v in (self.code, self.kernels, self.kernels_code)]
            raise ValueError(f"a refinement has shapes (2, C), (P,) and (2, C), not {shapes}")
        if not all(np.isfinite(v).all() for v in (self.code, self.kernels, self.kernels_code)):
            raise ValueError("a refinement's numbers are finite, these are not")

    @property
    def without_kernels(self) -> Refinement:
        """For a network whose kernels cannot be changed."""
        return Refinement(self.code)

    @property
    def to_code(self) -> tuple[Vector, Vector]:
        """What to add to the means of the AdaIN layers, and what to multiply their stds by, (1, C, 1, 1) float32."""
        more, log_factor = (self.code + self.kernels_code)[:, None, :, None, None]
        return more, np.exp(log_factor)

    def kernels_of(self, count: int) -> Vector:
        """(count,) float32; zeros where they stay. Raises StyleError when the network has another number of them."""
        if len(self.kernels) not in (0, count):
            raise StyleError(f"a style is refined for {len(self.kernels)} kernel numbers, not {count}: refine it again")
        return self.kernels if len(self.kernels) else np.zeros(count, np.float32)

    def parts(self) -> dict[str, NDArray[Any]]:
        """As they are kept, by REFINEMENT_PARTS; kernels in half precision."""
        kernels: NDArray[Any] = self.kernels.astype(np.float16)
        kept = {"code": self.code, "kernels": kernels, "kernels_code": self.kernels_code}
        return {prefix: kept[part] for prefix, part in REFINEMENT_PARTS.items()}


NOT_REFINED = Refinement(np.zeros((2, 1), np.float32))


@dataclass(frozen=True, eq=False)
class StyleStats:
    """What a style image is reduced to: per-channel mean and std of the four taps, and its palette.

    means, stds: one float32 vector a tap, of 64, 128, 256 and 512 channels; stds > 0. refinements: by the id of a
    network (`livestyle.model.weights.network_id`) what makes that one paint the style better; see
    `livestyle.model.refining`.
    """

    means: tuple[Vector, ...]
    stds: tuple[Vector, ...]
    palette: Palette
    refinements: Mapping[str, Refinement] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in (self.means, self.stds):
            shapes = tuple(v.shape for v in kind)
            if shapes != tuple((c,) for c in CHANNELS) or not all(np.isfinite(v).all() for v in kind):
                raise ValueError(f"style statistics need finite vectors of {CHANNELS} channels, not {shapes}")

    @property
    def numbers(self) -> Vector:
        """All means, then all stds, in the order of the taps: (STYLE_NUMBERS,) float32."""
        return np.concatenate([*self.means, *self.stds]).astype(np.float32, copy=False)

    def refinement(self, network: str) -> Refinement:
        """The refinement for a network; one of zeros, with C = 1, when the style has none."""
        return self.refinements.get(network, NOT_REFINED)

    @property
    def without_kernels(self) -> StyleStats:
        """As networks paint it whose kernels cannot be changed."""
        return replace(self, refinements={network: r.without_kernels for network, r in self.refinements.items()})

    @property
    def content(self) -> bytes:
        """All that paintings depend on: styles with the same one paint the same."""
        refinements = [
            f"{prefix}{network} ".encode() + part.tobytes()
            for network, refinement in sorted(self.refinements.items())
            for prefix, part in refinement.parts().items()
        ]
        return b"".join([self.numbers.tobytes(), self.palette.covariance.tobytes(), *refinements])


def blend_stats(parts: Iterable[tuple[StyleStats, float]]) -> StyleStats:
    """The convex blend of K styles' statistics (Huang & Belongie 2017, eq. 15), and of their refinements."""
    parts = list(parts)
    networks = {network for stats, _ in parts for network in stats.refinements}
    return StyleStats(
        means=tuple(_mixed([(s.means[i], w) for s, w in parts]) for i in range(len(TAPS))),
        stds=tuple(_mixed([(s.stds[i], w) for s, w in parts]) for i in range(len(TAPS))),
        palette=blend_palettes([(s.palette, w) for s, w in parts]),
        refinements={
            network: _mixed_refinements([(s.refinement(network), w) for s, w in parts]) for network in networks
        },
    )


class Styles(Protocol):
    """Styles that have names."""

    def blend(self, weights: StyleWeights) -> StyleStats:
        """Blended statistics of weighted styles. Raises StyleError for an unknown one."""


def blended(weights: StyleWeights, stats_of: Callable[[str], StyleStats]) -> StyleStats:
    """As `Styles.blend`; of one style alone they are exactly its own."""
    if len(weights) == 1:
        return stats_of(weights[0][0])
    return blend_stats((stats_of(name), weight) for name, weight in weights)


def blend_palettes(parts: Sequence[tuple[Palette, float]]) -> Palette:
    """The convex blend of palettes."""
    return Palette(_mixed([(p.mean, w) for p, w in parts]), _mixed([(p.covariance, w) for p, w in parts]))


def _mixed_refinements(parts: Sequence[tuple[Refinement, float]]) -> Refinement:
    count = max(len(r.kernels) for r, _ in parts)
    channels = max(r.code.shape[1] for r, _ in parts)
    code, kernels_code = np.zeros((2, 2, channels), np.float32)
    kernels = np.zeros(count, np.float32)
    for refinement, weight in parts:
        share = np.float32(weight)
        code += share * refinement.code
        kernels += share * refinement.kernels_of(count)
        kernels_code += share * refinement.kernels_code
    return Refinement(code, kernels, kernels_code)


def _mixed(vectors: Sequence[tuple[Vector, float]]) -> Vector:
    total: Vector = np.sum([v * np.float32(w) for v, w in vectors], axis=0, dtype=np.float32)
    return total


@dataclass(frozen=True)
class StyleInfo:
    """A style's metadata."""

    name: str
    title: str
    artist: str = ""
    year: str = ""
    kind: str = ""
    order: int = 1_000
    """Place in the list; the first nine are on the number keys."""
    encoder: str = ""
    """Which encoder made the statistics."""

    @property
    def label(self) -> str:
        """Title, artist and year in one line."""
        return ", ".join(filter(None, (self.title, self.artist, self.year)))


def save_style(path: Path, info: StyleInfo, stats: StyleStats) -> None:
    """Write a style file atomically. Raises OutputError."""
    from safetensors.numpy import save_file

    tensors = {f"{tap}.mean": v for tap, v in zip(TAPS, stats.means, strict=True)}
    tensors |= {f"{tap}.std": v for tap, v in zip(TAPS, stats.stds, strict=True)}
    tensors |= {"palette.mean": stats.palette.mean, "palette.covariance": stats.palette.covariance}
    for network, refinement in stats.refinements.items():
        tensors |= {prefix + network: part for prefix, part in refinement.parts().items() if part.size}
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, part, metadata={"style": json.dumps(info.__dict__)})
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(
            f"style {info.name!r} cannot be saved as {path} ({error.strerror or error}): check space and permissions"
        ) from None


def load_style(path: Path) -> tuple[StyleInfo, StyleStats]:
    """Read a style file. Raises StyleError when it is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            info = StyleInfo(**json.loads(file.metadata()["style"]))
            stats = StyleStats(
                means=tuple(file.get_tensor(f"{tap}.mean") for tap in TAPS),
                stds=tuple(file.get_tensor(f"{tap}.std") for tap in TAPS),
                palette=Palette(file.get_tensor("palette.mean"), file.get_tensor("palette.covariance")),
                refinements=_refinements({name: file.get_tensor(name) for name in sorted(file.keys())}),
            )
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise StyleError(f"style file {path} is damaged ({error}): remove it and add the style again") from None
    return info, stats


def _refinements(tensors: Mapping[str, NDArray[Any]]) -> dict[str, Refinement]:
    found: dict[str, dict[str, Vector]] = {}
    for name, tensor in tensors.items():
        prefix, dot, network = name.partition(".")
        if part := REFINEMENT_PARTS.get(prefix + dot):
            found.setdefault(network, {})[part] = tensor.astype(np.float32, copy=False)
    return {network: Refinement(**parts) for network, parts in found.items()}


def style_name(text: str) -> str:
    """A name for a style from a file's stem or a person's words: lower case, digits, - and _."""
    return re.sub(r"[^a-z0-9_-]+", "_", text.lower()).strip("_-") or "style"
