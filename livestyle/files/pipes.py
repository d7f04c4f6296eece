"""Standard input and output as videos.

What comes is read once and not kept where the output is a pipe too, its container can be read so and nobody wants to
see all of it before. Else it is kept in a temporary folder while it is worked on, which wants the disk space.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from livestyle.errors import OutputError, SourceError
from livestyle.sources.piped import PipedBytes, PipedMedia, must_be_kept

PIPE = Path("-")
"""The name of either."""
_CHUNK_BYTES = 1 << 20


@contextmanager
def input_file(named: Path) -> Iterator[Path]:
    """The file itself, or one that has what comes on standard input. Raises SourceError when nothing does."""
    if named != PIPE:
        yield named
        return
    with _coming() as data, _kept(data) as path:
        yield path


@contextmanager
def input_media(named: Path, *, whole: bool) -> Iterator[Path | PipedMedia]:
    """As `input_file`, but what can be read once is not kept, unless all of it is wanted at first."""
    if named != PIPE:
        yield named
        return
    with _coming() as data:
        if whole or must_be_kept(data):
            with _kept(data) as path:
                yield path
        else:
            media = PipedMedia(data)
            try:
                yield media
            finally:
                media.close()


@contextmanager
def output_descriptor() -> Iterator[int]:
    """Of standard output; what is printed there goes to standard error meanwhile. Raises OutputError."""
    if sys.stdout.isatty():
        raise OutputError("-: standard output is the terminal; pipe it: `livestyle video in.mp4 -o - | ffplay -`")
    sys.stdout.flush()
    output, error = 1, 2
    video = os.dup(output)
    os.dup2(error, output)
    try:
        yield video
    finally:
        os.dup2(video, output)
        os.close(video)


@contextmanager
def _coming() -> Iterator[PipedBytes]:
    if sys.stdin.isatty():
        raise SourceError("-: standard input is the terminal; pipe a video in: `cat in.mkv | livestyle video - o.mp4`")
    data = PipedBytes(sys.stdin.fileno())
    try:
        if not data.peek(1):
            raise SourceError("-: nothing came on standard input; what was to write into the pipe?")
        yield data
    finally:
        data.stop()


@contextmanager
def _kept(data: PipedBytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="livestyle-") as folder:
        path = Path(folder) / "stdin"
        try:
            with path.open("wb") as file:
                file.writelines(iter(lambda: data.read(_CHUNK_BYTES), b""))
        except OSError as error:
            raise OutputError(f"{folder}: {error.strerror}; free some space for what comes on standard input") from None
        yield path
