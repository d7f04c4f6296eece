"""A long live show under random commands: does it grow, fall behind or break?

    python -m scripts.soak [--minutes 20] [--no-window] [--seed 1] [options of `livestyle live`]

The show runs in a process of its own on the demo's clip, played as a camera, in a window (on a virtual screen
where there is none). Keys, HTTP and OSC send commands, a watcher takes the stream. The last line is JSON; exit code
1 says that something is wrong, which it names. A machine that is busy with other things shows older frames.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol

import psutil

from livestyle.assets import asset_dir
from livestyle.sinks.window import display_problem
from scripts.soak_commands import Order, Orders
from scripts.soak_controllers import HOST, Desk, Keyboard, Site, Watcher
from scripts.soak_report import Report, Sample, as_text, report_of
from tests.screen import Display, Screen

START_SECONDS = 120.0
END_SECONDS = 60.0
ORDER_SECONDS = 0.5
SAMPLE_SECONDS = 1.0
LINE_SECONDS = 60.0


class Controller(Protocol):
    """Sends orders of one kind."""

    def send(self, order: Order) -> None:
        """Raises OSError or subprocess.SubprocessError."""


class Program:
    """`livestyle live` in a process, in a folder that takes its files, its settings and what it says."""

    def __init__(self, folder: Path, arguments: Sequence[str], display: str) -> None:
        self.folder = folder
        self.http, self.osc = _free_port(socket.SOCK_STREAM), _free_port(socket.SOCK_DGRAM)
        clip = str(asset_dir("media") / "demo.mp4")
        servers = ("--http", str(self.http), "--osc", str(self.osc))
        root = str(Path(__file__).parent.parent)
        with self._log.open("w", encoding="utf-8") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "livestyle", "live", clip, *servers, *arguments],
                env=os.environ | {"DISPLAY": display, "PYTHONPATH": root, "XDG_CONFIG_HOME": str(folder / "settings")},
                cwd=folder,
                stderr=stderr,
            )
        self.site = Site(self.http)
        self.files_made = 0

    def __enter__(self) -> Program:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def _log(self) -> Path:
        return self.folder / "stderr.txt"

    @property
    def said(self) -> str:
        """All of its stderr."""
        return self._log.read_text(errors="replace", encoding="utf-8")

    def until_painting(self) -> list[str]:
        """Wait for the first painting; the names of the styles. Raises SystemExit when there is none."""
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                state = self.site.state()
                if state["stats"]["paintings"]:
                    return list(state["styles"])
            except OSError:
                pass  # it does not listen yet
            time.sleep(0.2)
        raise SystemExit(f"the show does not begin:\n{self.said}")

    def tidy(self) -> None:
        """Delete the snapshots and recordings that are whole."""
        for path in self.folder.glob("livestyle-*"):
            path.unlink()
            self.files_made += 1

    def quit(self) -> str:
        """Have it end; what went wrong, or ""."""
        try:
            self.site.send(Order("http", "quit"))
            code = self.process.wait(END_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"the show does not end: {error}"
        return f"the show ended with exit code {code}" if code else ""


class Sending(threading.Thread):
    """Sends orders until `stop`; a thread, as a key press takes its time."""

    def __init__(self, orders: Orders, controllers: dict[str, Controller]) -> None:
        super().__init__(name="sending", daemon=True)
        self.sent: Counter[str] = Counter({name: 0 for name in controllers})
        self.failures: list[str] = []
        self._orders, self._controllers = orders, controllers
        self._stop_now = threading.Event()

    def run(self) -> None:
        """Send one each ORDER_SECONDS."""
        due = time.monotonic()
        while not self._stop_now.wait(max(0.0, due - time.monotonic())):
            self._send(self._orders.next(time.monotonic()))
            due += ORDER_SECONDS

    def stop(self) -> None:
        """End, with what may be on turned off."""
        self._stop_now.set()
        self.join()
        for order in self._orders.all_off():
            self._send(order)

    def _send(self, order: Order) -> None:
        try:
            self._controllers[order.controller].send(order)
            self.sent[order.controller] += 1
        except (OSError, subprocess.SubprocessError) as error:
            self.failures.append(f"{order}: {error}")


def soak(seconds: float, arguments: Sequence[str], *, window: bool, seed: int) -> Report:
    """Run a show for so long and say how it went. arguments: more for `livestyle live`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="livestyle-soak-")))
        display = Display(os.environ.get("DISPLAY", ""))
        if window and display_problem():
            display = stack.enter_context(Screen())
        more = arguments if window else ["--no-window", *arguments]
        program = stack.enter_context(Program(folder, more, display.display))
        styles = program.until_painting()
        controllers: dict[str, Controller] = {"http": program.site, "osc": Desk(program.osc)}
        if window:
            controllers["keys"] = Keyboard(display)
        watcher = Watcher(program.http)
        sending = Sending(Orders(tuple(controllers), styles, random.Random(seed)), controllers)
        sending.start()
        samples = _sample(program, seconds)
        died = (
            f"the show died with exit code {program.process.returncode}" if program.process.poll() is not None else ""
        )
        sending.stop()
        died = died or program.quit()
        watcher.join()
        program.tidy()
        if not samples:
            raise SystemExit(f"the show died at once:\n{program.said}")
        for failure in sending.failures:
            print(failure, file=sys.stderr)
        return report_of(
            samples,
            commands=sending.sent,
            pictures_watched=watcher.pictures,
            files_made=program.files_made,
            failures=sending.failures,
            said=program.said,
            died=died,
        )


def _sample(program: Program, seconds: float) -> list[Sample]:
    """Look once a second, and tidy up, until the time is over or the process has ended."""
    process = psutil.Process(program.process.pid)
    samples: list[Sample] = []
    start = time.monotonic()
    line_at = LINE_SECONDS
    while (now := time.monotonic() - start) < seconds and program.process.poll() is None:
        try:
            sample = Sample.of(now, process.memory_info().rss, program.site.state())
        except (OSError, psutil.Error) as error:
            print(f"at {now:.0f} s: {error}", file=sys.stderr)
        else:
            samples.append(sample)
            if now >= line_at:
                line_at += LINE_SECONDS
                print(f"{now:5.0f} s  {sample.memory_mib:6.0f} MiB  {sample.p95_ms:4.0f} ms p95", flush=True)
        program.tidy()
        time.sleep(SAMPLE_SECONDS)
    return samples


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--no-window", action="store_true")
    parser.add_argument("--seed", type=int, default=1, help="of the random commands")
    options, more = parser.parse_known_args(arguments)
    report = soak(60 * options.minutes, more, window=not options.no_window, seed=options.seed)
    print(as_text(report))
    print(json.dumps(report.as_json()))
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
