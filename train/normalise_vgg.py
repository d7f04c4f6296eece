"""Make livestyle's encoder weights from Oxford's VGG-16 convolutions.

    python -m train.normalise_vgg --vgg vgg16_relu4_1.safetensors \\
        --pictures 'content-*.tar' --out weights/vgg16.safetensors

Folds the pre-processing (255 x minus the ImageNet mean) into conv1_1, scales every channel to a
mean activation of 1 over photographs (Gatys et al. 2016), and stores half precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from livestyle.model.vgg import VGGEncoder, fold_preprocessing, normalise_activations
from train.data import evenly, index_pictures
from train.runtime import flag, parse_flags

CAFFE_MEAN = (123.68, 116.779, 103.939)


@dataclass(frozen=True)
class Flags:
    """Normalise VGG-16 for AdaIN."""

    vgg: Path = flag("safetensors with convB_C.weight/bias, input RGB * 255 - mean")
    pictures: tuple[str, ...] = flag("photographs: folders, tar shards or globs")
    out: Path = flag("the encoder weights to write")
    count: int = flag("how many photographs, a fixed stride apart", 96)
    shortest_side: int = flag("photographs are resized to this shorter side, in pixels", 256)


def main(argv: list[str] | None = None) -> None:
    """Read, fold, normalise, save; prints the mean activations found in the saved weights."""
    flags = parse_flags(Flags, argv)
    entries = index_pictures(list(flags.pictures))
    pictures = [picture[None] for picture in evenly(entries, flags.count, flags.shortest_side)]
    encoder = VGGEncoder("vgg16").eval()
    raw = load_file(flags.vgg)
    encoder.load_state_dict(fold_preprocessing(raw, scale=torch.full((3,), 255.0), shift=torch.tensor(CAFFE_MEAN)))
    normalise_activations(encoder, pictures)
    encoder.half()
    flags.out.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in encoder.state_dict().items()}, flags.out)
    encoder.float()
    with torch.no_grad():
        taps = [encoder(p) for p in pictures[:16]]
    means = [torch.stack([t[i].mean() for t in taps]).mean().item() for i in range(4)]
    print(f"{flags.out}: mean activation of the taps " + ", ".join(f"{m:.3f}" for m in means))


if __name__ == "__main__":
    main()
