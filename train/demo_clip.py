"""Render the demo clip from NASA's portrait of Eileen Collins.

    python -m train.demo_clip --out media/demo.mp4 --photo media/astronaut.jpg

The photograph is moved like a live shot: the camera travels and shakes a little, the head sways,
the chest breathes, the background shifts against the person, and a light drifts. Every motion is
periodic over the clip, so the frame after the last one is the first one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from livestyle.frame import Picture
from train.runtime import flag, parse_flags

Field = NDArray[np.float32]

SIDE = 512
"""The photograph is square; all places and lengths below are in its pixels."""

HEAD, NECK, CHEST = (226.0, 88.0), (222.0, 182.0), (205.0, 372.0)

# Where the camera is: part of the loop, centre x, centre y, width of the picture.
STOPS = np.array(
    [
        (0.00, 250.0, 139.0, 470.0),  # everything
        (0.20, 229.0, 106.0, 346.0),  # pushed in on the face
        (0.36, 236.0, 106.0, 334.0),  # still closer, slowly
        (0.54, 312.0, 150.0, 372.0),  # panned to the shuttle
        (0.70, 236.0, 276.0, 436.0),  # down to patch and helmet
        (0.85, 242.0, 152.0, 456.0),  # pulling back
    ]
)


@dataclass(frozen=True)
class Flags:
    """Render the demo clip."""

    out: Path = flag("the video to write (H.264)")
    photo: Path = flag("where the photograph itself is written (JPEG)")
    seconds: float = flag("length of the loop", 14.0)
    fps: int = flag("frames per second", 30)
    width: int = flag("pixels a line", 640)
    height: int = flag("lines", 360)
    crf: int = flag("x264 quality: lower is better and larger", 24)


@dataclass(frozen=True)
class Scene:
    """What does not change from frame to frame: the photograph, its pixel grid, its soft layers."""

    photo: Picture
    x: Field
    y: Field
    nearness: Field
    head: Field
    chest: Field


def load_photo() -> Picture:
    """The photograph, 512x512 RGB, as scikit-image distributes it."""
    try:
        from skimage import data
    except ImportError:
        raise SystemExit("the photograph comes with scikit-image: pip install scikit-image") from None
    untyped: Any = data
    return np.ascontiguousarray(untyped.astronaut(), dtype=np.uint8)


def blob(x: Field, y: Field, centre: tuple[float, float], radii: tuple[float, float]) -> Field:
    """A Gaussian hill of height 1."""
    far = ((x - centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2
    return np.exp(-0.5 * far).astype(np.float32)


def nearness_map() -> Field:
    """0 at the background, 1 at the person, a little more at the helmet; hand-made and soft."""
    near = np.zeros((SIDE, SIDE), np.float32)
    for centre, axes, value in (
        ((227, 98), (84, 96), 1.0),
        ((190, 430), (182, 232), 1.0),
        ((392, 440), (122, 108), 1.3),
    ):
        cv2.ellipse(near, centre, axes, 0.0, 0.0, 360.0, value, -1)
    return cv2.GaussianBlur(near, (0, 0), 18.0).astype(np.float32)


def make_scene(photo: Picture) -> Scene:
    """Prepare the layers."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    return Scene(photo, x, y, nearness_map(), blob(x, y, HEAD, (74, 76)), blob(x, y, CHEST, (120, 92)))


def wave(loop: float, *harmonics: tuple[int, float, float]) -> float:
    """A sum of (cycles per loop, amplitude, phase in turns): periodic over the loop."""
    return float(sum(a * np.sin(2 * np.pi * (n * loop + phase)) for n, a, phase in harmonics))


def camera(loop: float) -> tuple[float, float, float]:
    """Centre x, centre y and width at this part of the loop: a closed curve through STOPS."""
    count = len(STOPS)
    at = np.searchsorted(STOPS[:, 0], loop, side="right") - 1
    turns, index = np.divmod(np.arange(at - 1, at + 3), count)
    knots = STOPS[index, 0] + turns
    values = STOPS[index, 1:]
    span = knots[2] - knots[1]
    slopes = (values[2:] - values[:2]) / (knots[2:] - knots[:2])[:, None] * span
    t = (loop - knots[1]) / span
    basis = (2 * t**3 - 3 * t**2 + 1, t**3 - 2 * t**2 + t, 3 * t**2 - 2 * t**3, t**3 - t**2)
    cx, cy, width = sum(b * v for b, v in zip(basis, (values[1], slopes[0], values[2], slopes[1]), strict=True))
    cx += wave(loop, (5, 0.9, 0.1), (11, 0.45, 0.7), (23, 0.16, 0.3))
    cy += wave(loop, (4, 0.8, 0.4), (13, 0.45, 0.2), (27, 0.14, 0.9))
    return float(cx), float(cy), float(width)


