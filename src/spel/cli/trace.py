"""``spel trace``: the arithmetic behind one spel."""

from __future__ import annotations

import click

from spel.cli.options import shared


class Place(click.ParamType):
    """``ROW,COL`` (or ``PLANE,ROW,COL``) of a spel."""

    name = "ROW,COL"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(int(word) for word in str(value).split(","))
        except ValueError:
            numbers = ()
        if len(numbers) not in (2, 3) or min(numbers) < 0:
            self.fail(f"{value!r} is no place; give ROW,COL as in --at 48,156", param, ctx)
        return numbers


@click.command("trace")
@click.argument("net", metavar="NET")
@click.argument("image", metavar="IMAGE")
@click.option("--at", type=Place(), required=True, help="The spel in the step's output.")
@click.option("--step", metavar="NAME", help="The node to trace. [default: the last one]")
@click.option("--channel", type=click.IntRange(0), metavar="K", help="[default: the strongest]")
@click.option("--json", "as_json", is_flag=True, help="All numbers as one JSON object.")
@shared
def command(
    net: str, image: str, at: tuple[int, ...], step: str | None, channel: int | None, as_json: bool
) -> None:
    """Print every number behind one spel: patch, kernel, products, sum, bias, and so on.

    Each step back goes to the value that made the result, down to the image.
    """
    import spel
    from spel.cli.networks import network

    found = network(net).trace(spel.read(image), at, node=step, channel=channel)
    click.echo(found.to_json() if as_json else found.text())
