"""Learning a segmenter from strokes: encoder, decoder, object model, delineation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from spel.core.markers import Markers
from spel.decide.delineate import Delineation
from spel.decide.numbers import check_number
from spel.decide.object_learning import Evidence
from spel.decide.object_model import ObjectModel
from spel.decide.presence import Rate, check_rate
from spel.decide.segmentation import Segmentation, segmentation_of
from spel.errors import ParameterError
from spel.flim.class_decoder import class_labels
from spel.learning.classes import learn_classes
from spel.learning.encoded import encode
from spel.learning.one_class import learn_one_class
from spel.nn import Network
from spel.nn.blocks import ImageLike
from spel.nn.intensity import match_white
from spel.nn.layer import Layer
from spel.ops.decode import Method

Image = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class LearnedSegmenter:
    """A segmenter learned from strokes.

    Attributes
    ----------
    network : Network
        Its output is the saliency; its ``meta`` holds the segmentation.
    evidence : Evidence, optional
        Scores of the marked objects and of the best other components; None without component
        selection.
    hard_negatives : tuple of int
        Number of pixels of each marked image that were added to the background.
    """

    network: Network
    evidence: Evidence | None
    hard_negatives: tuple[int, ...]


def learn_segmenter(
    network: Layer,
    images: Sequence[ImageLike],
    markers: Sequence[Markers],
    *,
    names: Sequence[str] = (),
    seed: int = 42,
    blocks: Sequence[str] = (),
    ridge: float = 1e-2,
    hard_negatives: bool = True,
    all_marked: bool | None = None,
    select: Literal["components", "threshold"] = "components",
    multiple: bool = True,
    objects: ObjectModel | None = None,
    delineation: Delineation | None = None,
    decoder: Literal["linear"] | Method = "linear",
    class_names: Mapping[int, str] | None = None,
    undecided: float = 0.0,
    false_alarm_rate: Rate | None = None,
    scales: tuple[float, float] = (1.0, 1.0),
    truncated: bool = False,
    sharp: bool = True,
    cut: bool = False,
    method: Literal["cluster", "points"] = "cluster",
    white: float | None = None,
    on_step: Callable[[str], object] = str,
) -> LearnedSegmenter:
    """Learn a network that segments objects like the marked ones, from strokes alone.

    1. `spel.learn` fills the unlearned convolutions (skipped if there are none).
    2. A logistic regression over the channels of all blocks distinguishes object strokes from
       background strokes. With `hard_negatives` it is fitted a second time, with all that was
       salient in the marked images outside the marked objects as additional background.
    3. Where an image may hold several objects, the saliency is made as sharp as the image
       (`spel.learning.sharp`), so that objects that touch can be separated.
    4. Area, shape and lowest accepted score of the objects are learned from the marked ones.

    With strokes of several classes (more than one label besides the background's, or labels that
    are all classes) the decoder gives a probability per class, and each class of objects has its
    own area and shape; hard negatives are those of one class only, and are left out.

    Parameters
    ----------
    network : Network
        An encoder, with or without `Unlearned` nodes; strides become dilations, so that every
        block has the size of the image (`spel.flim.atrous`).
    images, markers, names, seed, method, white
        As for `spel.learn`.
    blocks : sequence of str, optional
        Nodes whose channels are decoded; by default the last node of every block, a block being a
        learned convolution and what follows it.
    ridge : float
        Penalty on the decoder's weights.
    hard_negatives : bool
        Whether salient pixels outside the marked objects are added to the background.
    all_marked : bool, optional
        Whether every object of a marked image is marked; if not, there are no hard negatives,
        because they may be objects. By default False, or True if an image holds one object.
    select : {"components", "threshold"}
        "components" keeps components of the area and shape of the marked objects; "threshold"
        takes objects of any size and shape, above Otsu's threshold of the saliency.
    multiple : bool
        Whether an image may hold several objects: then each stroke marks one, and objects that
        touch are separated. False keeps at most one object per image, the best.
    objects : ObjectModel, optional
        States spreads, powers and levels of the component selection.
    delineation : Delineation, optional
        By default a seeded watershed on the gradient of what enters the first convolution, or none
        if the saliency is sharp.
    decoder : str
        For several classes: "linear", the softmax of one linear score per class over the channels
        of all blocks, or a published decoder with labels (`spel.ops.decode`), one class against
        the rest, on the last block.
    class_names : mapping of int to str, optional
        Names of the labels, for files and pages.
    undecided : float
        For several classes: spels whose most probable class is less probable are undecided.
    false_alarm_rate : float or "auto", optional
        Largest share of images without an object in which a false alarm is accepted. The bound is
        learned by cross-validation over the marked images (`spel.decide.Presence`) and stored, so
        that another rate may be stated later. "auto" states none: it keeps the most marked objects
        for the fewest backgrounds. By default the lowest score is a fixed step below that of the
        marked objects.
    scales : (low, high)
        Range of lengths of objects, relative to those of the marked ones: with (0.5, 1), objects
        of half the size are accepted too.
    truncated : bool
        Whether objects that the border of the image cuts are accepted, by the ellipse through
        their visible outline. Images only.
    sharp : bool
        Whether colours may sharpen the saliency, if they distinguish the strokes as well as the
        encoder does. Not with a `false_alarm_rate` or `cut`, nor if an image holds one object.
    cut : bool
        For objects of any size and shape of one class: whether each mask is cut once more by the
        colours that object and background have in that image (`spel.decide.color_cut`). Better on
        photographs; such images are not segmented tile by tile.
    on_step : callable, optional
        Called with a message after each step.

    Returns
    -------
    LearnedSegmenter

    Raises
    ------
    ShapeError, ParameterError, FormatError
        If images, markers and network do not fit one another, only one class is marked, or no
        component of the saliency contains the object strokes.
    """
    _check_options(select, scales)
    encoded = encode(
        network, images, markers, names=names, seed=seed, blocks=blocks, method=method,
        white=white, on_step=on_step,
    )  # fmt: skip
    start = _start(objects, multiple, scales, truncated, markers[0].ndim)
    sized = start if select == "components" else None
    how = Segmentation(
        delineation=delineation and replace(delineation, scale=encoded.scale),
        features=encoded.features,
        undecided=undecided,
        cut=cut and select == "threshold",
    )
    several = sum(label != markers[0].background for label in class_labels(markers)) > 1
    if false_alarm_rate is not None:
        check_rate("learn_segmenter", false_alarm_rate)
        if several or sized is None:
            raise ParameterError(
                "learn_segmenter: false_alarm_rate needs one class of objects, and their learned "
                "size (select='components'); leave it out"
            )
    if cut and (several or sized is not None):
        raise ParameterError(
            "learn_segmenter: cut is for objects of any size and shape (select='threshold', "
            "--objects any-size) of one class; leave it out, or state that"
        )
    if several:
        learned = learn_classes(
            encoded,
            markers,
            how,
            sized,
            decoder,
            ridge,
            class_names or {},
            sharp and multiple,
            on_step,
        )
        return LearnedSegmenter(learned, None, ())
    _refuse_class_options(decoder, undecided, class_names)
    complete = not multiple if all_marked is None else all_marked
    mine = hard_negatives and complete
    sharpened = sharp and multiple and false_alarm_rate is None and not cut
    return LearnedSegmenter(
        *learn_one_class(
            encoded, markers, how, sized, ridge, mine, false_alarm_rate, sharpened, on_step
        )
    )


def _refuse_class_options(
    decoder: str, undecided: float, class_names: Mapping[int, str] | None
) -> None:
    options = (
        (decoder != "linear", f"decoder {decoder!r}"),
        (undecided != 0, f"undecided {undecided}"),
        (bool(class_names), f"class names {dict(class_names or {})}"),
    )
    stated = [text for is_stated, text in options if is_stated]
    if stated:
        raise ParameterError(
            f"learn_segmenter: {', '.join(stated)}; this is for several classes, and one "
            "is marked: leave it out"
        )


def _check_options(select: str, scales: tuple[float, float]) -> None:
    if select not in ("components", "threshold"):
        raise ParameterError(
            f"learn_segmenter: select {select!r}; expected 'components' or 'threshold'"
        )
    for scale in scales:
        check_number("learn_segmenter", "scales", scale, 0.01, 100)
    if len(scales) != 2 or scales[0] > scales[1]:
        raise ParameterError(f"learn_segmenter: scales {scales!r}; expected a low and a high one")


def _start(
    objects: ObjectModel | None,
    multiple: bool,
    scales: tuple[float, float],
    truncated: bool,
    ndim: int,
) -> ObjectModel:
    """The model from which learning starts: the options about objects."""
    start = replace(objects or ObjectModel(area=1000), multiple=multiple)
    if truncated and ndim > 2:
        raise ParameterError(
            "learn_segmenter: truncated objects are measured by an ellipse, in images only; leave "
            "truncated out for volumes"
        )
    if scales != (1.0, 1.0):
        start = replace(start, area_range=(scales[0] ** ndim, scales[1] ** ndim))
    return replace(start, truncated=True) if truncated else start


def suggest_strokes(
    network: Network,
    images: Sequence[npt.ArrayLike],
    markers: Sequence[Markers],
    *,
    names: Sequence[str] = (),
    near: float = 0.5,
    white: float | None = None,
) -> tuple[str, ...]:
    """Sentences about components that look like objects but have no stroke.

    Parameters
    ----------
    network : Network
        Learned by `learn_segmenter`, with component selection.
    images, markers, names
        The marked images, or new ones with empty markers.
    near : float
        How far the score of such a component may lie below the lowest accepted score.
    white : float, optional
        Full intensity of the images, as for `spel.learn`.

    Returns
    -------
    tuple of str
        One sentence per component, in decreasing order of the score.
    """
    model = segmentation_of(network).objects
    if model is None:
        return ()
    wide = replace(model, min_score=model.min_score - near)
    titles = list(names) or [str(number) for number in range(len(markers))]
    warnings = []
    for image, drawn, name in zip(images, markers, titles, strict=True):
        for score, one in wide.rank(network(match_white(network, image, white))):
            if score > wide.min_score and one.coverage(drawn.points) == 0:
                place = tuple(np.add(one.origin, np.array(one.mask.shape) // 2).tolist())
                warnings.append(
                    (
                        score,
                        f"image {name}: the component around {place} looks like an object (score "
                        f"{score:.2f}, lowest accepted {model.min_score:.2f}) and has no stroke; "
                        "mark it, or draw a background stroke on it",
                    )
                )
    return tuple(text for _, text in sorted(warnings, key=lambda pair: -pair[0]))
