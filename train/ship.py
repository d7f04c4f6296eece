"""Weights folders as livestyle takes them; and a finished run's network put among those that ship.

python -m train.ship --run runs/decoder --command 'python -m train.decoder ...'
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from safetensors.torch import save
from torch import Tensor

from train.runtime import flag, parse_flags, run


@dataclass(frozen=True)
class Flags:
    """Put a trained network into the weights folder and write the manifest."""

    run: Path = flag("the training's --out folder")
    command: str = flag("the training command, for the manifest; default: the one the run noted", "")
    weights: Path = flag("the weights folder", Path("weights"))


class Network(NamedTuple):
    """One file of a weights folder."""

    data: bytes
    entry: dict[str, Any]
    """What the manifest says of it; the sha256 is added."""


def encoder_network(file: Path, arch: str) -> Network:
    """The encoder a run used, described as in the manifest beside its file if there is one."""
    data = file.read_bytes()
    known = _manifest(file.parent).values()
    entry = next((e for e in known if e["file"] == file.name and e["sha256"] == hashlib.sha256(data).hexdigest()), {})
    blank = {"file": file.name, "arch": arch, "origin": file.name, "licence": "as its source", "command": ""}
    return Network(data, blank | entry)


def trained_network(name: str, tensors: Mapping[str, Tensor], arch: str, command: str) -> Network:
    """A network of ours, in half precision. name: decoder or fast, as in the manifest."""
    data = save({k: v.half().contiguous().cpu() for k, v in tensors.items()})
    origin = "trained by this project; see weights/README.md"
    entry = {"file": f"{name}.safetensors", "arch": arch, "origin": origin, "licence": "MIT", "command": command}
    return Network(data, entry)


def write_weights(folder: Path, networks: Mapping[str, Network]) -> None:
    """Write a weights folder in place of what `folder` was; it is whole at every moment but one."""
    part, old = folder.with_name(folder.name + ".part"), folder.with_name(folder.name + ".old")
    for leftover in (part, old):
        shutil.rmtree(leftover, ignore_errors=True)
    part.mkdir(parents=True)
    for network in networks.values():
        (part / network.entry["file"]).write_bytes(network.data)
    _write_manifest(part, _described(networks))
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def add_networks(folder: Path, networks: Mapping[str, Network]) -> None:
    """Put networks into a weights folder, beside or in place of those of other or the same name."""
    entries = _manifest(folder) | _described(networks)
    for network in networks.values():
        _replace(folder / network.entry["file"], network.data)
    _write_manifest(folder, entries)


def _described(networks: Mapping[str, Network]) -> dict[str, dict[str, Any]]:
    """Entries of the manifest."""
    return {
        name: network.entry | {"sha256": hashlib.sha256(network.data).hexdigest()} for name, network in networks.items()
    }


def _write_manifest(folder: Path, entries: Mapping[str, dict[str, Any]]) -> None:
    _replace(folder / "manifest.json", (json.dumps({"weights": entries}, indent=2) + "\n").encode())


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    os.replace(part, path)


def _manifest(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / "manifest.json"
    entries: dict[str, dict[str, Any]] = (
        json.loads(path.read_text(encoding="utf-8"))["weights"] if path.exists() else {}
    )
    return entries


def ship(flags: Flags) -> None:
    """Copy the run's networks, note the command, hash. Networks that the run did not train stay.

    Raises FileNotFoundError when the run trained nothing, ValueError when it used another encoder than
    the networks that stay.
    """
    source = flags.run / "weights"
    new = {name: Network((source / e["file"]).read_bytes(), e) for name, e in _manifest(source).items()}
    old = _manifest(flags.weights)
    trained = [name for name in new if name != "encoder"]
    if not trained:
        raise FileNotFoundError(f"{source} holds no trained network: give the --out folder of a training")
    staying = [name for name in old if name not in new]
    if staying and old["encoder"]["sha256"] != _described(new)["encoder"]["sha256"]:
        raise ValueError(f"{flags.run} used another encoder than {' and '.join(staying)} in {flags.weights}")
    if flags.command:
        for name in trained:
            new[name].entry["command"] = flags.command
    add_networks(flags.weights, new)
    print(f"{flags.weights / 'manifest.json'}: {' and '.join(trained)} of {flags.run}")


if __name__ == "__main__":
    run(ship, parse_flags(Flags))
