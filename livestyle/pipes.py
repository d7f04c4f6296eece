"""Standard input and output as files: what comes by a pipe is kept in a temporary folder while it is worked on.

So any format may come in, with its tracks, and the output is whole before anybody sees it. It wants the disk space.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from livestyle.errors import OutputError, SourceError

PIPE = Path("-")
"""The name of either."""
OUTPUT_SUFFIX = ".mkv"


@contextmanager
def input_path(named: Path) -> Iterator[Path]:
    """The file itself, or one that has what comes on standard input. Raises SourceError when nothing does."""
    if named != PIPE:
        yield named
        return
    if sys.stdin.isatty():
        raise SourceError("-: standard input is the terminal; pipe a video in: `cat in.mkv | livestyle video - o.mp4`")
    with tempfile.TemporaryDirectory(prefix="livestyle-") as folder:
        path = Path(folder) / "stdin"
        try:
            with path.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
        except OSError as error:
            raise OutputError(f"{folder}: {error.strerror}; free some space for what comes on standard input") from None
        if not path.stat().st_size:
            raise SourceError("-: nothing came on standard input; what was to write into the pipe?")
        yield path


@contextmanager
def output_path(named: Path) -> Iterator[Path]:
    """The file itself, or one that goes to standard output at the end. Raises OutputError when nobody reads it."""
    if named != PIPE:
        yield named
        return
    if sys.stdout.isatty():
        raise OutputError("-: standard output is the terminal; pipe it: `livestyle video in.mp4 -o - | ffplay -`")
    with tempfile.TemporaryDirectory(prefix="livestyle-") as folder:
        path = Path(folder) / f"stdout{OUTPUT_SUFFIX}"
        yield path
        try:
            with path.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer, 1 << 20)
            sys.stdout.buffer.flush()
        except OSError as error:
            raise OutputError(f"-: standard output is closed ({error.strerror})") from None
