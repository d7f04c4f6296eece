"""The paintings as a camera that other programs can choose: v4l2loopback on Linux, OBS elsewhere.

pyvirtualcam does it, an extra (`virtualcam`), imported only when asked for. The first picture decides the size.
What it does not know: sound, and programs that want another size (they scale by themselves).
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from livestyle.errors import OutputError
from livestyle.frame import Frame
from livestyle.sinks.fixed_size import even_size, fitted

FPS_HINT = 30.0
PROBE_SIZE = (640, 360)


def load_module() -> ModuleType:
    """pyvirtualcam. Raises OutputError with the line that installs it."""
    try:
        import pyvirtualcam
    except ImportError as error:
        missing = "is not installed" if error.name == "pyvirtualcam" else f"does not load ({error})"
        raise OutputError(f"virtual camera: pyvirtualcam {missing}: run pip install 'livestyle[virtualcam]'") from error
    module: ModuleType = pyvirtualcam
    return module


def driver_advice() -> str:
    """What the system needs to have a virtual camera."""
    if sys.platform == "linux":
        return "apt install v4l2loopback-dkms, then: sudo modprobe v4l2loopback exclusive_caps=1 card_label=livestyle"
    return "install OBS Studio, start its virtual camera once and close OBS"


def open_camera(size: tuple[int, int]) -> Any:
    """A pyvirtualcam.Camera of (width, height) pixels. Raises OutputError."""
    module = load_module()
    try:
        return module.Camera(width=size[0], height=size[1], fps=FPS_HINT)
    except (RuntimeError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise OutputError(f"virtual camera: none can be opened ({reason}): {driver_advice()}") from error


def find_camera() -> str:
    """The name of the virtual camera that would be used. Raises OutputError when there is none."""
    camera = open_camera(PROBE_SIZE)
    name = str(camera.device)
    camera.close()
    return name


class VirtualCamera:
    """An `Output` of a BackgroundSink."""

    def __init__(self, first: Frame) -> None:
        """Raises OutputError."""
        self._size = even_size(first.rgb)
        self._camera = open_camera(self._size)

    def write(self, frame: Frame) -> None:
        """Show a frame there. Raises what the driver raises."""
        self._camera.send(fitted(frame.rgb, self._size))

    def close(self) -> str:
        """Let go of the device."""
        self._camera.close()
        return ""
