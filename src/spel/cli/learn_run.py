"""The work of ``spel learn``: marked images, an architecture, a learned network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

import spel
from spel.cli.image_options import Reading
from spel.cli.options import Settings
from spel.cli.ranges import FileReader
from spel.cli.spaces import input_space
from spel.core.intensity import to_white
from spel.core.markers import Markers
from spel.decide import Delineation, Segmentation, segmentation_of
from spel.decide.mask_picture import picture_type
from spel.errors import ParameterError, plural
from spel.flim import check_markers
from spel.io.annotation.libift import read_arch
from spel.io.annotation.marker_folder import marked_images
from spel.io.annotation.markers import convention_of
from spel.learning.segmenter import learn_segmenter, suggest_strokes
from spel.learning.stroke_check import check_strokes
from spel.nn import Center, Color, Network, chain
from spel.nn.blocks import AnyImage, InBlocks

MAX_SUGGESTIONS = 5
SEGMENTER = (
    *("all_marked", "decoder", "class_names", "undecided", "false_alarm_rate", "scales"),
    *("truncated", "sharp", "cut"),
)
"""Options of the command that are those of `learn_segmenter`."""
WHITE = 255.0
"""Full intensity in the units in which images are learned from."""


@dataclass(frozen=True)
class MarkedImages:
    """Images with strokes, in one order."""

    names: list[str]
    paths: list[Path]
    images: list[AnyImage]
    markers: list[Markers]


def read_marked_images(
    folder: Path,
    markers: Path,
    convention: str,
    settings: Settings,
    reading: Reading | None = None,
    tile: int | None = None,
) -> MarkedImages:
    """The images that have a marker file, with notes about their strokes."""
    strokes, paths = marked_images(folder, markers, convention)
    names = list(strokes)
    marked = MarkedImages(
        names,
        [paths[name] for name in names],
        in_blocks_or_whole([paths[name] for name in names], settings, reading, tile),
        [strokes[name] for name in names],
    )
    for name, image, drawn in zip(names, marked.images, marked.markers, strict=True):
        drawn.check_fits(image.shape[:-1], f"image {name!r}")
    settings.say(f"{plural(len(names), 'marked image')}; {convention_of(marked.markers[0])}")
    for finding in check_markers(marked.markers, marked.images, names=names):
        settings.say(f"note: {finding}")
    return marked


def read_in_units(
    paths: Sequence[Path], settings: Settings, reading: Reading | None = None
) -> list[npt.NDArray[Any]]:
    """Images in units of 8 bits, whatever their files have; what is assumed is said once."""
    read = FileReader(settings, reading)
    return [_in_units(*read(path)) for path in paths]


def in_blocks_or_whole(
    paths: Sequence[Path], settings: Settings, reading: Reading | None, tile: int | None
) -> list[AnyImage]:
    """`read_in_units`; those too large to be read whole, or all with a tile, are seen in blocks."""
    images: list[AnyImage] = []
    read = FileReader(settings, reading)
    for path in paths:
        large = read.large(path, tile)
        if large is None:
            images.append(_in_units(*read(path)))
        else:
            images.append(InBlocks(large, side=tile).in_units(WHITE, large.white))
    return images


def _in_units(image: npt.NDArray[Any], white: float | None) -> npt.NDArray[Any]:
    return image if white is None else to_white(image, white, WHITE)


def whole_images(marked: MarkedImages, option: str) -> list[npt.NDArray[Any]]:
    """The images as arrays; an option that needs them is refused if one is read in blocks."""
    for name, image in zip(marked.names, marked.images):
        if isinstance(image, InBlocks):
            raise ParameterError(
                f"{option} shows images whole, and {name} is read in blocks; leave {option} out"
            )
    return [np.asarray(image) for image in marked.images]


def architecture(
    path: Path, marked: MarkedImages, settings: Settings, options: dict[str, Any]
) -> Network:
    """The network in a file, to be learned."""
    if path.suffix.lower() != ".json":
        return spel.load(path)
    space = input_space(options["space"], marked.paths, settings)
    if not options["center"]:
        return read_arch(path, space=space)
    encoder = read_arch(path, space=None)
    first = {} if space is None else {"color": Color(space)}  # type: ignore[arg-type]
    return chain(chain(**first, center=Center()), encoder).with_meta(**encoder.meta)


def learn_encoder(
    network: Network, marked: MarkedImages, settings: Settings, options: dict[str, Any]
) -> Network:
    """Learn the kernels only."""
    began = perf_counter()
    learned = spel.learn(
        network, marked.images, marked.markers, **_common(marked, settings, options)
    )
    settings.say(f"learned {learned.parameters} weights in {perf_counter() - began:.2f} s")
    return learned


def learn_whole(
    network: Network, marked: MarkedImages, settings: Settings, options: dict[str, Any]
) -> Network:
    """Learn kernels, decoder and objects."""
    began = perf_counter()
    learned = learn_segmenter(
        network,
        marked.images,
        marked.markers,
        **_common(marked, settings, options),
        **{name: options[name] for name in SEGMENTER},
        select="threshold" if options["objects"] == "any-size" else "components",
        multiple=options["objects"] != "one",
        delineation=_delineation(options),
    ).network
    settings.say(
        f"learned {learned.parameters} weights in {perf_counter() - began:.2f} s; "
        + segmentation_of(learned).describe()
    )
    _note_labels(segmentation_of(learned), settings)
    whole = [n for n, image in enumerate(marked.images) if not isinstance(image, InBlocks)]
    suggestions = suggest_strokes(
        learned,
        [np.asarray(marked.images[n]) for n in whole],
        [marked.markers[n] for n in whole],
        names=[marked.names[n] for n in whole],
        white=WHITE,
    )
    for sentence in suggestions[:MAX_SUGGESTIONS]:
        settings.say(f"note: {sentence}")
    if len(suggestions) > MAX_SUGGESTIONS:
        settings.say(f"note: and {len(suggestions) - MAX_SUGGESTIONS} more such components")
    return learned


def _note_labels(how: Segmentation, settings: Settings) -> None:
    """Say so if files of masks cannot hold the labels."""
    try:
        picture_type(how)
    except ParameterError as error:
        settings.say(f"note: {error}")


def _delineation(options: dict[str, Any]) -> Delineation | None:
    """The delineation that is stated; None for the default."""
    method, average = options["delineation"], options["average_border"]
    if method is None and not average:
        return None
    hull = options["objects"] != "any-size"
    return Delineation(method or "watershed", convex=hull, average=average)


def check_each_stroke(
    network: Network, marked: MarkedImages, settings: Settings, options: dict[str, Any]
) -> None:
    """Say what each stroke is worth to the other marked images, and warn of those that hurt."""
    effects = check_strokes(
        network, marked.images, marked.markers, **_common(marked, settings, options)
    )
    harmful = [effect for effect in effects if effect.hurts]
    for effect in harmful:
        settings.say(
            f"warning: {effect}; the stroke hurts. See whether it lies where its label says, or "
            "remove it"
        )
    settings.say(
        f"{len(effects)} strokes: {len(harmful)} hurt the balanced accuracy on the other images"
    )


def _common(marked: MarkedImages, settings: Settings, options: dict[str, Any]) -> dict[str, Any]:
    """What every learner from strokes takes, besides network, images and markers."""
    return {
        "names": marked.names,
        "seed": options["seed"],
        "method": options["method"],
        "white": WHITE,
        "on_step": settings.say,
    }


def names_of_classes(pairs: Sequence[str]) -> dict[int, str]:
    """``LABEL=NAME`` as a mapping; each label stands once."""
    names: dict[int, str] = {}
    for pair in pairs:
        label, _, name = pair.partition("=")
        if not label.isdecimal() or not name or int(label) in names:
            raise ParameterError(f"--class {pair!r}; expected LABEL=NAME, each label once: 1=leaf")
        names[int(label)] = name
    return names
