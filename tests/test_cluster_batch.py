"""A batch on a cluster, but for the cluster: tasks are run here, one at a time, in an order of the test's own."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from livestyle.batch.cluster_batch import ClusterBatch
from livestyle.batch.local import BatchOptions, LocalBatch, Outcome
from livestyle.batch.plan import planned
from livestyle.batch.tasks import paint_picture, paint_segments
from livestyle.errors import DeviceError
from livestyle.files.jobs import Job
from livestyle.files.video_format import USUAL, VideoFormat
from livestyle.options.painting import PaintingOptions
from livestyle.options.studio import Studio
from tests import media
from tests.batches import ARGUMENTS, OPTIONS, make_footage, paint_here, unseen
from tests.conftest import Run
from tests.test_segments import packets_of


class Here:
    """Has the methods of `livestyle.batch.cluster.Cluster`."""

    slots = 2
    needs = {"num_cpus": 1}

    def __init__(self) -> None:
        self.most = 0
        self.run: list[Any] = []
        self.cancelled = 0
        self.dies_at: Callable[[Any], bool] = lambda task: False
        self._waiting: dict[object, tuple[Any, ...]] = {}
        self._order = random.Random(1)

    def put(self, value: object) -> object:
        return value

    def submit(self, function: Any, *args: object) -> object:
        ref = object()
        self._waiting[ref] = (function, *args)
        return ref

    def ready(self, refs: Sequence[object]) -> list[object]:
        self.most = max(self.most, len(refs))
        return [self._order.choice(list(refs))]

    def cancel(self, refs: Sequence[object], *, wait_seconds: float = 0.0) -> None:
        self.cancelled += len(refs)

    def result(self, ref: object) -> Any:
        function, *args = task = self._waiting.pop(ref)
        self.run.append(task)
        if self.dies_at(task):
            raise DeviceError("its workers died, 3 retries included (WorkerCrashedError)")
        return function(*args)


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_footage(tmp_path_factory.mktemp("films") / "footage")


@pytest.fixture(scope="module")
def alone(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its paintings without a cluster."""
    folder = tmp_path_factory.mktemp("alone")
    paint_here(footage, folder)
    return folder


def painted(
    cluster: Here, named: Path, out: Path, options: PaintingOptions = OPTIONS, video_format: VideoFormat = USUAL
) -> Iterator[Outcome]:
    fake: Any = cluster
    batch = ClusterBatch(fake, Studio(options), BatchOptions(unseen, video_format=video_format))
    batch.prepare()
    return batch.paint(planned([named], out).jobs)


def segments_run(cluster: Here) -> list[tuple[int, int | None]]:
    return [task[-2:] for task in cluster.run if task[0] is paint_segments]


def test_tasks_in_any_order_make_what_one_machine_makes(footage: Path, alone: Path, tmp_path: Path) -> None:
    cluster = Here()
    outcomes = {outcome.source.name: outcome for outcome in painted(cluster, footage, tmp_path / "out")}
    assert {name: outcome.status for name, outcome in outcomes.items()} == {
        "film.mp4": "painted",
        "cut.mp4": "damaged",
        "bad.mp4": "failed",
        "p.jpg": "painted",
    }
    film = {(0, 0), (1, 1), (2, 2), (3, 3), (4, None)}
    assert set(segments_run(cluster)) == film | {(0, None)} and len(segments_run(cluster)) == 6
    for name in ("film.mp4", "cut.mp4"):
        assert packets_of(tmp_path / "out" / name) == packets_of(alone / name)
    assert media.sound_of(tmp_path / "out" / "film.mp4") == media.sound_of(footage / "film.mp4")
    one, other = (Image.open(folder / "day" / "p.png") for folder in (tmp_path / "out", alone))
    np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    assert not list((tmp_path / "out").rglob(".*"))


def test_no_more_tasks_are_out_than_twice_what_can_run(footage: Path, tmp_path: Path) -> None:
    cluster = Here()
    list(painted(cluster, footage, tmp_path / "out"))
    assert cluster.most == 4


def test_a_file_whose_task_fails_fails_alone_and_its_other_tasks_are_left(footage: Path, tmp_path: Path) -> None:
    cluster = Here()
    cluster.dies_at = lambda task: task[0] is paint_segments and task[-2:] == (1, 1)
    outcomes = {outcome.source.name: outcome for outcome in painted(cluster, footage, tmp_path / "out")}
    film = outcomes["film.mp4"]
    assert film.status == "failed" and film.reason.startswith("its workers died")
    assert outcomes["p.jpg"].status == "painted" and len(segments_run(cluster)) < 6
    assert cluster.cancelled > 0 and not (tmp_path / "out" / "film.mp4").exists()


def test_what_was_done_before_is_not_done_again(footage: Path, alone: Path, tmp_path: Path) -> None:
    first, second = Here(), Here()
    first.dies_at = lambda task: len(segments_run(first)) == 3
    assert [outcome.status for outcome in painted(first, footage / "film.mp4", tmp_path)] == ["failed"]
    done = set(segments_run(first)[:2]) - {(4, None)}
    (outcome,) = painted(second, footage / "film.mp4", tmp_path)
    assert outcome.status == "painted" and any("painted already" in note for note in outcome.notes)
    assert done and not done & set(segments_run(second))
    assert packets_of(tmp_path / "film.mp4") == packets_of(alone / "film.mp4")


