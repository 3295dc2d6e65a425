"""``spel segment``: a mask for every image."""

from __future__ import annotations

from pathlib import Path

import click

from spel.cli.image_options import Reading, image_options
from spel.cli.options import Settings, shared


@click.command("segment")
@click.argument("net", metavar="NET")
@click.argument("images", metavar="IMAGES...", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the masks.")
@click.option("--saliency", is_flag=True, help="Also write NAME.saliency.tif, float32.")
@image_options
@shared
def command(
    net: str,
    images: tuple[str, ...],
    out: Path,
    saliency: bool,
    reading: Reading,
    settings: Settings,
) -> None:
    """Write one mask per image: NAME.png in the folder, 255 on objects and 0 elsewhere.

    IMAGES are files, folders, quoted patterns, lists (.txt) or - (a list on standard input). If two
    images have the same name, the mask of the second one is NAME-2.png. The names of the written
    files go to standard output.
    """
    import numpy as np

    from spel.cli.files import ensure_folder, for_each_file
    from spel.cli.networks import network
    from spel.cli.ranges import ImageReader
    from spel.decide.segmentation import resolve_segmentation, segment
    from spel.io import write
    from spel.io.sources import expand

    learned = network(net)
    segmentation = resolve_segmentation(learned, None)
    folder, read = ensure_folder(out), ImageReader(learned, settings, reading)

    def save(path: Path, name: str) -> None:
        image = read(path)
        mask = segment(learned, image, segmentation, white=read.white)
        file = folder / f"{name}.png"
        write(file, np.where(mask, np.uint8(255), np.uint8(0)))
        click.echo(file)
        if saliency:
            write(folder / f"{name}.saliency.tif", learned(image))

    raise SystemExit(for_each_file(expand(images), save, settings, folder))
