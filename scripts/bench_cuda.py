"""Is the CUDA engine right, and how fast is it: against plain PyTorch, for both models.

    python -m scripts.bench_cuda [--sizes 512x512,1920x1080] [--batches 1,2,4,8] [--runs 50] [--profile 1920x1080]

It needs torch, numpy, opencv and safetensors, and no installed livestyle. Engines take turns. Each line
says: the whole path, uint8 frame in and painting out (p50, p95); the network alone; its share of the fastest
matrix product here; how far the painting is from the reference, which is plain float32 without TF32: the root
of the mean square of the differences over that of the reference's pixels, and the mean difference in levels of 255.
Then, in half precision: paintings a second of frames of a file, with three batches of so many frames under way
(the median of ROUNDS runs, in turns), and which batch `livestyle.engine.batches` takes for that size.
"""

from __future__ import annotations

import argparse
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import cv2
import numpy as np
import torch

from livestyle.assets import asset_dir
from livestyle.bench.roofline import network_gflop
from livestyle.engine.batches import Ticket, batch_size
from livestyle.engine.cuda import CudaEngine
from livestyle.engine.eager import EagerEngine, StyleCode
from livestyle.engine.gpu import Gpu
from livestyle.frame import Picture
from livestyle.looks.style import StyleStats, load_style
from livestyle.meters import percentiles_ms
from livestyle.model.weights import ModelName, models_in

Size = tuple[int, int]

WARM_UPS = 3
ROUNDS = 3

MOST_PX = 20_000_000
"""Of all pictures of a batch that is timed; larger ones may not fit into the memory of a GPU."""


def main(arguments: Sequence[str] | None = None, gpu: Gpu | None = None) -> None:
    """gpu: another device than the current one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"), help="cpu: a dry run")
    parser.add_argument("--models", default=",".join(models_in()))
    parser.add_argument("--sizes", default="512x512,640x360,1280x720,1920x1080,3840x2160")
    parser.add_argument("--batches", default="1,2,4,8", help="frames of a file that are painted at once")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--profile", help="also print the kernels of plain float16 at this size")
    options = parser.parse_args(arguments)
    print(f"torch {torch.__version__}, {torch.cuda.get_device_name() if options.device == 'cuda' else 'CPU'}")
    peaks = {name: peak_tflops(options.device, dtype) for name, dtype in _dtypes(options.device).items()}
    print("fastest matrix product, TFLOP/s:", ", ".join(f"{name} {tflops:.1f}" for name, tflops in peaks.items()))
    stats = load_style(sorted(asset_dir("bank").glob("*.safetensors"))[0])[1]
    for model in options.models.split(","):
        engines = engines_for(model, options.device, gpu)
        batches = batch_engines(model, options.device, gpu, [int(n) for n in options.batches.split(",")])
        for size in map(size_of, options.sizes.split(",")):
            rgb = photograph(size)
            print(f"\n{model} {size[0]}x{size[1]}, {network_gflop(model, None, *size):.1f} GFLOP a frame")
            for line in lines(engines, rgb, stats, peaks, options.runs):
                print(line, flush=True)
            if batches:
                print(batches_line(batches, rgb, stats, options.runs), flush=True)
        if options.profile:
            print(kernels(engines[1], photograph(size_of(options.profile)), stats))


def engines_for(model: ModelName, device: str, gpu: Gpu | None = None) -> list[EagerEngine]:
    """Plain float32 first, plain half precision second, then the CUDA engine where there is a GPU."""
    plain = [EagerEngine(device, model=model, half=half, reason="a benchmark") for half in (False, True)]
    if device == "cpu" and gpu is None:
        return plain
    return [*plain, *(CudaEngine(model=model, half=half, reason="a benchmark", gpu=gpu) for half in (False, True))]


def batch_engines(model: ModelName, device: str, gpu: Gpu | None, sizes: Sequence[int]) -> dict[int, CudaEngine]:
    """CUDA engines in half precision that paint so many frames of a file at once; none without a GPU."""
    if device == "cpu" and gpu is None:
        return {}
    return {n: CudaEngine(model=model, half=True, reason="a benchmark", gpu=gpu, batch=n) for n in sizes}


def lines(
    engines: Sequence[EagerEngine], rgb: Picture, stats: StyleStats, peaks: dict[str, float], runs: int
) -> Iterator[str]:
    """The table for one model and one size."""
    codes = [engine.style_code(stats) for engine in engines]
    with without_tf32():
        reference = engines[0].stylize(rgb, codes[0], 1.0).astype(np.float64)
    times_ms = in_turns_ms([partial(e.stylize, rgb, c, 1.0) for e, c in zip(engines, codes, strict=True)], runs)
    gflop = network_gflop(engines[0].model, None, rgb.shape[1], rgb.shape[0])
    yield (
        f"{'engine':<11}{'precision':<10}{'p50 ms':>9}{'p95 ms':>9}{'network ms':>12}{'of peak':>9}"
        f"{'rms off':>10}{'levels off':>12}"
    )
    for engine, code, values in zip(engines, codes, times_ms, strict=True):
        p50, p95 = percentiles_ms(values)
        off = engine.stylize(rgb, code, 1.0) - reference
        alone_ms = network_ms(engine, rgb, code, runs)
        share = gflop / alone_ms / peaks[engine.precision]
        relative = np.sqrt(np.square(off).mean() / np.square(reference).mean())
        yield (
            f"{engine.name:<11}{engine.precision:<10}{p50:>9.2f}{p95:>9.2f}{alone_ms:>12.2f}{share:>9.1%}"
            f"{relative:>10.4f}{np.abs(off).mean():>12.2f}"
        )


def in_turns_ms(jobs: Sequence[Callable[[], object]], runs: int) -> list[list[float]]:
    """Milliseconds of each job's runs; the jobs take turns."""
    times_ms: list[list[float]] = [[] for _ in jobs]
    for i in range(WARM_UPS + runs):
        for job, times in zip(jobs, times_ms, strict=True):
            start = time.perf_counter()
            job()
            if i >= WARM_UPS:
                times.append((time.perf_counter() - start) * 1000)
    return times_ms


