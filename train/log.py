"""What a run tells: a line now and then, the same as JSON lines, and TensorBoard's scalars and images."""

from __future__ import annotations

import importlib.util
import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


def open_tensorboard(folder: Path, start: int) -> SummaryWriter | None:
    """TensorBoard's writer into a folder, None where tensorboard is not installed (said once)."""
    if importlib.util.find_spec("tensorboard") is None:
        print("no TensorBoard files, log.jsonl only: for them `pip install tensorboard`", flush=True)
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(folder, purge_step=start)


def memory_gb(device: torch.device) -> float:
    """The most device memory that was in use; on the CPU this process's memory now."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    import psutil

    return float(psutil.Process().memory_info().rss) / 1e9


class RunLog:
    """Prints and writes, every `every` steps, what the losses are and how fast it goes."""

    def __init__(
        self, folder: Path, *, every: int, steps: int, batch: int, start: int, device: torch.device, tensorboard: bool
    ) -> None:
        """batch: pictures a step over all processes."""
        self.path = folder / "log.jsonl"
        self.every, self.steps, self.batch, self.device = every, steps, batch, device
        self.logged, self.clock = start, time.monotonic()
        self.writer = open_tensorboard(folder / "tensorboard", start) if tensorboard else None

    def step(self, done: int, lr: float, losses: Mapping[str, Tensor], *, broken: int = 0) -> None:
        """Take note of step number `done` (from 1). Raises FloatingPointError on a loss that is not finite."""
        if done % self.every:
            return  # reading a loss waits for the device
        values = {name: round(loss.item(), 5) for name, loss in losses.items()}
        if not all(math.isfinite(v) for v in values.values()):
            raise FloatingPointError(f"step {done}: {values}: lower --lr, then --resume from the last checkpoint")
        rate = (done - self.logged) / (time.monotonic() - self.clock)
        self.logged, self.clock = done, time.monotonic()
        row = {"step": done, "lr": lr, "it_per_s": round(rate, 3)} | values | ({"broken": broken} if broken else {})
        self._write(row)
        self.scalars("train", {k: v for k, v in row.items() if k != "step"}, done)
        terms = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        print(
            f"step {done}/{self.steps}  {terms}  lr {lr:.2e}  {rate:.2f} it/s  {rate * self.batch:.1f} images/s  "
            f"{_duration((self.steps - done) / rate)} left  {memory_gb(self.device):.1f} GB"
            + (f"  {broken} broken" if broken else ""),
            flush=True,
        )

    def validation(self, done: int, values: Mapping[str, float], sheet: Any) -> None:
        """Take note of figures on the sample pairs and their sheet, HxWx3 uint8."""
        rounded = {name: round(value, 5) for name, value in values.items()}
        self._write({"step": done, "validation": rounded})
        self.scalars("validation", rounded, done)
        if self.writer:
            self.writer.add_image("paintings", sheet, done, dataformats="HWC")
        print(f"step {done}  on the sample pairs: " + "  ".join(f"{k} {v:.4g}" for k, v in rounded.items()), flush=True)

    def scalars(self, group: str, values: Mapping[str, float], done: int) -> None:
        """TensorBoard's scalars of a step."""
        if self.writer:
            for name, value in values.items():
                self.writer.add_scalar(f"{group}/{name}", value, done)

    def close(self) -> None:
        """Write out what TensorBoard's writer still holds."""
        if self.writer:
            self.writer.close()

    def _write(self, row: Mapping[str, Any]) -> None:
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
