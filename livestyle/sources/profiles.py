"""Embedded colour profiles: from an image's own colours to sRGB, with LittleCMS.

Relative colorimetric with black point compensation, as most photo programs have it. It does not know profiles that
are named but not embedded (EXIF's Adobe RGB, PNG's gamma and cICP).
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

Transform = Callable[[Image.Image], Image.Image]
"""An image of the mode that it was made for, or with alpha beside, to RGB."""

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}


def srgb_transform(image: Image.Image) -> Transform | None:
    """What makes this image's pixels sRGB; None where they are, as far as is known.

    Raises ValueError that says what is wrong with the profile.
    """
    data = image.info.get("icc_profile")
    own = _colours_of(image.mode)
    if not data and own != "LAB":
        return None
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(data) if data else ImageCms.createProfile("LAB"))
        space = profile.profile.xcolor_space.strip()
        mode = _MODES.get(space, "")
        if mode != own and (own, mode) != ("L", "RGB"):
            raise ValueError(f"its colour profile is for {space} and its pixels are {own}")
        intent, flags = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
        transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB", intent, flags)
    except (ImageCms.PyCMSError, OSError) as error:
        raise ValueError(f"its colour profile is damaged ({error})") from error

    def applied(image: Image.Image) -> Image.Image:
        return transform.apply(image if image.mode == mode else image.convert(mode))

    return None if mode == "RGB" and _changes_nothing(applied) else applied


def _colours_of(mode: str) -> str:
    if mode in ("CMYK", "LAB"):
        return mode
    return "L" if mode in ("1", "L", "LA", "La", "F") or mode.startswith("I") else "RGB"


def _changes_nothing(transform: Transform) -> bool:
    """By more than a level, which is rounding: the profile is sRGB's, in one of its many copies."""
    steps = np.linspace(0, 255, 18).astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 18, 3)
    changed = np.asarray(transform(Image.fromarray(colours)))
    return int(np.abs(changed.astype(int) - colours).max()) <= 1
