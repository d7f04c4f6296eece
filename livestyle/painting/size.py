"""The size of paintings: as a person writes it, and for a source."""

from __future__ import annotations

from livestyle.errors import SettingError


def parse_size(text: str) -> tuple[int, int] | int:
    """Parse "640x360" (width x height) or "360" (shorter side). Raises SettingError."""
    try:
        numbers = tuple(int(n) for n in text.lower().split("x"))
    except ValueError:
        numbers = ()
    if len(numbers) not in (1, 2) or any(not 16 <= n <= 16384 for n in numbers):
        raise SettingError(
            f"size {text!r}: write WIDTHxHEIGHT or the shorter side, 16 to 16384 pixels, as in 640x360 or 360"
        )
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def fit_size(width: int, height: int, size: tuple[int, int] | int | None) -> tuple[int, int]:
    """(width, height) of the painting for a source of the given size. All in pixels.

    For a shorter side the longer one is rounded to an even number, as video codecs want it.
    """
    if size is None:
        return width, height
    if isinstance(size, tuple):
        return size
    k = size / min(width, height)
    if width < height:
        return size, max(size, 2 * round(height * k / 2))
    return max(size, 2 * round(width * k / 2)), size
