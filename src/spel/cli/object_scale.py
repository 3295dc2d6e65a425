"""The scale of the objects in the images of a command, estimated before it runs."""

from __future__ import annotations

from collections.abc import Sequence

from spel.cli.learn_run import read_in_units
from spel.cli.options import Settings
from spel.cli.run_options import RunOptions
from spel.decide import estimate_scale
from spel.errors import plural
from spel.io.sources import expand, spread
from spel.nn import Network

MOST = 20
"""Images from which a scale is estimated, spread evenly over all of them."""


def estimated_scale(
    network: Network, images: Sequence[str], run: RunOptions, settings: Settings
) -> float:
    """How long the objects are, over the marked ones; the answer is said, too."""
    paths = expand(images, outside=run.out)
    some = spread(paths, MOST)
    scale = estimate_scale(network, read_in_units(some, settings, run.reading))
    settings.say(
        f"scale: objects are {scale:g} times as long as the marked ones "
        f"({plural(len(some), 'image')}); --scale {scale:g} states it"
    )
    return scale
