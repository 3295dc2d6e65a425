"""``spel trace``: the arithmetic behind one pixel of a result."""

from __future__ import annotations

import click

from spel.cli.image_options import Reading, image_options
from spel.cli.options import Settings, shared
from spel.cli.types import Integers

PLACE = Integers("ROW,COL", (2, 3), 0, "--at 48,156")


@click.command("trace")
@click.argument("net", metavar="NET")
@click.argument("image", metavar="IMAGE")
@click.option("--at", type=PLACE, required=True, help="Pixel in the output of the step.")
@click.option("--step", metavar="NAME", help="The step to trace. [default: the last one]")
@click.option("--channel", type=click.IntRange(0), metavar="K", help="[default: the strongest]")
@click.option("--json", "as_json", is_flag=True, help="All numbers as one JSON object.")
@image_options
@shared
def command(
    net: str,
    image: str,
    at: tuple[int, ...],
    step: str | None,
    channel: int | None,
    as_json: bool,
    reading: Reading,
    settings: Settings,
) -> None:
    """Print every number behind one pixel: patch, kernel, products, sum, bias, and so on.

    Each step back goes to the value that determined the result, down to the image.
    """
    from spel.cli.networks import network
    from spel.cli.ranges import ImageReader

    learned = network(net)
    array = ImageReader(learned, settings, reading)(image)
    trace = learned.trace(array, at, node=step, channel=channel)
    click.echo(trace.to_json() if as_json else trace.text())
