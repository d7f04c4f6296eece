"""The figures of an evaluation against plain restatements in numpy and torch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from livestyle.errors import SourceError
from livestyle.frame import Picture
from livestyle.model.losses import tap_stats
from livestyle.model.vgg import VGGEncoder, normalise_activations
from livestyle.model.weights import WeightsEntry
from train.metrics import Judge, content_distance, ssim, style_distance, warping_error

pytest.importorskip("skimage")


def random_features(seed: int, channels: int = 7) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return seed + (1 + seed) * torch.randn(1, channels, 6, 5, generator=generator)


def textured(height: int, width: int, seed: int = 0) -> Picture:
    """Soft blobs of all sizes: something that optical flow can hold on to."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32)
    layers = [cv2.GaussianBlur(noise, (0, 0), sigma) * sigma for sigma in (2.0, 5.0, 12.0)]
    return np.clip(128 + 60 * sum(layers), 0, 255).astype(np.uint8)


def panned(frames: int, step_px: int = 2) -> list[Picture]:
    """A camera that moves over a picture to the right."""
    scene = textured(360, 480 + frames * step_px)
    return [np.ascontiguousarray(scene[:, i * step_px :][:, :480]) for i in range(frames)]


def test_content_is_the_distance_of_normalised_features() -> None:
    a, b = random_features(1), random_features(2)

    def normalised(x: Tensor) -> np.ndarray:
        v = x.double().numpy()
        return (v - v.mean((2, 3), keepdims=True)) / np.sqrt(v.var((2, 3), keepdims=True) + 1e-5)

    expected = np.mean((normalised(a) - normalised(b)) ** 2)
    assert content_distance(a, b) == pytest.approx(expected, rel=1e-4)
    assert content_distance(a, a) == 0


def test_content_does_not_see_what_adain_changes() -> None:
    a = random_features(1)
    gain, offset = torch.rand(1, 7, 1, 1) + 0.5, torch.randn(1, 7, 1, 1)
    assert content_distance(a * gain + offset, a) == pytest.approx(0, abs=1e-6)


def test_style_is_the_distance_of_means_and_stds_over_the_taps() -> None:  # eq. 13
    output, style = ([random_features(seed + i, 3 + i) for i in range(4)] for seed in (0, 5))
    expected = 0.0
    for a, b in zip(output, style, strict=True):
        u, v = a.double().numpy(), b.double().numpy()
        expected += np.mean((u.mean((2, 3)) - v.mean((2, 3))) ** 2)
        stds = [np.sqrt(x.var((2, 3)) + 1e-5) for x in (u, v)]
        expected += np.mean((stds[0] - stds[1]) ** 2)
    assert style_distance(output, tap_stats(style)) == pytest.approx(expected, rel=1e-4)
    assert style_distance(style, tap_stats(style)) == 0


