"""A folder of a task's own among the system's temporary files, which goes with it.

A worker that is killed leaves its folder behind. Whoever has one holds a lock in it, which the system releases however
a process ends, so the next task on that machine clears away what nobody holds any more.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from filelock import FileLock, Timeout

FOLDER_PREFIX = "livestyle-task-"
"""Of the folders' names; then comes the number of the process."""
YOUNG_SECONDS = 60.0
"""A folder that was touched so shortly ago may not be locked yet."""


@contextmanager
def task_folder() -> Iterator[Path]:
    """A folder for the block."""
    _clear_abandoned()
    prefix = f"{FOLDER_PREFIX}{os.getpid()}-"
    with TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder, FileLock(Path(folder, "lock")):
        yield Path(folder)


def _clear_abandoned() -> None:
    for folder in Path(gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        with suppress(OSError, Timeout):  # another user's, somebody's at work, or gone meanwhile
            if time.time() - folder.stat().st_mtime > YOUNG_SECONDS:
                with FileLock(folder / "lock", timeout=0):
                    pass
                shutil.rmtree(folder)