def displace(scene: Scene, loop: float) -> tuple[Field, Field]:
    """From where in the photograph each of its pixels is taken at this moment."""
    # The head: sway about the neck, a slower lean, a small nod.
    turn = np.deg2rad(wave(loop, (4, 2.6, 0.0), (7, 0.8, 0.3)))
    lean, nod = wave(loop, (3, 3.4, 0.6), (4, 2.6, 0.0)), wave(loop, (5, 2.4, 0.2), (9, 0.7, 0.5))
    dx = scene.head * (lean - turn * (scene.y - NECK[1]))
    dy = scene.head * (nod + turn * (scene.x - NECK[0]))
    # The chest: swells and lifts with each breath, and the shoulders with it.
    breath = wave(loop, (4, 1.0, 0.15))
    dx += scene.chest * 0.012 * breath * (scene.x - CHEST[0])
    dy += scene.chest * (0.010 * breath * (scene.y - CHEST[1]) - 1.9 * breath)
    # Parallax: what is near moves against what is far when the camera travels.
    cx, cy, _ = camera(loop)
    dx -= (scene.nearness - 0.5) * 0.055 * (cx - STOPS[0, 1])
    dy -= (scene.nearness - 0.5) * 0.035 * (cy - STOPS[0, 2])
    return (scene.x - dx).astype(np.float32), (scene.y - dy).astype(np.float32)


def light(shape: tuple[int, int], loop: float) -> Field:
    """Gain of each output pixel and channel: a warm soft light on its way round the picture."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    centre = (width * (0.5 + wave(loop, (1, 0.42, 0.1))), height * (0.45 + wave(loop, (2, 0.25, 0.35))))
    glow = blob(x, y, centre, (0.38 * width, 0.55 * height))[..., None]
    level = 0.93 + wave(loop, (3, 0.012, 0.0))
    return (level + glow * np.array([0.17, 0.14, 0.09], np.float32)).astype(np.float32)


def render(scene: Scene, loop: float, width: int, height: int) -> Picture:
    """The picture at `loop` (0 to 1) of the clip."""
    cx, cy, across = camera(loop)
    step = across / width
    tilt = np.deg2rad(wave(loop, (2, 0.35, 0.2), (7, 0.12, 0.6)))
    cos, sin = step * np.cos(tilt), step * np.sin(tilt)
    u, v = (width - 1) / 2, (height - 1) / 2
    window = np.array([[cos, -sin, cx - cos * u + sin * v], [sin, cos, cy - sin * u - cos * v]])
    maps = [
        cv2.warpAffine(m, window, (width, height), None, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE)
        for m in displace(scene, loop)
    ]
    picture = cv2.remap(scene.photo, maps[0], maps[1], cv2.INTER_LANCZOS4, None, cv2.BORDER_REFLECT_101)
    soft = cv2.GaussianBlur(picture, (0, 0), 1.4)
    crisp = cv2.addWeighted(picture, 1.35, soft, -0.35, 0)
    lit: Picture = np.clip(crisp * light((height, width), loop) + 0.5, 0, 255).astype(np.uint8)
    return lit


def frames(flags: Flags, photo: Picture) -> Iterator[Picture]:
    """All pictures of one loop."""
    scene = make_scene(photo)
    count = round(flags.seconds * flags.fps)
    for i in range(count):
        yield render(scene, i / count, flags.width, flags.height)


def encode(flags: Flags, pictures: Iterator[Picture]) -> None:
    """Write H.264, yuv420p, BT.709, no sound."""
    with av.open(str(flags.out), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(flags.fps))
        stream.width, stream.height, stream.pix_fmt = flags.width, flags.height, "yuv420p"
        stream.options = {
            "crf": str(flags.crf),
            "preset": "veryslow",
            "x264-params": "colorprim=bt709:transfer=bt709:colormatrix=bt709:range=tv",
        }
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709")))
        container.mux(stream.encode(None))


def main(argv: list[str] | None = None) -> None:
    """Write the photograph and the clip."""
    flags = parse_flags(Flags, argv)
    photo = load_photo()
    for path in (flags.out, flags.photo):
        path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(photo).save(flags.photo, quality=90)
    encode(flags, frames(flags, photo))
    print(f"{flags.out}: {flags.out.stat().st_size:,} bytes; {flags.photo}: {flags.photo.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
