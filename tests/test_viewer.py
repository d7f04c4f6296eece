"""The viewer page in a real browser: it shows the show, moves with it, and comes back with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from livestyle.frame import Frame
from livestyle.looks.bank import Bank
from tests import browser
from tests.browser import Browser
from tests.running import Camera, wait_until
from tests.site import TOKEN, Site

pytestmark = pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium here (Debian: apt install chromium)")


class Halves(Camera):
    """A camera that sees one colour on the left, blue on the right."""

    def __init__(self, left: tuple[int, int, int] = (255, 0, 0)) -> None:
        super().__init__()
        self.left = left

    def read(self) -> Frame | None:
        got = super().read()
        assert got is not None
        rgb = np.full((48, 64, 3), (0, 0, 255), np.uint8)
        rgb[:, :32] = self.left
        return Frame(rgb, got.index, got.pts_seconds)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path) as made:
        yield made


def shows(page: Browser, left: tuple[int, int, int]) -> Callable[[], bool]:
    """Whether the page shows this colour on the left, and yellow (the negative of blue) on the right."""

    def check() -> bool:
        picture = page.photograph().astype(int)
        height, width = picture.shape[:2]
        seen = picture[height // 2, width // 4], picture[height // 2, width * 3 // 4]
        return bool(np.abs(np.subtract(seen, (left, (255, 255, 0)))).max() < 15)

    return check


def test_the_page_moves_with_the_show(bank: Bank, tmp_path: Path, page: Browser) -> None:
    camera = Halves()
    with Site(bank, tmp_path, lambda: camera, token=TOKEN) as site:
        page.open(f"http://127.0.0.1:{site.port}/?token={TOKEN}&background=black")
        wait_until(shows(page, (0, 255, 255)))
        camera.left = (0, 255, 0)
        wait_until(shows(page, (255, 0, 255)))
        site.command("freeze", Authorization=f"Bearer {TOKEN}")
        assert shows(page, (255, 0, 255))()


def test_the_page_comes_back_with_the_show(bank: Bank, tmp_path: Path, page: Browser) -> None:
    with Site(bank, tmp_path, Halves) as site:
        page.open(f"http://127.0.0.1:{site.port}/")
        wait_until(shows(page, (0, 255, 255)))
    assert shows(page, (0, 255, 255))(), "the last picture stays"
    with Site(bank, tmp_path, lambda: Halves((0, 255, 0)), port=site.port):
        wait_until(shows(page, (255, 0, 255)))
