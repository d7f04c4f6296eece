"""Commands from other threads on their way to the one that holds the show's state.

A network thread leaves a request and may wait, for a bounded time, for the state that answers it; the show's main
thread takes the requests between two paintings. What it does not know: networks, and what commands mean.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field

from livestyle.errors import LivestyleError

State = dict[str, object]
"""A show's state as JSON has it."""

PLACES = 64
"""Requests that may wait; more are refused."""
ANSWER_SECONDS = 5.0


class Busy(LivestyleError):
    """The show takes no more requests now, or has not answered in time."""


@dataclass(frozen=True)
class Request:
    """A command, or (without a name) a question for the state. value: None is no value."""

    name: str | None
    value: object = None
    asked: bool = True
    """Someone waits for the answer; a refusal of the others is told to the person at the show."""
    answer: Future[State] = field(default_factory=Future, repr=False, compare=False)


class Inbox:
    """A bounded queue of requests; `ask` and `post` are for any thread, `serve` for the show's."""

    def __init__(self, places: int = PLACES) -> None:
        self._queue: queue.Queue[Request] = queue.Queue(places)

    def ask(self, name: str | None, value: object = None, timeout_seconds: float = ANSWER_SECONDS) -> State:
        """Have a command done (None: nothing) and wait for the state after it.

        Raises what the command raises, and Busy.
        """
        request = Request(name, value)
        self._leave(request)
        try:
            return request.answer.result(timeout_seconds)
        except FutureTimeout:
            request.answer.cancel()
            raise Busy(f"the show has not answered within {timeout_seconds:g} s: try again") from None

    def post(self, name: str, value: object = None) -> None:
        """Have a command done, without waiting. Raises Busy."""
        self._leave(Request(name, value, asked=False))

    def serve(self, do: Callable[[Request], State]) -> Iterator[LivestyleError]:
        """Do what waits now; gives the errors of requests that nobody waits for."""
        for _ in range(self._queue.qsize()):
            request = self._queue.get_nowait()
            if not request.answer.set_running_or_notify_cancel():
                continue  # given up: whoever asked has been told that it was not done
            try:
                request.answer.set_result(do(request))
            except Exception as raised:  # whatever is sent, the show goes on
                error = _refusal(raised)
                request.answer.set_exception(error)
                if not request.asked:
                    yield error

    def _leave(self, request: Request) -> None:
        try:
            self._queue.put_nowait(request)
        except queue.Full:
            raise Busy(f"{self._queue.maxsize} requests wait already: send fewer") from None


def _refusal(raised: Exception) -> LivestyleError:
    if isinstance(raised, LivestyleError):
        return raised
    return LivestyleError(f"the command failed ({type(raised).__name__}: {raised!s:.100}): please report this line")
