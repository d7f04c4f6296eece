"""The names of keys from the codes that OpenCV's windows give (`waitKeyEx`). It knows no commands.

Qt's window gives X11 keysyms and no modifiers: Shift arrives as a key press of its own, before the key
that it is held for. GTK's puts modifiers in higher bits. Windows shifts virtual keys by 16 bits, macOS
has function keys in Unicode's private area.
"""

from __future__ import annotations

X11_F1, X11_SHIFTS = 0xFFBE, (0xFFE1, 0xFFE2)
WINDOWS_F1, MACOS_F1 = 0x700000, 0xF704
GTK_SHIFT = 0x10000
GTK_STATES = 0xFF0000
"""Modifiers, Num Lock and mouse buttons; above a keysym."""
FUNCTION_KEYS = tuple(f"f{n}" for n in range(1, 13))

_NAMES = {9: "tab", 27: "esc", 32: "space", 0xFF09: "tab", 0xFF1B: "esc"}


def key_name(code: int) -> str:
    """The name of a key from OpenCV's waitKeyEx code; "" for none or one without a name.

    Letters come in lower case whatever Shift or Caps Lock says; "f1" to "f12", "shift+f1" where the
    window knows, and "shift" where it comes alone.
    """
    if code < 0:
        return ""
    if code >= WINDOWS_F1 and not code & 0xFFFF:
        return _function_key((code - WINDOWS_F1) >> 16)
    keysym = code & 0xFFFF
    if code & ~(GTK_STATES | 0xFFFF):
        return ""
    if keysym in X11_SHIFTS:
        return "shift"
    if keysym >= 0xFF00:
        name = _function_key(keysym - X11_F1) or _NAMES.get(keysym, "")
        return f"shift+{name}" if name in FUNCTION_KEYS and code & GTK_SHIFT else name
    if keysym > 0xFF:
        return _function_key(keysym - MACOS_F1)
    return _NAMES.get(keysym, chr(keysym).lower() if 32 < keysym < 127 else "")


def _function_key(place: int) -> str:
    return FUNCTION_KEYS[place] if 0 <= place < len(FUNCTION_KEYS) else ""