def test_a_stop_in_the_middle_keeps_what_is_done_for_the_next_run(footage: Path, tmp_path: Path) -> None:
    cluster = Here()

    def stop(task: Any) -> bool:
        if len(cluster.run) == 3:
            raise KeyboardInterrupt
        return False

    cluster.dies_at = stop
    with pytest.raises(KeyboardInterrupt):
        list(painted(cluster, footage / "film.mp4", tmp_path))
    assert cluster.cancelled == 3, "four were out"
    journal = (tmp_path / ".film.mp4.livestyle" / "journal.jsonl").read_text(encoding="utf-8")
    assert journal.count('"number"') == 1, "of two tasks, one was the greeting"
    again = Here()
    assert [outcome.status for outcome in painted(again, footage / "film.mp4", tmp_path)] == ["painted"]


def test_an_input_that_a_worker_does_not_see_is_said(footage: Path, tmp_path: Path) -> None:
    """On this machine: a file that goes away, or becomes another, after it was looked at."""
    cluster = Here()
    copy = tmp_path / "in" / "film.mp4"
    copy.parent.mkdir()
    copy.write_bytes((footage / "film.mp4").read_bytes())

    def lose(task: Any) -> bool:
        if task[0] is paint_segments and copy.exists():
            copy.rename(tmp_path / "elsewhere.mp4")
        return False

    cluster.dies_at = lose
    (outcome,) = painted(cluster, copy, tmp_path / "out")
    assert outcome.status == "failed" and "all machines must see the inputs under the same path" in outcome.reason
    copy.write_bytes(b"another")
    Image.new("RGB", (64, 48)).save(tmp_path / "p.png")
    copy.with_name("p.png").write_bytes((tmp_path / "p.png").read_bytes())

    def change(task: Any) -> bool:
        if task[0] is paint_picture:
            copy.with_name("p.png").write_bytes(b"shorter")
        return False

    cluster.dies_at = change
    (outcome,) = painted(cluster, copy.with_name("p.png"), tmp_path / "out")
    assert outcome.status == "failed" and "is another file, of 7 bytes and not" in outcome.reason


def test_a_worker_that_would_paint_otherwise_is_refused(footage: Path, tmp_path: Path) -> None:
    cluster: Any = Here()
    batch = ClusterBatch(cluster, Studio(OPTIONS), BatchOptions(unseen))
    batch.prepare()
    batch._networks = "livestyle 0.0.1, another model"
    (outcome,) = batch.paint([Job(footage / "day" / "p.jpg", tmp_path / "p.png")])
    assert outcome.status == "failed" and "would paint otherwise than the first worker" in outcome.reason


def test_looks_of_scripts_and_image_styles_travel_along(footage: Path, photo: Path, tmp_path: Path) -> None:
    """Workers have no bank of the person's and no script: all goes with the recipe."""
    script = tmp_path / "s.toml"
    script.write_text(
        f"[[cue]]\nat = 30\nstyle = '{photo}'\nfade = 5\n[[cue]]\nat = 50\nalpha = 0.2\nover = 20\n", encoding="utf-8"
    )
    options = PaintingOptions(device="cpu", model="fast", size="48", style="wave", script=script, quiet=True)
    cluster = Here()
    (outcome,) = painted(cluster, footage / "film.mp4", tmp_path / "out", options)
    assert outcome.status == "painted", outcome.reason
    Studio(options).paint_video(
        footage / "film.mp4", tmp_path / "here.mp4", progress=lambda done, total: None, note=lambda text: None
    )
    assert packets_of(tmp_path / "out" / "film.mp4") == packets_of(tmp_path / "here.mp4")


def test_a_part_at_another_rate_in_another_codec(footage: Path, tmp_path: Path) -> None:
    video_format = VideoFormat(
        start_seconds=Fraction(15), duration_seconds=Fraction(50), rate=Fraction(4), codec="vp9", hardware="none"
    )
    cluster = Here()
    (outcome,) = painted(cluster, footage / "film.mp4", tmp_path / "out", video_format=video_format)
    assert (outcome.status, outcome.frames) == ("painted", 200), outcome.reason
    assert len(segments_run(cluster)) == 3
    (alone,) = LocalBatch(Studio(OPTIONS), BatchOptions(unseen, video_format=video_format)).paint(
        [Job(footage / "film.mp4", tmp_path / "here.mp4")]
    )
    assert alone.frames == 200
    assert packets_of(tmp_path / "out" / "film.mp4") == packets_of(tmp_path / "here.mp4")


def test_without_ray_it_is_said_how_to_get_it(run: Run, footage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    result = run("batch", str(footage), "-o", "out", "--ray", *ARGUMENTS)
    assert result.code == 2 and result.err == "livestyle: --ray needs Ray: pip install 'livestyle[ray]'\n"
