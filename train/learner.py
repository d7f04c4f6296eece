"""A network in training: its weights, its optimizer and its running average, which is what ships."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from train import checkpoint


class Learner:
    """What a checkpoint holds."""

    def __init__(self, model: nn.Module, *, lr: float, ema: float, clip: float) -> None:
        """ema: decay of the averaged weights, 0 for none. clip: largest gradient norm, 0 for any."""
        self.model, self.lr, self.ema, self.clip = model, lr, ema, clip
        self.optimizer = self._fresh_optimizer()
        self.average = {k: v.detach().clone() for k, v in model.state_dict().items()}

    def _fresh_optimizer(self) -> torch.optim.Adam:
        return torch.optim.Adam(self.model.parameters(), lr=self.lr)

    def forget_gradients(self) -> None:
        """Start Adam afresh.

        The style loss has gradients far larger than the warm-up's. Divided by the warm-up's second
        moments its first steps are so large that the picture dies.
        """
        self.optimizer = self._fresh_optimizer()

    def update(self, loss: Tensor, step: int, lr: float) -> None:
        """One step of Adam, then of the average."""
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimizer.step()
        # A young average forgets faster, so that it never drags the first steps along.
        decay = min(self.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            current = self.model.state_dict()
            torch._foreach_lerp_(list(self.average.values()), [current[k] for k in self.average], 1 - decay)

    def state(self, step: int, flags: Any) -> checkpoint.State:
        """Everything that the steps after `step` depend on. flags: the run's dataclass.

        Raises FloatingPointError rather than give back weights that are not finite.
        """
        if not all(bool(v.isfinite().all()) for v in self.model.state_dict().values()):
            raise FloatingPointError(f"step {step}: weights are not finite: lower --lr, then --resume auto")
        return {
            "step": step,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "flags": json.dumps(asdict(flags), default=str),
        }

    def restore(self, state: checkpoint.State) -> int:
        """Go back to a state; returns its step. Raises ValueError when it is another network's."""
        try:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (KeyError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:160]
            raise ValueError(f"the checkpoint does not fit (another --encoder or version?): {reason}") from None
        for k, v in state["average"].items():
            self.average[k].copy_(v)
        torch.set_rng_state(state["random"])
        if torch.cuda.is_available() and len(state["random_cuda"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(state["random_cuda"])
        return int(state["step"])

    def shipped(self) -> dict[str, Tensor]:
        """The weights as they would be shipped now."""
        return self.average if self.ema else self.model.state_dict()
