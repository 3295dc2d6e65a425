"""``spel convert``: markers, architectures, models and activations between formats."""

from __future__ import annotations

from pathlib import Path

import click

from spel.cli.options import Settings, shared


@click.command("convert")
@click.argument("source", metavar="SRC", type=click.Path(path_type=Path))
@click.argument("target", metavar="DST", type=click.Path(path_type=Path))
@click.option(
    "--labels",
    type=click.Choice(["auto", "from-0", "from-1", "classes"]),
    default="auto",
    show_default=True,
    help="Which label of markers is the background: 0, 1, or none.",
)
@click.option("--arch", type=click.Path(path_type=Path), help="arch.json of a model folder.")
@click.option(
    "--space", default="labnorm2", show_default=True, help="Colour space of the network's input."
)
@shared
def command(
    source: Path, target: Path, labels: str, arch: Path | None, space: str, settings: Settings
) -> None:
    """Convert SRC to DST; the names say from what to what.

    \b
    markers       seeds .txt, strokes .json, label image  ->  .txt or .json
    architecture  arch.json, LIDS modules .json           ->  .safetensors (to be learned)
    model         folder of convL-kernels.npy             ->  .safetensors
    network       .safetensors                            ->  folder, or arch.json
    activation    .npy, image                            <->  .mimg
    """
    settings.say(_convert(source, target, labels, arch, space), 1)
    click.echo(target)


def _convert(source: Path, target: Path, labels: str, arch: Path | None, space: str) -> str:
    import spel
    from spel.errors import ParameterError
    from spel.io import write
    from spel.io.annotation import libift, libift_write, markers, mimg

    kinds = (source.suffix.lower(), target.suffix.lower())
    if source.is_dir() and kinds[1] == ".safetensors":
        libift.read_model(source, arch=arch, space=space).save(target)
        return "a model folder became a network"
    if kinds[0] == ".safetensors":
        network = spel.load(source)
        if kinds[1] == ".json":
            libift_write.write_arch(target, network)
            return "a network became an architecture"
        if not kinds[1]:
            libift_write.write_model(target, network)
            return "a network became a model folder"
    if kinds == (".json", ".safetensors"):
        libift.read_arch(source, space=space).save(target)
        return "an architecture became a network to be learned"
    if kinds[0] == ".mimg" and kinds[1] in (".npy", ".tif", ".tiff"):
        write(target, mimg.read_mimg(source))
        return "a multi-band image was converted"
    if kinds[1] == ".mimg":
        mimg.write_mimg(target, spel.read(source))
        return "an image became a multi-band image"
    if kinds[1] in (".txt", ".json"):
        found = markers.read_markers(source, convention=labels)  # type: ignore[arg-type]
        markers.write_markers(target, found)
        return markers.convention_of(found)
    raise ParameterError(
        f"convert {source} to {target}: nothing is known that makes {kinds[1] or 'a folder'} of "
        f"{kinds[0] or 'a folder'}; see spel convert --help"
    )
