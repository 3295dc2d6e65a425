"""From a network and an image to a mask, a label image of classes, and instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.instances import Instances
from spel.core.numbers import as_numbers
from spel.core.value import Value, derived_property
from spel.decide.components import Mask
from spel.decide.frame import Frame
from spel.decide.object_scale import check_scale, resized, size_at
from spel.decide.parts import Window
from spel.decide.pieces import Kind, kinds_of, mask_pieces
from spel.decide.segmentation import (
    UNDECIDED,
    ObjectClass,
    Segmentation,
    resolve_segmentation,
)
from spel.errors import FormatError, ParameterError, ShapeError
from spel.nn.intensity import match_white
from spel.nn.network import Network
from spel.nn.node import INPUT
from spel.nn.volumes import refuse_volume
from spel.ops.enlarge import enlarge

Real = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SegmentedImage(Value):
    """The segmentation of one image: mask, classes and instances, each computed when first read.

    Attributes
    ----------
    output : (rows, cols, k) array of float32
        The network's output: one saliency, or the probability of each class.
    segmentation : Segmentation
    features : (rows, cols, C) array, optional
        What cut and delineation look at.
    spacing : tuple of float, optional
        Length of a step along each axis, the shortest being 1; by default all are 1.

    Examples
    --------
    >>> saliency = np.array([[[0.9], [0.8], [0.1], [0.7]]], np.float32)
    >>> image = SegmentedImage(saliency, Segmentation(threshold=0.5))
    >>> image.mask.tolist(), image.instances.labels.tolist()
    ([[True, True, False, True]], [[1, 1, 0, 2]])
    """

    output: Real
    segmentation: Segmentation
    features: npt.NDArray[np.generic] | None = None
    spacing: tuple[float, ...] | None = None

    @derived_property
    def labels(self) -> npt.NDArray[np.int32]:
        """Label image of the classes: `UNDECIDED` (-1) where none is probable enough.

        For a network with one saliency, it is 1 on objects and 0 elsewhere.
        """
        how = self.segmentation
        if not how.classes:
            return self.mask.astype(np.int32)
        labels = how.labels(self.output)
        if how.delineation is None or self.features is None:
            return labels
        return (
            how.delineation.refine_regions(self.features, labels - UNDECIDED, self.spacing)
            + UNDECIDED
        )

    @derived_property
    def mask(self) -> Mask:
        """Spels that belong to an object of any class; of several sized objects, the instances.

        A component of objects that touch is delineated object by object: its own hull would cover
        what lies between them.
        """
        how = self.segmentation
        if how.classes:
            return how.objects_in(self.labels)
        if how.objects is not None and how.objects.multiple:
            return np.asarray(self.instances.labels > 0)
        return how.mask(self.output, self.features, self.spacing)

    @derived_property
    def instances(self) -> Instances:
        """The objects one by one, best first; those that touch are separated."""
        how = self.segmentation
        kinds = kinds_of(how)
        pieces = [piece for kind in kinds for piece in self._pieces(kind)]
        pieces.sort(key=lambda piece: -piece[0])
        labels: npt.NDArray[Any] = np.zeros(self.output.shape[:-1], dtype=np.int32)
        for number, (_, _, window, mask) in enumerate(pieces, 1):
            labels[window][mask & (labels[window] == 0)] = number
        sized = any(kind.model is not None for kind in kinds)
        if sized and how.delineation is not None and self.features is not None:
            labels = how.delineation.refine_labels(self.features, labels, self.spacing)
        left, labels = np.unique(labels, return_inverse=True)
        rest = [pieces[number - 1] for number in left[left > 0]]
        return Instances(
            labels.reshape(self.output.shape[:-1]) + int(left[0] > 0 if len(left) else 0),
            [score for score, _, _, _ in rest],
            [one.label for _, one, _, _ in rest],
            tuple(one.title for _, one, _, _ in rest) if how.classes else (),
        )

    def _pieces(self, kind: Kind) -> list[tuple[float, ObjectClass, Window, Mask]]:
        """The objects of one class, with their probabilities."""
        how, one = self.segmentation, kind.one
        saliency = self.output[..., kind.channel]
        if kind.model is not None:
            pairs = kind.model.select(saliency)
            return [(kind.probability(s), one, c.window, c.mask) for s, c in pairs]
        mask = self.labels == one.label if how.classes else self.mask
        pieces = mask_pieces(mask, saliency, how.neck, self.spacing, Frame.whole(mask.shape))
        return [(piece.score, one, piece.window, piece.mask) for piece in pieces]


def segment_image(
    network: Network,
    image: npt.ArrayLike,
    segmentation: Segmentation | None = None,
    *,
    white: float | None = None,
    spacing: Sequence[float] | None = None,
    scale: float = 1.0,
) -> SegmentedImage:
    """Segment one image: its mask, its classes and its instances.

    Parameters
    ----------
    network : Network
        Its output is the saliency, one channel in 0..1, or the probability of each class.
    image : (rows, cols[, C]) array, with planes before them for voxels
    segmentation : Segmentation, optional
        Replaces the network's own segmentation.
    white : float, optional
        Full intensity of the image; by default that of its type. The image is brought to the white
        that the network expects (`spel.nn.match_white`).
    spacing : sequence of float, optional
        Length of a step along each axis, as the metadata of a volume state it. The distances by
        which objects are delineated and separated are then measured in the shortest step.
    scale : float
        Length of the objects in this image, over that of the marked ones. The network sees the
        image resized by ``1 / scale``, and its output comes back to the size of the image
        (`spel.decide.estimate_scale` finds the scale of a set of images). Images only.

    Returns
    -------
    SegmentedImage
        It has the size of the image, whatever the network's strides.

    Raises
    ------
    ShapeError, ParameterError, FormatError
        If the network makes boxes, or its output does not fit the segmentation; or if the image is
        a volume and the network is for images.

    Examples
    --------
    >>> from spel.nn import Scale, chain
    >>> image = segment_image(chain(Scale([1.0])), [[0.1, 0.9, 0.9]], Segmentation(threshold=0.5))
    >>> image.labels.tolist(), image.instances.areas.tolist()
    ([[0, 1, 1]], [2])
    """
    chosen = resolve_segmentation(network, segmentation)
    array = match_white(network, as_numbers(image, "segment"), white)
    array = array[..., None] if array.ndim == (network.ndim or 2) else array
    refuse_volume(network, array.shape, "segment")
    size = array.shape[:-1]
    source = array
    if scale != 1:
        source = resized(array, size_at(size, 1 / check_scale("segment", scale, array.shape)))
        chosen = chosen.scaled(scale)
    activations = network.select(source, _read_nodes(network, chosen))
    output = _output(network, activations, chosen, source)
    features: npt.NDArray[np.generic] | None = None
    if chosen.looks:
        features = source if chosen.features == INPUT else activations[chosen.features]
        if np.shape(features)[:-1] != source.shape[:-1]:
            raise FormatError(
                f"segment: features {chosen.features!r} of size {np.shape(features)[:-1]} for an "
                f"image of size {source.shape[:-1]}; cut or delineate on a node without strides"
            )
    if scale != 1:
        output = resized(output, size)
        features = None if features is None else resized(features, size)
    return SegmentedImage(output, chosen, features, relative_spacing(spacing, len(size)))


def _read_nodes(network: Network, how: Segmentation) -> list[str]:
    """The output and what cut and delineation look at; the engine keeps nothing else."""
    looks = how.looks and how.features != INPUT
    return list(dict.fromkeys([network.output, *([how.features] if looks else [])]))


def _output(
    network: Network, activations: Mapping[str, Real], how: Segmentation, image: npt.NDArray[Any]
) -> Real:
    """The output of the network at the size of the image, one channel per class."""
    output = activations[network.output]
    expected = len(how.classes) or 1
    if output.ndim != image.ndim or output.shape[-1] != expected:
        raise ShapeError(
            f"segment: the network's output has the shape {output.shape}; expected "
            + (f"{expected} channels, one per class" if how.classes else "one channel, saliency")
        )
    size = image.shape[:-1]
    return output if output.shape[:-1] == size else enlarge(output, size, strides_of(network))


def relative_spacing(spacing: Sequence[float] | None, axes: int) -> tuple[float, ...] | None:
    """The spacing in units of its shortest step; None if it is the same along all axes."""
    if spacing is None or len(set(spacing)) < 2:
        return None
    if len(spacing) != axes or not min(spacing) > 0:
        raise ParameterError(f"segment: spacing {spacing!r}; expected {axes} lengths above 0")
    return tuple(float(step) / float(min(spacing)) for step in spacing)


def segment(
    network: Network,
    image: npt.ArrayLike,
    segmentation: Segmentation | None = None,
    *,
    white: float | None = None,
    scale: float = 1.0,
) -> Mask:
    """The mask of the objects of one image; `segment_image` tells classes and instances apart.

    Parameters
    ----------
    network, image, segmentation, white, scale
        As for `segment_image`.

    Returns
    -------
    (rows, cols) array of bool
        It has the size of the image, whatever the network's strides.

    Examples
    --------
    >>> from spel.nn import Scale, chain
    >>> segment(chain(Scale([1.0])), [[0.1, 0.2, 0.9]]).tolist()
    [[False, False, True]]
    """
    return segment_image(network, image, segmentation, white=white, scale=scale).mask


def strides_of(network: Network) -> tuple[int, ...]:
    """Spels of the image from one spel of the output to the next.

    Raises
    ------
    ShapeError
        If the output has more spels than the image.
    """
    strides = network.footprints[network.output].stride
    if min(strides) < 1:
        raise ShapeError(
            f"segment: the output {network.output!r} has more spels than the image; end the "
            "network with a layer whose output has the size of the image"
        )
    return tuple(map(int, strides))
