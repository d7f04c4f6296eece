"""A Ray cluster of two workers with one CPU each on this machine, in a process of its own, until its stdin ends.

python -m tests.ray_cluster prints a line of JSON: the cluster's address, and the process ids of the workers' raylets.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType

import psutil

from livestyle.batch.task_folder import FOLDER_PREFIX

ROOT = Path(__file__).parent.parent
MEMORY_BYTES = 100 << 20


class RayCluster:
    """A context manager."""

    def __init__(self, folder: Path) -> None:
        """folder: where its workers keep temporary files."""
        self.folder = folder
        self._own = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))  # its sockets' names must be short
        self.secret = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        """For the environment of whoever uses it."""
        environment = os.environ | self.secret | {"PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"}
        environment |= {"TMPDIR": str(folder), "RAY_TMPDIR": str(self._own), "XDG_CACHE_HOME": str(folder / "cache")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.ray_cluster"],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )

    def __enter__(self) -> RayCluster:
        assert self._process.stdout is not None
        found = json.loads(next(line for line in self._process.stdout if line.startswith("{")))
        self.address: str = found["address"]
        self.raylets: list[int] = found["raylets"]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate(timeout=60)
        shutil.rmtree(self._own, ignore_errors=True)

    def at_work(self) -> dict[int, Path]:
        """The processes that are in the middle of a task, or died in it, and their folders."""
        return {int(path.name.split("-")[2]): path for path in self.folder.glob(f"{FOLDER_PREFIX}*")}

    def machine_of(self, process: int) -> int:
        """The raylet that a worker's process belongs to."""
        (raylet,) = {parent.pid for parent in psutil.Process(process).parents()} & set(self.raylets)
        return raylet


def main() -> None:
    """Run it."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": MEMORY_BYTES})
    nodes = [cluster.add_node(num_cpus=1, object_store_memory=MEMORY_BYTES) for _ in range(2)]
    raylets = [node.all_processes["raylet"][0].process.pid for node in nodes]
    print(json.dumps({"address": cluster.address, "raylets": raylets}), flush=True)
    sys.stdin.read()
    cluster.shutdown()


if __name__ == "__main__":
    main()
