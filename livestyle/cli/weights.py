"""`livestyle weights`: other networks than the shipped ones, on the command line."""

from __future__ import annotations

import hashlib
import json as jsonlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livestyle.errors import WeightsError
from livestyle.options.common import JsonOption, QuietOption

if TYPE_CHECKING:
    from livestyle.model.weights_store import NewWeights, WeightsSet

weights_app = typer.Typer(no_args_is_help=True, help="Networks to choose from with --weights: list, import, remove.")


def _as_dict(found: WeightsSet) -> dict[str, Any]:
    from livestyle.model.weights import encoder_id, models_in

    return {
        "name": found.name,
        "models": models_in(found.folder),
        "arch": found.encoder.arch,
        "default": found.builtin,
        "builtin": found.builtin,
        "encoder": encoder_id(found.folder),
        "encoder_sha256": found.encoder.sha256,
        "decoder_sha256": found.decoder.sha256,
        "origin": found.decoder.origin,
        "licence": found.decoder.licence,
        "folder": str(found.folder),
    }


@weights_app.command("list")
def list_weights(json: JsonOption = False) -> None:
    """All weights: the shipped ones, which are used by default, then yours."""
    from livestyle.model.weights_store import SHIPPED, own_names, read_set

    rows = []
    for name in (SHIPPED, *own_names()):
        try:
            rows.append(_as_dict(read_set(name)))
        except WeightsError as error:
            typer.echo(f"left out: {error}", err=True)
    if json:
        typer.echo(jsonlib.dumps(rows))
        return
    for row in rows:
        note = "used by default" if row["default"] else "yours"
        sha = f"encoder {row['encoder_sha256'][:8]}  decoder {row['decoder_sha256'][:8]}"
        typer.echo(f"{row['name']:<24} {row['arch']}  {sha}  {' and '.join(row['models'])}  ({note})")


@weights_app.command("import")
def import_pair(
    vgg: Annotated[Path, typer.Argument(metavar="VGG_NORMALISED.pth", help="The encoder's file.")],
    decoder: Annotated[Path, typer.Argument(metavar="DECODER.pth", help="The decoder's file.")],
    name: Annotated[str | None, typer.Option(help="Name of the weights; default: the decoder file's.")] = None,
    quiet: QuietOption = False,
) -> None:
    """Turn a pair of pytorch-AdaIN checkpoints into weights for --weights NAME. The files stay."""
    from livestyle.model.weights_store import new_name, save_set

    name = new_name(name if name is not None else decoder.name.removesuffix(".tar").removesuffix(".pth"))
    networks = _converted(vgg, decoder)
    command = shlex.join(["livestyle", "weights", "import", vgg.name, decoder.name, "--name", name])
    made = save_set(name, networks, command=command)
    if quiet:
        return
    precisions = ", ".join(f"{role} {_precision(new)}" for role, new in networks.items())
    typer.echo(f"imported {name} to {made.folder} (vgg19; {precisions})", err=True)
    typer.echo(
        f"try: livestyle live --weights {name} -s IMAGE; the built-in styles fit the shipped encoder only, "
        f"`livestyle styles add IMAGE --weights {name}` keeps styles for this one",
        err=True,
    )


def _converted(vgg: Path, decoder: Path) -> dict[str, NewWeights]:
    """Both files as livestyle's networks. Raises WeightsError."""
    from livestyle.model.convert import decoder_from_adain, encoder_from_adain, storable
    from livestyle.model.weights import read_checkpoint
    from livestyle.model.weights_store import NewWeights

    encoder_tensors = encoder_from_adain(read_checkpoint(vgg), str(vgg))
    decoder_tensors = decoder_from_adain(read_checkpoint(decoder), str(decoder))
    return {
        "encoder": NewWeights(storable(encoder_tensors), "vgg19.safetensors", _origin(vgg)),
        "decoder": NewWeights(storable(decoder_tensors), "decoder.safetensors", _origin(decoder)),
    }


def _origin(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{path.name} (sha256 {digest}), in the layout of naoto0804/pytorch-AdaIN"


def _precision(new: NewWeights) -> str:
    dtypes = {str(tensor.dtype).removeprefix("torch.") for tensor in new.tensors.values()}
    return "/".join(sorted(dtypes))


@weights_app.command()
def remove(names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Weights that you imported.")]) -> None:
    """Remove weights of your own. Styles that were added for them stay, and fit again after a new import."""
    from livestyle.model.weights_store import remove_set

    for name in names:
        remove_set(name)
        typer.echo(f"removed {name}")
