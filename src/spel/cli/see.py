"""``spel see``: what a file holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from spel.cli.image_options import page_option
from spel.cli.options import shared
from spel.cli.types import Integers

SIZE = Integers("ROWS,COLS[,CHANNELS]", (2, 3, 4), 1, "--size 480,640")


@click.command("see")
@click.argument("file", metavar="FILE")
@click.option("--size", type=SIZE, help="Image size for a network's table. [default: 480,640]")
@page_option
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
@shared
def command(file: str, size: tuple[int, ...] | None, page: int | None, as_json: bool) -> None:
    """Describe FILE: an image, a video, a network (or a name such as plate-lecture), a classifier,
    results (.jsonl), annotations (of any format, also a folder) or markers. The content of the file
    decides which it is.
    """
    values, text = described(file, size, page)
    click.echo(json.dumps(values) if as_json else text)


def described(
    file: str, size: tuple[int, ...] | None = None, page: int | None = None
) -> tuple[dict[str, Any], str]:
    """What a file holds, as plain values and as text."""
    from spel import zoo
    from spel.cli.networks import network
    from spel.io.info import file_info, first_bytes
    from spel.nn.info import network_info

    path = Path(file)
    head = first_bytes(path)
    shipped = file in zoo.names() and not path.exists()
    if not shipped and _is_network(head) and b"spel.estimator" in head:
        from spel.sklearn.info import classifier_info

        return classifier_info(path)
    if shipped or _is_network(head):
        return network_info(network(file), file, size)
    return file_info(path, head, page)


def _is_network(head: bytes) -> bool:
    """Whether a file begins as a safetensors file: the length of a header, then JSON."""
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 40
