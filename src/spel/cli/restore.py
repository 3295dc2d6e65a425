"""``spel restore``: a picture without noise, larger, or sharper."""

from __future__ import annotations

import click

from spel.cli.image_options import Reading, image_options
from spel.cli.options import Settings, shared


@click.command("restore")
@click.argument("restorer", metavar="RESTORER")
@click.argument("image", metavar="IMAGE")
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    help="Picture to write; it keeps its type, but 1 bit becomes 8.",
)
@image_options
@shared
def command(restorer: str, image: str, out: str, reading: Reading, settings: Settings) -> None:
    """Restore IMAGE with a RESTORER that spel learn-restore wrote, channel by channel."""
    import numpy as np

    from spel import write
    from spel.cli.progress import Progress
    from spel.cli.ranges import FileReader
    from spel.io.image.writer import check_file, check_type
    from spel.synthesis import load_restorer

    check_file(out)
    learned = load_restorer(restorer)
    array, full = FileReader(settings, reading).picture(image)
    if array.dtype == np.bool_:  # what is restored has greys
        array, full = array.astype(np.uint8) * 255, 255.0
    whole = array.dtype.kind in "iu"
    check_type(out, array.dtype if whole else np.float32, array.shape[-1])
    with Progress(learned.bands(array.shape), settings.progress, unit="bands") as progress:
        restored = learned(array, white=full, on_band=progress.step)
    if whole:
        restored = np.clip(np.rint(restored), 0, full).astype(array.dtype)
    write(out, restored)
    click.echo(out)