def batches_line(engines: dict[int, CudaEngine], rgb: Picture, stats: StyleStats, runs: int) -> str:
    """How many paintings a second there are of a file's frames, by the size of the batch."""
    found: dict[int, list[float]] = {n: [] for n in engines if n == 1 or n * rgb.size // 3 <= MOST_PX}
    for _ in range(ROUNDS):
        for n, fps in found.items():
            fps.append(piped_fps(engines[n], rgb, engines[n].style_code(stats), n * runs))
    rates = ", ".join(f"{n}: {np.median(fps):.1f}" for n, fps in found.items())
    return f"paintings a second in batches of {rates}; taken: {batch_size(*rgb.shape[:2])}"


def piped_fps(engine: CudaEngine, rgb: Picture, code: StyleCode, frames: int) -> float:
    """Paintings a second with as many frames under way as the engine takes."""
    engine.result(engine.submit(rgb, code, 1.0))
    start = time.perf_counter()
    tickets: deque[Ticket] = deque()
    for _ in range(frames):
        if len(tickets) == engine.in_flight:
            engine.result(tickets.popleft())
        tickets.append(engine.submit(rgb, code, 1.0))
    for ticket in tickets:
        engine.result(ticket)
    return frames / (time.perf_counter() - start)


def network_ms(engine: EagerEngine, rgb: Picture, code: StyleCode, runs: int) -> float:
    """Milliseconds of the network alone, a mean over runs without a wait between them."""
    repeat(engine, rgb, code, WARM_UPS)
    start = time.perf_counter()
    repeat(engine, rgb, code, runs)
    return (time.perf_counter() - start) * 1000 / runs


@torch.inference_mode()
def repeat(engine: EagerEngine, rgb: Picture, code: StyleCode, runs: int) -> None:
    """Run the network on a frame that is on the device, and wait at the end."""
    if isinstance(engine, CudaEngine):
        with torch.inference_mode(False), torch.no_grad():
            graph = engine._graph(*rgb.shape[:2], 1)
            for _ in range(runs):
                event = engine._gpu.put("paint", graph.replay)
            return engine._gpu.wait(event)
    frame = engine._to_device(rgb)
    for _ in range(runs):
        painting = engine._painter(frame, code.mean, code.std, code.kernels, 1.0)
    painting[0, 0, 0].cpu()


def kernels(engine: EagerEngine, rgb: Picture, stats: StyleStats) -> str:
    """Where the time of the network goes."""
    code = engine.style_code(stats)
    repeat(engine, rgb, code, WARM_UPS)
    with torch.profiler.profile() as profile:
        repeat(engine, rgb, code, 1)
    by = "self_device_time_total" if engine._device.type == "cuda" else "self_cpu_time_total"
    table: str = profile.key_averages().table(sort_by=by, row_limit=15, max_name_column_width=70)
    return table


def _dtypes(device: str) -> dict[str, torch.dtype]:
    half = torch.float16 if device == "cuda" else torch.bfloat16
    return {str(dtype).removeprefix("torch."): dtype for dtype in (torch.float32, half)}


def peak_tflops(device: str, dtype: torch.dtype) -> float:
    """Of a large square matrix product; float32 with TF32, as convolutions have it."""
    side, runs = (8192, 20) if device == "cuda" else (512, 2)
    a = torch.rand(side, side, device=device).to(dtype)
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = True
    (a @ a)[0, 0].item()
    start = time.perf_counter()
    for _ in range(runs):
        product = a @ a
    product[0, 0].item()
    torch.backends.cuda.matmul.allow_tf32 = before
    return 2 * side**3 * runs / (time.perf_counter() - start) / 1e12


@contextmanager
def without_tf32() -> Iterator[None]:
    """Convolutions in full float32."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def size_of(text: str) -> Size:
    """(width, height) of "1920x1080"."""
    width, height = text.split("x")
    return int(width), int(height)


def photograph(size: Size) -> Picture:
    """The demo photograph at a size: HxWx3 uint8 RGB."""
    bgr = np.asarray(cv2.imread(str(asset_dir("media") / "astronaut.jpg")), dtype=np.uint8)
    return cv2.resize(bgr, size, interpolation=cv2.INTER_CUBIC)[..., ::-1].astype(np.uint8)


if __name__ == "__main__":
    main()
