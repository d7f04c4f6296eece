"""What precision a device computes in at full speed."""

from __future__ import annotations

import torch


def has_bf16(device: torch.device) -> bool:
    """Whether the hardware multiplies in bfloat16; without, PyTorch emulates it, many times slower."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
