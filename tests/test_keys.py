"""Names of keys from the codes that OpenCV's windows give."""

from __future__ import annotations

import pytest

from livestyle.show.keys import key_name


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (-1, ""),
        (9, "tab"),
        (27, "esc"),
        (32, "space"),
        (ord("q"), "q"),
        (ord("Q"), "q"),
        (ord("["), "["),
        (0xFFBE, "f1"),  # X11
        (0xFFC9, "f12"),
        (0xFFCA, ""),
        (0xFF51, ""),
        (0xFFE1, "shift"),
        (0xFFE3, ""),
        (0x1FFBE, "shift+f1"),  # GTK
        (0x10FFBE, "f1"),
        (0x100061, "a"),
        (0x700000, "f1"),  # Windows
        (0x7B0000, "f12"),
        (0x250000, ""),
        (0xF704, "f1"),  # macOS
        (0xF70F, "f12"),
        (0xF700, ""),
    ],
)
def test_key_names(code: int, name: str) -> None:
    assert key_name(code) == name
