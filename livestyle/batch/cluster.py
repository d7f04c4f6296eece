"""A Ray cluster: joined, given tasks, and what goes wrong with it in one line. Ray itself places and repeats them.

Ray is imported here only, when a cluster is asked for.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, TextIO, cast
from urllib.parse import urlsplit

from livestyle.errors import DeviceError

HOW = "pip install 'livestyle[ray]'"
TOKEN = "~/.ray/auth_token"
"""Where Ray keeps the secret that lets into a cluster."""
ANSWER_SECONDS = 5.0
WAIT_SECONDS = 0.5
RETRIES = 3
"""How often a task is done again whose worker died."""
CPUS = 4
"""Of a task, at most: more cores than that help several tasks more than one."""

Ref = Any
"""Of something that Ray has or is making."""


class Cluster:
    """A cluster that this process is connected to; of `connected`."""

    def __init__(self, ray: Any, *, gpu: bool) -> None:
        """gpu: a task has one. Raises DeviceError when no machine has what a task needs."""
        self._ray = ray
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        usable = [node for node in nodes if node.get("CPU", 0) >= 1 and (node.get("GPU", 0) >= 1 or not gpu)]
        if not usable:
            there = f"{len(nodes)} machines with {sum(node.get('CPU', 0) for node in nodes):g} CPUs and "
            there += f"{sum(node.get('GPU', 0) for node in nodes):g} GPUs for tasks"
            raise DeviceError(f"this Ray cluster has {there}: add workers with `ray start --address=...`")
        cpus = min(CPUS, *(int(node["CPU"]) for node in usable))
        self.needs: dict[str, int] = {"num_cpus": cpus, **({"num_gpus": 1} if gpu else {})}
        """What each task has for itself."""
        self._functions: dict[Callable[..., Any], Any] = {}

    @property
    def slots(self) -> int:
        """How many tasks can run at once, on the machines that are there now."""
        total = self._ray.cluster_resources()
        by_kind = [total.get("CPU", 0) // self.needs["num_cpus"]]
        by_kind += [total.get("GPU", 0)] if "num_gpus" in self.needs else []
        return max(1, int(min(by_kind)))

    def put(self, value: object) -> Ref:
        """Send a value once, for many tasks."""
        return self._ray.put(value)

    def submit(self, function: Callable[..., Any], *args: object) -> Ref:
        """Have a function done somewhere; `result` gives what it returns. It gets values for Refs."""
        if function not in self._functions:
            self._functions[function] = self._ray.remote(max_retries=RETRIES, **self.needs)(function)
        return self._functions[function].remote(*args)

    def ready(self, refs: Sequence[Ref]) -> list[Ref]:
        """Those that are done; waits a little for the first one."""
        done: list[Ref] = self._ray.wait(list(refs), num_returns=len(refs), timeout=0, fetch_local=False)[0]
        return done or self._ray.wait(list(refs), num_returns=1, timeout=WAIT_SECONDS, fetch_local=False)[0]

    def cancel(self, refs: Sequence[Ref], *, wait_seconds: float = 0.0) -> None:
        """End tasks that are not done. wait_seconds: for those that run to clean up, at most."""
        for ref in refs:
            self._ray.cancel(ref)
        if refs and wait_seconds:
            self._ray.wait(list(refs), num_returns=len(refs), timeout=wait_seconds, fetch_local=False)

    def result(self, ref: Ref) -> Any:
        """What a task returned. Raises what it raised, and DeviceError when its workers died or cannot run it."""
        try:
            return self._ray.get(ref)
        except self._ray.exceptions.RayTaskError as error:
            if "No module named 'livestyle'" in str(error):
                raise DeviceError(f"workers of this cluster have no livestyle: {HOW} on each machine") from None
            cause = error.cause
            raise (cause if isinstance(cause, Exception) else RuntimeError(_first_line(error))) from None
        except self._ray.exceptions.RayError as error:
            kind = type(error).__name__
            raise DeviceError(f"its workers died, {RETRIES} retries included ({kind}: {_first_line(error)})") from None


@contextmanager
def connected(address: str | None, *, gpu: bool | None, tell: Callable[[str], None]) -> Iterator[Cluster]:
    """The cluster at an address; None: of $RAY_ADDRESS, else the one that this machine is in, else one of its own.

    gpu: whether a task needs one; None: where the cluster has some. tell: is called, in any thread, with what Ray
    would print on stdout. Raises DeviceError.
    """
    _settle()
    ray = _imported()
    place = address or os.environ.get("RAY_ADDRESS")
    if place:
        _check_answers(place)
    with redirect_stdout(cast(TextIO, _Lines(tell))):
        try:
            ray.init(address, log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise DeviceError(_refused(place, _first_line(error))) from None
        try:
            has_gpus = ray.cluster_resources().get("GPU", 0) >= 1
            yield Cluster(ray, gpu=has_gpus if gpu is None else gpu)
        finally:
            ray.shutdown()


class _Lines:
    """A stream that hands on what is written to it, line by line."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def write(self, text: str) -> None:
        for line in filter(None, text.splitlines()):
            self._tell(line)

    def flush(self) -> None:
        pass


def needs_gpu(device: str) -> bool | None:
    """Whether a task for a device, as `--device` names it, needs a GPU; None: it takes one where there is one."""
    return None if device == "auto" else device in ("cuda", "torch-cuda")


def _settle() -> None:
    """What Ray reads from the environment when it is imported."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster of its own tells nobody that it exists
    token = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", TOKEN)).expanduser()
    if "RAY_AUTH_TOKEN" in os.environ or token.exists():
        os.environ.setdefault("RAY_AUTH_MODE", "token")  # a cluster without tokens does not mind


def _imported() -> Any:
    try:
        import ray
    except ImportError:
        raise DeviceError(f"--ray needs Ray: {HOW}") from None
    return ray


def _check_answers(place: str) -> None:
    """Ray itself tries for many minutes."""
    parts = urlsplit(place if "://" in place else f"//{place}")
    if place in ("auto", "local"):
        return
    try:
        port = parts.port or 10001
        with socket.create_connection((parts.hostname or "", port), ANSWER_SECONDS):
            pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DeviceError(_refused(place, reason)) from None


def _refused(place: str | None, reason: str) -> str:
    where = f"at {place}" if place else "here"
    return (
        f"no Ray cluster {where} ({reason}): give the HOST:PORT that `ray start --head` names, from a machine that has "
        f"joined it with `ray start --address=HOST:PORT` and has its {TOKEN}; --ray alone makes one of this machine"
    )


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