def plain_ssim(a: Picture, b: Picture) -> float:
    """Wang et al. 2004 with a window built by hand, valid region only."""
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)
    x, y = ((torch.from_numpy(p).double() / 255 @ weights)[None, None] for p in (a, b))
    g = torch.exp(-((torch.arange(11, dtype=torch.float64) - 5) ** 2) / (2 * 1.5**2))
    window = torch.outer(g, g)[None, None] / g.sum() ** 2
    mx, my = F.conv2d(x, window), F.conv2d(y, window)
    vx, vy = F.conv2d(x * x, window) - mx**2, F.conv2d(y * y, window) - my**2
    cov = F.conv2d(x * y, window) - mx * my
    c1, c2 = 0.01**2, 0.03**2
    return (((2 * mx * my + c1) * (2 * cov + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean().item()


def test_ssim_is_the_plain_formula() -> None:
    a = textured(40, 53)
    b = np.clip(a.astype(int) + np.random.default_rng(1).integers(-40, 40, a.shape), 0, 255).astype(np.uint8)
    assert ssim(a, b) == pytest.approx(plain_ssim(a, b), abs=1e-9)
    assert 0.1 < ssim(a, b) < 0.9
    assert ssim(a, a) == pytest.approx(1, abs=1e-12)
    assert ssim(a, textured(40, 53, seed=9)) < 0.5


def test_a_panned_clip_does_not_change_along_its_motion() -> None:
    clip = panned(4)
    error = warping_error(clip, clip)
    assert error.frames == 4
    assert error.output == error.input < 0.005
    standing = np.abs(clip[1].astype(float) - clip[0]).mean() / 255
    assert error.input < standing / 5


def test_noise_raises_the_outputs_error_alone() -> None:
    clip = panned(4)
    rng = np.random.default_rng(0)
    noisy = [np.clip(f + rng.normal(0, 12, f.shape), 0, 255).astype(np.uint8) for f in clip]
    plain, error = warping_error(clip, clip), warping_error(clip, noisy)
    assert error.input == plain.input
    assert error.output > plain.output + 0.02


def test_flicker_is_measured_as_a_fraction_of_white() -> None:
    clip = panned(3)
    flickering = [np.full((100, 60, 3), level, np.uint8) for level in (100, 151, 100)]  # of another size
    assert warping_error(clip, flickering).output == pytest.approx(0.2, abs=1e-6)


def test_warping_error_against_a_slow_restatement() -> None:
    clip = panned(2)
    painted = [textured(360, 480, seed) for seed in (3, 4)]
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    old, new = (cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in clip)
    back, forth = dis.calc(new, old, None), dis.calc(old, new, None)
    differences = []
    for y in range(0, 360, 7):
        for x in range(0, 480, 7):
            u, v = x + back[y, x, 0], y + back[y, x, 1]
            if not (0 < u < 479 and 0 < v < 359):
                continue
            at = np.array([[u]], np.float32), np.array([[v]], np.float32)
            returned = back[y, x] + cv2.remap(forth, *at, cv2.INTER_LINEAR)[0, 0]
            if np.abs(returned).sum() < 1:
                moved = cv2.remap(painted[0], *at, cv2.INTER_LINEAR)[0, 0].astype(float)
                differences.append(np.abs(painted[1][y, x] - moved).mean() / 255)
    assert len(differences) > 1000
    assert warping_error(clip, painted).output == pytest.approx(np.mean(differences), rel=0.05)


def test_the_shorter_clip_ends_the_comparison() -> None:
    clip = panned(3)
    assert warping_error(clip, clip[:2]).frames == 2
    with pytest.raises(SourceError, match="1 frames"):
        warping_error(clip, clip[:1])
    with pytest.raises(SourceError):
        warping_error([], [])


def test_frames_are_taken_one_at_a_time() -> None:
    alive = 0

    def endless() -> Iterator[Picture]:
        nonlocal alive
        for frame in panned(3):
            alive += 1
            yield frame

    assert warping_error(panned(2), endless()).frames == 2
    assert alive == 2


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """A random normalised encoder."""
    torch.manual_seed(0)
    encoder = normalise_activations(VGGEncoder(), [torch.rand(1, 3, 32, 32)])
    file = tmp_path_factory.mktemp("judge") / "encoder.safetensors"
    save_file(encoder.state_dict(), file)
    return Judge(WeightsEntry(file, "vgg16", hashlib.sha256(file.read_bytes()).hexdigest(), "", "", ""), CPU)


CPU = torch.device("cpu")


def test_a_photograph_is_its_own_best_painting(judge: Judge, tmp_path: Path) -> None:
    photograph, other = textured(48, 64), textured(48, 64, seed=1)
    taps = judge.taps(photograph)
    own = judge.scores(photograph, photograph, taps[3], tap_stats(taps))
    assert own == (0, 0, pytest.approx(1))
    another = judge.scores(other, photograph, taps[3], tap_stats(taps))
    assert another.content > 0.1 and another.style > 0 and another.ssim < 0.9


def test_a_painting_of_another_size_is_brought_to_the_photographs(judge: Judge) -> None:
    photograph = textured(48, 64)
    large = cv2.resize(photograph, (128, 96), interpolation=cv2.INTER_CUBIC)
    taps = judge.taps(photograph)
    scores = judge.scores(large, photograph, taps[3], tap_stats(taps))
    assert scores.ssim > 0.98 and scores.content < 0.1
