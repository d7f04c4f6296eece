"""The window: OpenCV's, in the main thread. Shows pictures, scaled to fit, and delivers keys and the mouse.

It does not know what a key means (`livestyle.show.control`) nor what is drawn (`livestyle.live.hud`).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import sys
from collections.abc import Callable

import cv2

from livestyle.errors import OutputError
from livestyle.frame import Picture
from livestyle.pointer import Box, Kind, Pointer, fitted
from livestyle.resize import letterboxed

FIRST_HEIGHT_PX = 540
"""The window opens at least this high; small paintings are scaled up."""

MOUSE_KINDS: dict[int, Kind] = {
    cv2.EVENT_LBUTTONDOWN: "down",
    cv2.EVENT_LBUTTONDBLCLK: "down",  # the second press of two
    cv2.EVENT_LBUTTONUP: "up",
    cv2.EVENT_MOUSEMOVE: "move",
}


def display_problem() -> str:
    """Why no window can be opened here, or "" when one can.

    Qt aborts the process when the screen cannot be reached, so this has to be known before.
    """
    if sys.platform != "linux":
        return ""
    if os.environ.get("WAYLAND_DISPLAY") and not os.environ.get("DISPLAY"):
        return "only a Wayland display: start Xwayland, OpenCV's window needs X11"
    display = os.environ.get("DISPLAY", "")
    if not display:
        return "DISPLAY is not set"
    host, _, rest = display.rpartition(":")
    number = rest.split(".")[0]
    if not number.isdigit():
        return f"DISPLAY={display!r} is no display"
    try:
        if host in ("", "unix"):
            _connect_local(number)
        else:
            socket.create_connection((host.strip("[]"), 6000 + int(number)), timeout=2).close()
    except OSError as error:
        return f"no X server answers at DISPLAY={display} ({error.strerror or error})"
    return ""


def _connect_local(number: str) -> None:
    """Connect to a local X server by its abstract socket or its file."""
    for address in (f"\0/tmp/.X11-unix/X{number}", f"/tmp/.X11-unix/X{number}"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            try:
                connection.connect(address)
                return
            except OSError as error:
                failure = error
    raise failure


def _load_the_systems_xlib_bridge() -> None:
    """Let Qt call the system's libX11-xcb instead of the one in OpenCV's wheel. Has to come before the first window.

    Both set a field of the Display that the system's libX11 has made, and only the system's knows where: the wheel's is
    older and writes beside it. Xlib then still takes events, and those that Qt's own thread is too late for are lost:
    keys, or the one that says that the window is mapped, without which it stays black.
    """
    with contextlib.suppress(OSError):  # not installed: the wheel's is all there is
        ctypes.CDLL("libX11-xcb.so.1", mode=ctypes.RTLD_GLOBAL)


class Window:
    """A resizable window. All its methods belong to the main thread."""

    def __init__(self, title: str) -> None:
        """Raises OutputError when there is no screen."""
        problem = display_problem()
        if problem:
            raise OutputError(
                f"no window can be opened: {problem}; `live --no-window`, `demo`, `video` and `image` work without one"
            )
        self.title = title
        self._shown = False
        self._fullscreen = False
        self._box: Box | None = None
        self._pointers: list[Pointer] = []
        # Qt's own wheel has no fonts and says so at every start; the window draws none.
        os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false")
        if sys.platform == "linux":
            _load_the_systems_xlib_bridge()
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL)
        cv2.setMouseCallback(title, self._mouse)

    def show(self, rgb: Picture, decorate: Callable[[Picture], Picture]) -> None:
        """Show a picture (HxWx3 uint8 RGB), scaled to the window; `decorate` draws on the scaled copy."""
        if not self._shown:
            k = max(1.0, FIRST_HEIGHT_PX / rgb.shape[0])
            cv2.resizeWindow(self.title, round(rgb.shape[1] * k), round(rgb.shape[0] * k))
            self._shown = True
        width, height = self.size
        if width < 16 or height < 16:  # not laid out yet
            width, height = rgb.shape[1], rgb.shape[0]
        self._box = fitted((rgb.shape[1], rgb.shape[0]), (width, height))
        picture = decorate(letterboxed(rgb, width, height))
        cv2.imshow(self.title, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the picture area in pixels, as the person has made it."""
        _, _, width, height = cv2.getWindowImageRect(self.title)
        return width, height

    def poll_key(self) -> int:
        """Let the window work for a moment; the key pressed, or -1."""
        return int(cv2.waitKeyEx(1))

    def poll_mouse(self) -> list[Pointer]:
        """What the mouse has done since the last time, in places of the picture that was shown; `poll_key` sees it."""
        pointers, self._pointers = self._pointers, []
        return pointers

    def _mouse(self, event: int, x: int, y: int, flags: int, parameter: object) -> None:
        """OpenCV's callback; of moves in a row the last is kept."""
        if self._box is None or event not in MOUSE_KINDS:
            return
        if event == cv2.EVENT_MOUSEMOVE and self._pointers and self._pointers[-1].kind == "move":
            self._pointers.pop()
        self._pointers.append(Pointer(MOUSE_KINDS[event], *self._box.place(x, y)))

    def set_fullscreen(self, on: bool) -> None:
        """Cover the screen, or go back."""
        if on != self._fullscreen:
            self._fullscreen = on
            mode = cv2.WINDOW_FULLSCREEN if on else cv2.WINDOW_NORMAL
            cv2.setWindowProperty(self.title, cv2.WND_PROP_FULLSCREEN, mode)

    @property
    def closed(self) -> bool:
        """The person closed it."""
        try:
            return self._shown and cv2.getWindowProperty(self.title, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error:
            return True

    def close(self) -> None:
        """Take it off the screen; safe to call twice."""
        try:
            cv2.destroyWindow(self.title)
        except cv2.error:
            return
