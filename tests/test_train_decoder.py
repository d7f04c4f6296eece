"""The decoder's training, in small: it learns, it writes what livestyle takes, it starts from given weights."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from livestyle.model.decoder import Decoder
from livestyle.model.weights import load_into, network_entries
from tests.training import CPU, arguments, log_of, pack, smooth_pictures, tiny_flags
from train import checkpoint, loop
from train.crops import Share
from train.decoder import DecoderRecipe, Flags, initialised, train
from train.distributed import Team
from train.feed import as_pictures
from train.loop import learning_rate, loss_weights, open_both, wants_bf16
from train.runtime import parse_flags, run

Refused = Callable[[Flags], str]


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> Flags:
    return tiny_flags(tmp_path_factory.mktemp("training"))


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run from the command line; returns the one line of the error."""

    def call(flags: Flags) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            run(train, parse_flags(Flags, arguments(replace(flags, out=tmp_path / "refused"))))
        assert stop.value.code == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ") and error.count("\n") == 1
        return error

    return call


def test_loss_falls_and_everything_is_written(flags: Flags, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On one photograph and one artwork, each its own mirror image: all samples are the same, and losses comparable."""
    for kind, (folder,) in (("content", flags.content), ("style", flags.style)):
        with Image.open(f"{folder}/1.png") as picture:
            half = picture.resize((8, 16))
        whole = np.concatenate([half, half.transpose(Image.Transpose.FLIP_LEFT_RIGHT)], axis=1)
        Image.fromarray(whole).save(tmp_path / f"{kind}.png")
    flags = replace(
        flags, out=tmp_path / "run", content=(f"{tmp_path}/content.png",), style=(f"{tmp_path}/style.png",),
        val_content=flags.content, val_style=flags.style, steps=40, warmup=12, warmup_apart=6, warmup_lr=1e-3,
        lr=1e-4, checkpoint_every=20, ema=0.9, crop=16, scale_max=1.0, style_scale_max=1.0, tensorboard=True,
    )  # fmt: skip
    train(flags)
    said = capsys.readouterr().out
    assert said.startswith("step 0 of 40, cpu x 1, float32, batch 2 of 16 px\n") and "step 40/40 " in said
    rows = log_of(flags.out)
    rows, validation = [r for r in rows if "lr" in r], [r for r in rows if "validation" in r]
    assert [row["step"] for row in rows] == list(range(1, 41)) and [row["step"] for row in validation] == [20, 40]
    warm, paint = rows[:12], rows[12:]
    assert set(warm[0]) & set(paint[0]) == {"step", "lr"}
    assert max(r["picture"] for r in warm[-3:]) < 0.4 * warm[0]["picture"]  # to 0.2
    total = [r["content"] + 10 * r["style"] for r in paint]
    assert max(total[-4:]) < 0.96 * total[0]  # to 0.94
    assert {p.name for p in flags.out.iterdir()} == {
        "step-0000020.pt", "step-0000040.pt", "samples-0000020.png", "samples-0000040.png",
        "weights", "tensorboard", "flags.json", "log.jsonl",
    }  # fmt: skip
    with Image.open(flags.out / "samples-0000040.png") as sheet:
        assert sheet.size == (16 * (1 + 3), 16 * (1 + 4))  # three artworks, the first four photographs
    assert json.loads((flags.out / "flags.json").read_text(encoding="utf-8"))["steps"] == 40

    state = checkpoint.load_latest(flags.out)
    assert state is not None and state["step"] == 40
    encoder, shipped = network_entries(flags.out / "weights")
    assert encoder.file.read_bytes() == flags.encoder_weights.read_bytes()
    network = Decoder("vgg16")
    load_into(network, shipped)
    weights = network.state_dict()
    assert all(torch.equal(weights[k], v.half().float()) for k, v in state["average"].items())
    assert any(not torch.equal(weights[k], v.half().float()) for k, v in state["model"].items())
    assert shlex.split(shipped.command)[:3] == ["python", "-m", "train.decoder"]
    assert parse_flags(Flags, shlex.split(shipped.command)[3:]) == flags


def test_the_same_seed_gives_the_same_losses_and_another_seed_others(flags: Flags, tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(replace(flags, out=tmp_path / name, seed=seed, warmup=1))
    first, again, other = (log_of(tmp_path / name) for name in "abc")
    assert first == again
    assert all(a != b for a, b in zip(first, other, strict=True))


def test_adam_starts_afresh_after_the_warm_up(flags: Flags, tmp_path: Path) -> None:
    train(replace(flags, out=tmp_path, steps=3, warmup=2, identity_share=1.0))
    state = checkpoint.load_latest(tmp_path)
    assert state is not None and state["optimizer"]["state"][0]["step"] == 1
    assert [row.get("lr") for row in log_of(tmp_path)] == [5e-4, 5e-4, 1e-4, None]
    assert log_of(tmp_path)[2]["identity"] > 0


def test_a_warm_up_longer_than_the_run_ends_with_it(flags: Flags, tmp_path: Path) -> None:
    train(replace(flags, out=tmp_path, steps=2, warmup=5))
    assert [row["step"] for row in log_of(tmp_path)] == [1, 2, 2]


def test_warm_up_batches_are_half_photographs_and_half_artworks(flags: Flags) -> None:
    flags = replace(flags, batch=4, steps=9, warmup=3, warmup_apart=2)
    photos, works = open_both(flags, Team(0, 1, CPU))
    whole, first, second = (
        list(DecoderRecipe(flags, Team(rank, size, CPU)).warmup_batches(range(1, 3)))
        for rank, size in ((0, 1), (0, 2), (1, 2))
    )
    assert [batch.apart for batch in whole] == [True, False]
    for batch, a, b, step in zip(whole, first, second, (1, 2), strict=True):
        (photographs,), (artworks,) = (
            crops.batches(range(step, step + 1), batch=2, share=Share()) for crops in (photos, works)
        )
        assert torch.equal(batch.pictures, torch.cat([as_pictures(c, CPU) for c in (photographs, artworks)]))
        assert torch.equal(torch.stack([a.pictures, b.pictures], dim=1).flatten(0, 1), batch.pictures)


def test_broken_pictures_do_not_end_a_run(flags: Flags, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, style = smooth_pictures(tmp_path / "content", 3, 0), smooth_pictures(tmp_path / "style", 3, 1)
    for broken in (content / "0.png", style / "1.png"):
        broken.write_bytes(b"no picture")
    sources = replace(flags, content=(str(content),), style=(str(style),), out=tmp_path / "run", steps=3)
    train(replace(sources, style_side=40))
    assert (tmp_path / "run" / "samples-0000003.png").exists()
    said = capsys.readouterr().out
    assert f"0.png in {content}" in said and f"1.png in {style}" in said
    assert log_of(tmp_path / "run")[2]["broken"] == 2 and "  2 broken\n" in said


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # webdataset closes none of its files
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_run_on_streamed_shards(flags: Flags, tmp_path: Path, refused: Refused) -> None:
    packed = [
        str(pack(Path(sources[0]), tmp_path / f"{i}.tar.gz")) for i, sources in enumerate((flags.content, flags.style))
    ]
    streamed = replace(flags, content=(packed[0],), style=(packed[1],), out=tmp_path / "run", steps=2, warmup=1)
    train(streamed)
    assert [row["step"] for row in log_of(tmp_path / "run")] == [1, 2, 2]
    assert (tmp_path / "run" / "weights" / "manifest.json").exists()
    whole_works = refused(replace(streamed, style_side=40, warmup=0))
    assert "--style-side needs artworks in folders or uncompressed local tars, not streamed shards" in whole_works
    assert "is streamed: --cache ram needs folders" in refused(replace(streamed, cache="ram"))
    assert "give only one kind" in refused(replace(streamed, style=(packed[1], *flags.style)))


def test_a_run_starts_from_given_weights_and_losses_of_no_weight_leave_them(flags: Flags, tmp_path: Path) -> None:
    torch.manual_seed(3)
    given = Decoder("vgg16").state_dict()
    save_file({k: v.half() for k, v in given.items()}, tmp_path / "given.safetensors")
    init = tmp_path / "given.safetensors"
    train(replace(flags, out=tmp_path / "run", steps=1, init=init, content_weight=0.0, style_weight=0.0))
    shipped = load_file(tmp_path / "run" / "weights" / "decoder.safetensors")
    assert all(torch.equal(shipped[k], v.half()) for k, v in given.items())


def test_a_fresh_decoder_paints_a_grey_picture() -> None:
    torch.manual_seed(0)
    painting = initialised(Decoder("vgg19"))(torch.rand(2, 512, 4, 4), 32, 32)
    assert abs(painting.mean().item() - 0.5) < 0.2 and 0.05 < painting.std().item() < 0.6


def test_what_cannot_be_is_one_line_and_exit_code_2(flags: Flags, tmp_path: Path, refused: Refused) -> None:
    garbage = tmp_path / "garbage.safetensors"
    garbage.write_bytes(b"no weights")
    for change, said in (
        ({"content": ("nowhere",)}, "'nowhere' holds no pictures"),
        ({"style": (str(tmp_path / "*.tar"),)}, "*.tar' holds no pictures"),
        ({"val_content": ("nowhere",)}, "'nowhere' holds no pictures"),
        ({"encoder": "vgg19"}, "encoder.safetensors does not fit (is it of another network?)"),
        ({"encoder_weights": tmp_path / "absent"}, "absent"),
        ({"encoder_weights": garbage}, "garbage.safetensors is no whole safetensors file"),
        ({"init": flags.encoder_weights}, "encoder.safetensors does not fit (is it of another network?)"),
        ({"init": garbage}, "garbage.safetensors is no whole safetensors file"),
        ({"scale_min": 0.5}, "crop scales 0.5 to 1.5"),
        ({"batch": 0}, "--batch 0"),
        ({"device": "gpu"}, "--device gpu: give auto, cpu or cuda"),
        ({"resume": "absent.pt"}, "--resume absent.pt is no whole checkpoint"),
    ):
        assert said in refused(replace(flags, **change)), change
        assert not (tmp_path / "refused" / "weights").exists()


def test_a_batch_that_cannot_be_shared_out_is_one_line_and_exit_code_2(
    flags: Flags, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "team", lambda device: nullcontext(Team(0, 2, CPU)))
    assert "--batch 3 is for all 2 processes together: give a multiple of 2" in refused(replace(flags, batch=3))


def test_every_weight_has_its_loss(flags: Flags) -> None:
    weights = loss_weights(replace(flags, style_weight=7.0))
    assert weights["style"] == 7.0
    assert weights.keys() == {"content", "structure", "style", "color", "grid", "tv", "identity"}


def test_learning_rates(flags: Flags) -> None:
    paper = replace(flags, lr=1e-4, warmup=10, warmup_lr=5e-4, steps=1010)
    assert learning_rate(paper, 9) == 5e-4
    assert learning_rate(paper, 10) == 1e-4
    assert learning_rate(paper, 1010) == pytest.approx(1e-4 / 1.05)
    cosine = replace(paper, schedule="cosine")
    rates = [learning_rate(cosine, step) for step in range(10, 1010)]
    assert rates[0] == pytest.approx(1e-4 / 100, rel=1e-3)
    assert max(rates) == pytest.approx(1e-4, rel=0.03)
    assert rates[500] == pytest.approx(0.5e-4, rel=0.01)
    assert 0 < rates[-1] < 1e-9


def test_the_defaults_are_the_papers_recipe() -> None:
    flags = parse_flags(Flags, ["--content", "a", "b", "--style", "c", "--out", "runs/x"])
    assert flags == Flags(content=("a", "b"), style=("c",), out=Path("runs/x"))
    assert (flags.steps, flags.batch, flags.crop, flags.lr, flags.style_weight) == (160_000, 8, 256, 1e-4, 10)
    assert flags.scale_min == flags.scale_max == flags.style_scale_min == flags.style_scale_max == 2
    assert (flags.schedule, flags.ema, flags.warmup) == ("paper", 0, 0)
    assert flags.tv_weight == flags.color_weight == flags.grid_weight == 0


def test_precision_is_as_asked_and_auto_is_what_the_hardware_has(flags: Flags, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wants_bf16(replace(flags, precision="bf16"), CPU)
    assert not wants_bf16(replace(flags, precision="float32"), CPU)
    for has in (True, False):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, has=has: has)
        assert wants_bf16(replace(flags, precision="auto"), torch.device("cuda")) is has
        assert not wants_bf16(replace(flags, precision="float32"), torch.device("cuda"))


def test_bf16_learns_too(flags: Flags, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for precision in ("bf16", "float32"):
        train(replace(flags, out=tmp_path / precision, steps=1, precision=precision))
        assert f", {precision}, " in capsys.readouterr().out
    half, full = (log_of(tmp_path / precision)[0] for precision in ("bf16", "float32"))
    assert half["style"] != full["style"] and half["style"] == pytest.approx(full["style"], rel=0.05)
