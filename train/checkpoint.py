"""Checkpoints that survive a crash: written beside, renamed when whole, newest good one wins."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

State = dict[str, Any]


def save(folder: Path, step: int, state: State, *, keep: int = 2) -> Path:
    """Write `state` as the checkpoint of `step` atomically; keep the newest `keep` ones."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{step:07d}.pt"
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)
    for old in sorted(folder.glob("step-*.pt"))[:-keep]:
        old.unlink()
    return path


def load_latest(folder: Path) -> State | None:
    """The newest checkpoint that can be read, or None. A damaged one is named and passed over."""
    for path in sorted(folder.glob("step-*.pt"), reverse=True):
        try:
            state: State = torch.load(path, map_location="cpu", weights_only=True)
            return state
        except (RuntimeError, EOFError, OSError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
            print(f"damaged checkpoint {path} passed over ({error}); trying the one before", flush=True)
    return None
