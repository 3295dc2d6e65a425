"""From a network to a mask: saliency, component selection, delineation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.masked import as_unmasked
from spel.decide.components import Mask
from spel.decide.decision import DECISION
from spel.decide.delineate import Delineation
from spel.decide.object_model import ObjectModel
from spel.errors import FormatError, ParameterError, ShapeError
from spel.nn.intensity import match_white
from spel.nn.network import Network
from spel.nn.node import INPUT
from spel.ops.enlarge import enlarge
from spel.ops.threshold import Rule, checked_rule, threshold

KEY = "segmentation"
"""Entry of a network's ``meta`` that holds its segmentation."""

VERSION = 2
"""Version of the stored form; spel 0.1 wrote none, and other names in the object model."""


@dataclass(frozen=True)
class Segmentation:
    """How a saliency becomes a mask.

    Attributes
    ----------
    objects : ObjectModel, optional
        Component selection; without it, `threshold` alone makes the mask.
    threshold : float or str
        Used without an object model: spels with a saliency above it are object.
    delineation : Delineation, optional
    features : str
        The node whose activation the delineation uses; "input" for the image itself.

    Examples
    --------
    >>> Segmentation(threshold=0.5).mask(np.array([[0.2, 0.9]])).tolist()
    [[False, True]]
    """

    objects: ObjectModel | None = None
    threshold: Rule = "otsu"
    delineation: Delineation | None = None
    features: str = INPUT

    def __post_init__(self) -> None:
        checked_rule(self.threshold)

    def mask(self, saliency: npt.ArrayLike, features: npt.ArrayLike | None = None) -> Mask:
        """The mask of a one-channel saliency, delineated if features of its size are given."""
        values = np.asarray(saliency)
        if self.objects is not None:
            mask = self.objects.mask(values)
        else:
            flat = values[..., 0] if values.ndim > 2 and values.shape[-1] == 1 else values
            mask = threshold(flat, self.threshold)
        if self.delineation is None or features is None or not mask.any():
            return mask
        return self.delineation.refine(features, mask)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "version": VERSION,
            "objects": self.objects and self.objects.to_dict(),
            "threshold": self.threshold,
            "delineation": self.delineation and self.delineation.to_dict(),
            "features": self.features,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Segmentation:
        """The segmentation that `to_dict` wrote, in this version or in 0.1.

        Raises
        ------
        FormatError
            For an unknown key or a value that does not fit.
        """
        expected = {f.name for f in fields(cls)} | {"version"}
        if not isinstance(values, Mapping) or set(values) - expected:
            raise FormatError(
                f"Segmentation: {values!r:.80}; expected {', '.join(sorted(expected))}"
            )
        if values.get("version", 1) not in (1, VERSION):
            raise FormatError(
                f"Segmentation: version {values['version']!r}; this spel reads 1 to {VERSION}"
            )
        objects, delineation = values.get("objects"), values.get("delineation")
        features = values.get("features", INPUT)
        if not isinstance(features, str):
            raise FormatError(f"Segmentation: features {features!r:.80}; expected a node's name")
        try:
            return cls(
                None if objects is None else ObjectModel.from_dict(objects),
                values.get("threshold", "otsu"),
                None if delineation is None else Delineation.from_dict(delineation),
                features,
            )
        except FormatError:
            raise
        except (TypeError, ValueError) as error:
            raise FormatError(f"Segmentation: {error}") from error


def segmentation_of(network: Network) -> Segmentation:
    """The segmentation that a network carries, or Otsu's threshold alone if it carries none."""
    values = network.meta.get(KEY)
    return Segmentation() if values is None else Segmentation.from_dict(values)


def with_segmentation(network: Network, segmentation: Segmentation) -> Network:
    """The network with a segmentation that its file stores and `segment` uses."""
    return network.with_meta(**{KEY: segmentation.to_dict()})


def resolve_segmentation(network: Network, segmentation: Segmentation | None) -> Segmentation:
    """The given segmentation, or the network's own; an error for a network that makes boxes."""
    if segmentation is None and DECISION in network.meta and KEY not in network.meta:
        raise ParameterError(
            "segment: this network makes boxes, not masks; use detect, or give a segmentation"
        )
    return segmentation or segmentation_of(network)


def segment(
    network: Network,
    image: npt.ArrayLike,
    segmentation: Segmentation | None = None,
    *,
    white: float | None = None,
) -> Mask:
    """Segment the objects of one image.

    Parameters
    ----------
    network : Network
        Its output is the saliency: one channel, in 0..1 if component selection follows.
    image : (rows, cols[, C]) array, with planes before them for voxels
    segmentation : Segmentation, optional
        Replaces the network's own segmentation.
    white : float, optional
        Full intensity of the image; by default told by its type. The image is brought to the white
        that the network expects (`spel.nn.match_white`).

    Returns
    -------
    (rows, cols) array of bool
        The size is that of the image, whatever the network's strides.

    Examples
    --------
    >>> from spel.nn import Scale, chain
    >>> segment(chain(Scale([1.0])), [[0.1, 0.2, 0.9]]).tolist()
    [[False, False, True]]
    """
    chosen = resolve_segmentation(network, segmentation)
    array = match_white(network, as_unmasked(image, "segment"), white)
    activations = network.activations(array)
    saliency = activations[network.output]
    array = array[..., None] if array.ndim == (network.ndim or 2) else array
    size = array.shape[:-1]
    if saliency.shape[:-1] != size:
        saliency = enlarge(saliency, size, _strides(network))
    features: npt.ArrayLike | None = None
    if chosen.delineation is not None:
        features = array if chosen.features == INPUT else activations[chosen.features]
        if np.shape(features)[:-1] != size:
            raise FormatError(
                f"segment: features {chosen.features!r} of size {np.shape(features)[:-1]} for an "
                f"image of size {size}; delineate on a node without strides"
            )
    return chosen.mask(saliency, features)


def _strides(network: Network) -> tuple[int, ...]:
    """Spels of the image from one spel of the output to the next."""
    strides = network.footprints[network.output].stride
    if min(strides) < 1:
        raise ShapeError(
            f"segment: the output {network.output!r} has more spels than the image; end the "
            "network at the size of the image"
        )
    return tuple(map(int, strides))
