"""Checkpoints that survive a crash: written beside, renamed when whole, newest good one wins."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

State = dict[str, Any]

# What reading damaged bytes raises, in zipfile and in torch.load.
_DAMAGED = (RuntimeError, OSError, EOFError, ValueError, LookupError, pickle.UnpicklingError, zipfile.BadZipFile)


def save(folder: Path, step: int, state: State, *, keep: int = 2) -> Path:
    """Write `state` as the checkpoint of `step` atomically; of those up to it keep the newest `keep`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{step:07d}.pt"
    part = path.with_suffix(".part")
    with open(part, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    for old in [p for p in sorted(folder.glob("step-*.pt")) if p <= path][:-keep]:
        old.unlink()
    return path


def load_latest(folder: Path) -> State | None:
    """The newest checkpoint that can be read, or None. A damaged one is named and passed over."""
    for path in sorted(folder.glob("step-*.pt"), reverse=True):
        try:
            return _load(path)
        except _DAMAGED as error:
            reason = " ".join(str(error).split())[:200]
            print(f"damaged checkpoint {path} passed over ({reason}); trying the one before", flush=True)
    return None


def load_for(folder: Path, resume: str) -> State | None:
    """What --resume asks for: "" nothing, "auto" the newest good checkpoint in the folder, else that file.

    Raises FileExistsError when nothing is asked for and the folder holds another run's
    checkpoints, ValueError when the named file is no whole checkpoint.
    """
    if resume == "auto":
        return load_latest(folder)
    if resume:
        try:
            return _load(Path(resume))
        except _DAMAGED as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"--resume {resume} is no whole checkpoint ({reason}): try --resume auto") from None
    if any(folder.glob("step-*.pt")):
        raise FileExistsError(f"{folder} holds a run's checkpoints: add --resume auto, or give another --out")
    return None


def _load(path: Path) -> State:
    with zipfile.ZipFile(path) as archive:  # torch.load does not look at the checksums
        if damaged := archive.testzip():
            raise zipfile.BadZipFile(f"wrong checksum of {damaged}")
    state: State = torch.load(path, map_location="cpu", weights_only=True)
    return state
