"""What is done of an output that is written in segments: kept beside it, so that interrupted work goes on.

A hidden folder holds the finished segments and a journal, one line of JSON for each. Its first line says what the
work is: of which input, with which settings and weights. Other work begins anew. A kill at any moment loses no
more than the segment that was being written.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from livestyle.errors import OutputError
from livestyle.sinks.segment import Segment

HASHED_WHOLE_BYTES = 64 << 20
BLOCKS = 64
BLOCK_BYTES = 1 << 20


class Journal:
    """Of one output. A context manager: within it no other process works on that output."""

    def __init__(self, output: Path, *, suffix: str = ".mp4") -> None:
        """suffix: of segments."""
        self._output, self._suffix = output, suffix
        self.folder = output.with_name(f".{output.name}.livestyle")
        self.done: dict[int, Segment] = {}
        self._journal = self.folder / "journal.jsonl"
        self._lock = FileLock(self.folder / "lock")

    def __enter__(self) -> Journal:
        try:
            self.folder.mkdir(exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise OutputError(f"{self._output} is being written by another livestyle: wait for it") from None
        except OSError as error:
            raise OutputError(
                f"{self._output} cannot be written: {self.folder.name} cannot be made beside it ({error.strerror}); "
                "choose another place"
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        """Keeps the folder if there is anything in it to go on from."""
        if self.done:
            self._lock.release()
        else:
            self.remove()

    def begin(self, work: Mapping[str, str], *, resume: bool) -> str:
        """Look up what is done of this work. Returns why earlier work is not gone on with, or nothing.

        work: what it is of, in digests by name. Raises OutputError.
        """
        try:
            found, entries = self._read()
            why = "" if found is None else _difference(found, work)
            if found is not None and resume and not why:
                self.done = {entry.number: entry for entry in entries if self._is_whole(entry)}
                return ""
            self._clear()
            self._journal.write_text(json.dumps(dict(work)) + "\n", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be written ({error.strerror}): choose another place") from None
        return why if entries else ""

    def path(self, number: int) -> Path:
        """Where a segment is to be written."""
        return self.folder / f"{number:06d}{self._suffix}"

    def add(self, segment: Segment) -> None:
        """A segment is whole. Raises OutputError."""
        try:
            with self._journal.open("a", encoding="utf-8") as journal:
                journal.write(json.dumps(asdict(segment)) + "\n")
                journal.flush()
                os.fsync(journal.fileno())
        except OSError as error:
            raise OutputError(f"{self._journal} cannot be written ({error.strerror}): free some space") from None
        self.done[segment.number] = segment

    def remove(self) -> None:
        """The work is finished, or is given up."""
        self._lock.release()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.done = {}

    def _read(self) -> tuple[dict[str, str] | None, list[Segment]]:
        """What the journal is of, and its segments; a line that was cut off is left out."""
        if not self._journal.exists():
            return None, []
        lines = []
        for line in self._journal.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                break
        return (lines[0], [Segment(**fields) for fields in lines[1:]]) if lines else (None, [])

    def _is_whole(self, segment: Segment) -> bool:
        path = self.path(segment.number)
        return path.exists() and path.stat().st_size == segment.size_bytes

    def _clear(self) -> None:
        for path in self.folder.iterdir():
            if path.name != "lock":
                path.unlink()


def _difference(found: Mapping[str, str], work: Mapping[str, str]) -> str:
    changed = [name for name, digest in work.items() if found.get(name) != digest]
    return " and ".join(changed)


def fingerprint(files: Sequence[Path]) -> str:
    """A digest of a file; of a large one of its size, time and BLOCKS places in it; of several their names and times.

    Raises OSError.
    """
    digest = hashlib.sha256()
    if len(files) != 1:
        for file in files:
            digest.update(f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}\n".encode())
        return digest.hexdigest()
    path = files[0]
    size_bytes = path.stat().st_size
    with path.open("rb") as data:
        if size_bytes <= HASHED_WHOLE_BYTES:
            return hashlib.sha256(data.read()).hexdigest()
        digest.update(f"{size_bytes} {path.stat().st_mtime_ns}\n".encode())
        for block in range(BLOCKS):
            data.seek((size_bytes - BLOCK_BYTES) * block // (BLOCKS - 1))
            digest.update(data.read(BLOCK_BYTES))
    return digest.hexdigest()
