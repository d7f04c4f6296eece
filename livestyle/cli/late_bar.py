"""A progress bar that is not there until there is progress: most pictures are painted at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def late_bar(name: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Gives what is to be told how many steps of how many are done. The bar is on stderr and gone afterwards."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(name)
    with ExitStack() as stack:

        def show(done: int, total: int) -> None:
            if not (quiet or bar.live.is_started):
                stack.enter_context(bar)
            bar.update(task, completed=done, total=total)

        yield show
