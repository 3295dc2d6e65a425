"""The scale of the objects in the images of a command, estimated before it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spel.cli.image_options import Reading, default_isolate
from spel.cli.learn_run import read_in_units
from spel.cli.options import Settings
from spel.decide import estimate_scale
from spel.errors import plural
from spel.io.image.header import MAX_PIXELS
from spel.io.sources import expand
from spel.nn import Network

MOST = 20
"""Images from which a scale is estimated, spread evenly over all of them."""


def estimated_scale(
    network: Network, images: Sequence[str], options: dict[str, Any], settings: Settings
) -> float:
    """How long the objects are, over the marked ones; the answer is said, too."""
    paths = expand(images)
    some = paths[:: -(-len(paths) // MOST)]
    reading = Reading(
        default_isolate(options["isolate"]), options["max_pixels"] or MAX_PIXELS, options["page"]
    )
    scale = estimate_scale(network, read_in_units(some, settings, reading))
    settings.say(
        f"scale: objects are {scale:g} times as long as the marked ones "
        f"({plural(len(some), 'image')}); --scale {scale:g} states it"
    )
    return scale
