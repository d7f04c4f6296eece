"""What is here, what is missing, and what to do about it. Every check is safe to run anywhere."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from livestyle import __version__
from livestyle.errors import LivestyleError

PACKAGES = ("torch", "openvino", "opencv-python", "av", "numpy", "pillow", "safetensors", "typer", "platformdirs")


@dataclass(frozen=True)
class Check:
    """One finding. advice: what to do when not ok (or when it could be better)."""

    name: str
    ok: bool
    found: str
    advice: str = ""


def run_checks() -> list[Check]:
    """All checks, in the order a person would ask."""
    checks = [Check("livestyle", True, f"{__version__}, Python {platform.python_version()}, {platform.platform()}")]
    for check in (_packages, _gpu, _openvino, _weights, _bank, _codecs, _display, _cameras, _virtual_camera, _disk):
        checks.append(_safely(check))
    return checks


def _safely(check: Callable[[], Check]) -> Check:
    """A check that breaks is a finding, not a crash."""
    try:
        return check()
    except Exception as error:
        name = check.__name__.strip("_")
        advice = "" if isinstance(error, LivestyleError) else "reinstall livestyle; if it stays, report this line"
        return Check(name, False, f"{type(error).__name__}: {error}", advice)


def _packages() -> Check:
    versions, missing = [], []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    advice = f"pip install {' '.join(missing)}" if missing else ""
    return Check("packages", not missing, ", ".join(versions), advice)


def _gpu() -> Check:
    import torch

    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        return Check("gpu", True, f"{torch.cuda.get_device_name()}, {memory:.0f} GiB, CUDA {torch.version.cuda}")
    if torch.backends.mps.is_available():
        return Check("gpu", True, "Apple GPU (MPS)")
    advice = "the CPU works, at small sizes; for an NVIDIA GPU install its driver and a CUDA build of torch"
    return Check("gpu", True, f"none; CPU with {torch.get_num_threads()} threads", advice)


def _openvino() -> Check:
    from livestyle.engine.openvino import shared_core

    core = shared_core()
    names = [f"{device} ({core.get_property(device, 'FULL_DEVICE_NAME')})" for device in core.available_devices]
    return Check("openvino", True, ", ".join(names), "for another than CPU: --device openvino:NAME")


def _weights() -> Check:
    from livestyle.model.weights import manifest, read_verified

    entries = manifest()
    for entry in entries.values():
        read_verified(entry)
    found = ", ".join(f"{name} ({e.file.name}, {e.arch})" for name, e in entries.items()) + ", sha256 right"
    own, damaged = _own_weights()
    return Check("weights", True, found + (f"; yours: {', '.join(own)}" if own else ""), "; ".join(damaged))


def _own_weights() -> tuple[list[str], list[str]]:
    """The person's own weights that are whole, and what is wrong with the others."""
    from livestyle.model.weights import read_verified
    from livestyle.model.weights_store import own_names, read_set

    whole, damaged = [], []
    for name in own_names():
        try:
            found = read_set(name)
            read_verified(found.encoder)
            read_verified(found.decoder)
            whole.append(name)
        except LivestyleError as error:
            damaged.append(str(error))
    return whole, damaged


def _bank() -> Check:
    from livestyle.looks.bank import Bank

    bank = Bank()
    entries = [bank.entry(name) for name in bank.names]
    own = sum(not e.builtin for e in entries)
    found = f"{len(entries) - own} built in, {own} of your own in {bank.user_dir}"
    return Check("styles", bool(entries) and not bank.damaged, found, "; ".join(str(e) for e in bank.damaged))


def _codecs() -> Check:
    import av.codec

    wanted = ("libx264", "libx265", "libvpx-vp9", "libsvtav1", "h264_nvenc", "aac", "libopus")
    there = [name for name in wanted if name in av.codec.codecs_available]
    ok = "libx264" in there
    return Check(
        "codecs", ok, ", ".join(there), "" if ok else "pip install --force-reinstall av (its wheels carry libx264)"
    )


def _display() -> Check:
    from livestyle.sinks.window import display_problem

    problem = display_problem()
    return Check(
        "display",
        not problem,
        problem or "a window can be opened",
        "log in to a desktop, or use `demo`, `video`, `image`" if problem else "",
    )


def _cameras() -> Check:
    from livestyle.sources.devices import list_cameras

    cameras = list_cameras()
    usable = [f"{c.index}: {c.name}" for c in cameras if c.usable]
    advice = "" if usable else "plug one in (Linux: be in group video), or give `live` a URL or a video file"
    return Check("camera", bool(usable), ", ".join(usable) or "none usable", advice)


def _virtual_camera() -> Check:
    from livestyle.sinks.virtual_camera import find_camera

    try:
        return Check("virtual camera", True, find_camera())
    except LivestyleError as error:
        return Check("virtual camera", False, "none; only `live --virtual-camera` needs one", str(error))


def _disk() -> Check:
    free_gib = shutil.disk_usage(Path.cwd()).free / 2**30
    return Check(
        "disk", free_gib > 1, f"{free_gib:.1f} GiB free in {Path.cwd()}", "free some space" if free_gib <= 1 else ""
    )


def text(checks: list[Check]) -> str:
    """The findings, one or two lines each."""
    lines = []
    for check in checks:
        lines.append(f"{'ok  ' if check.ok else '--  '} {check.name:<10} {check.found}")
        if check.advice:
            lines.append(f"{'':16}-> {check.advice}")
    return "\n".join(lines)


def exit_code(checks: list[Check]) -> int:
    """0, or 2 when something that every command needs is broken."""
    essential = {"livestyle", "packages", "weights", "styles"}
    return 2 if any(not c.ok and c.name in essential for c in checks) else 0
