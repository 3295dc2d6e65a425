"""How the output of a network becomes masks and classes, as its file stores it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.instance import check_instance
from spel.core.numbers import as_numbers
from spel.core.stored import check_table, stored_value
from spel.decide.color_cut import cut_by_colors
from spel.decide.components import Mask
from spel.decide.decision import DECISION
from spel.decide.delineate import Delineation
from spel.decide.numbers import check_number
from spel.decide.object_model import ObjectModel
from spel.decide.presence import Rate
from spel.errors import FormatError, ParameterError, ShapeError
from spel.nn.network import Network
from spel.nn.node import INPUT
from spel.ops.threshold import Rule, checked_rule, threshold

KEY = "segmentation"
"""Entry of a network's ``meta`` that holds its segmentation."""

VERSION = 2
"""Version of the stored form; spel 0.1 wrote no version, and other names in the object model."""

UNDECIDED = -1
"""Label of spels whose most probable class is less probable than a segmentation demands."""


@dataclass(frozen=True)
class ObjectClass:
    """One class of a segmentation: a channel of the network's output.

    Attributes
    ----------
    label : int
        The number of this class in strokes and in label images.
    name : str
    background : bool
        Whether this is the class of spels that belong to no object.
    objects : ObjectModel, optional
        Size and shape of its objects; by default any.

    Examples
    --------
    >>> ObjectClass(2, "leaf").title, ObjectClass(3).title
    ('leaf', '3')
    """

    label: int
    name: str = ""
    background: bool = False
    objects: ObjectModel | None = None

    def __post_init__(self) -> None:
        whole = isinstance(self.label, int) and not isinstance(self.label, bool)
        if not whole or not 0 <= self.label < 1 << 31 or not isinstance(self.background, bool):
            raise ParameterError(
                f"ObjectClass: label {self.label!r}, background {self.background!r}; expected a "
                "whole number of at least 0 and a bool"
            )
        if not isinstance(self.name, str):
            raise ParameterError(f"ObjectClass: name {self.name!r:.60}; expected a string")

    @property
    def title(self) -> str:
        """Its name, or its label if it has no name."""
        return self.name or str(self.label)


@dataclass(frozen=True)
class Segmentation:
    """How the output of a network becomes masks, classes and instances.

    Attributes
    ----------
    objects : ObjectModel, optional
        Which components of a one-channel saliency are objects; without it, `threshold` alone makes
        the mask.
    threshold : float or str
        Used without an object model: spels with a saliency above it belong to an object.
    delineation : Delineation, optional
    features : str
        The node whose activation cut and delineation use; "input" for the image itself.
    classes : tuple of ObjectClass
        One for each channel of a network whose output is the probability of each class; empty for
        a network whose output is one saliency.
    undecided : float
        Spels whose most probable class is less probable than this are `UNDECIDED`.
    neck : float
        Used where no object model states the size: objects that touch are separated if the neck
        between them is narrower than this share of the narrower one, and by 0.4 spels more, as
        outlines are drawn in whole spels; 0 separates nothing.
    cut : bool
        Whether the mask of the threshold is cut once more by the colours that object and background
        have in the image itself (`spel.decide.color_cut`), before it is delineated. It needs the
        whole image, and no object model and no classes.

    Examples
    --------
    >>> Segmentation(threshold=0.5).mask(np.array([[0.2, 0.9]])).tolist()
    [[False, True]]
    """

    objects: ObjectModel | None = None
    threshold: Rule = "otsu"
    delineation: Delineation | None = None
    features: str = INPUT
    classes: tuple[ObjectClass, ...] = ()
    undecided: float = 0.0
    neck: float = 0.98
    cut: bool = False

    def __post_init__(self) -> None:
        checked_rule(self.threshold)
        check_number("Segmentation", "undecided", self.undecided, 0, 1)
        check_number("Segmentation", "neck", self.neck, 0, 1)
        labels = [one.label for one in self.classes]
        if len(set(labels)) != len(labels) or len(labels) == 1:
            raise ParameterError(
                f"Segmentation: classes with labels {labels}; expected at least two classes, each "
                "with its own label"
            )
        if sum(one.background for one in self.classes) > 1:
            raise ParameterError("Segmentation: two classes are background; expected at most one")
        if not isinstance(self.cut, bool) or (self.cut and (self.objects or self.classes)):
            raise ParameterError(
                f"Segmentation: cut {self.cut!r}; expected a bool, and True only for the mask of a "
                "threshold, without object model and classes"
            )

    @property
    def looks(self) -> bool:
        """Whether the mask depends on `features`, too."""
        return self.cut or self.delineation is not None

    @property
    def delineates(self) -> bool:
        """Whether borders are moved to the edges of the image."""
        return self.delineation is not None and self.delineation.method != "none"

    def describe(self) -> str:
        """What an image may hold, in words.

        Examples
        --------
        >>> Segmentation().describe()
        'objects of any size and shape'
        """
        if not self.classes:
            return _describe(self.objects) + ", cut by the colours of each image" * self.cut
        return "classes " + ", ".join(
            one.title if one.background else f"{one.title} ({_describe(one.objects)})"
            for one in self.classes
        )

    def mask(
        self,
        saliency: npt.ArrayLike,
        features: npt.ArrayLike | None = None,
        spacing: tuple[float, ...] | None = None,
    ) -> Mask:
        """The mask of a one-channel saliency, cut and delineated if features are given.

        Parameters
        ----------
        saliency : (rows, cols[, 1]) array, with planes before them for voxels
        features : array, optional
            What cut and delineation look at, of the size of the saliency.
        spacing : tuple of float, optional
            Length of a step along each axis, for the distances of the delineation.
        """
        values = as_numbers(saliency, "Segmentation", "saliency")
        if self.objects is not None:
            mask = self.objects.mask(values)
        else:
            flat = values[..., 0] if values.ndim > 2 and values.shape[-1] == 1 else values
            mask = threshold(flat, self.threshold)
            if self.cut and features is not None:
                mask = cut_by_colors(mask, flat, features)
        if self.delineation is None or features is None or not mask.any():
            return mask
        return self.delineation.refine(features, mask, spacing)

    def labels(self, probabilities: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
        """The label of the most probable class of each spel, of equally probable ones the first.

        Parameters
        ----------
        probabilities : (rows, cols, k) array
            A channel per class.

        Returns
        -------
        (rows, cols) array of int32
            `UNDECIDED` where no class is probable enough.

        Raises
        ------
        ShapeError
            If there is not one channel per class.
        """
        if probabilities.shape[-1] != len(self.classes):
            raise ShapeError(
                f"segment: an output of {probabilities.shape[-1]} channels for "
                f"{len(self.classes)} classes; expected a channel per class"
            )
        labels = np.array([one.label for one in self.classes], dtype=np.int32)
        best = labels[probabilities.argmax(axis=-1)]
        sure = probabilities.max(axis=-1) >= self.undecided
        return np.where(sure, best, np.int32(UNDECIDED))

    def at_false_alarm_rate(self, rate: Rate) -> Segmentation:
        """The segmentation with the lowest score that bounds its rate of false alarms.

        Parameters
        ----------
        rate : float or "auto"
            Largest share of images without an object in which one may be detected; "auto" states
            none and separates objects from background as well as it can.

        Raises
        ------
        ParameterError
            If it was learned without a `false_alarm_rate`, or the rate lies outside 0..1.
        """
        if self.objects is None:
            raise ParameterError(
                "Segmentation: false_alarm_rate needs an object model of one class, which this "
                "network does not have; learn the network with a false_alarm_rate"
            )
        return replace(self, objects=self.objects.at_false_alarm_rate(rate))

    def scaled(self, factor: float, ndim: int = 2) -> Segmentation:
        """The segmentation of objects `factor` times as long as those it was learned from.

        Areas, rings, and the distances of the delineation follow; scores stay comparable.

        Parameters
        ----------
        factor : float
        ndim : int
            Axes of the images.
        """
        line = self.delineation
        return replace(
            self,
            objects=self.objects and self.objects.scaled(factor, ndim),
            delineation=line
            and replace(line, inner=line.inner * factor, outer=line.outer * factor),
            classes=tuple(
                replace(one, objects=one.objects and one.objects.scaled(factor, ndim))
                for one in self.classes
            ),
        )

    def objects_in(self, labels: npt.NDArray[np.int32]) -> Mask:
        """Spels of a label image that belong to an object of any class."""
        ground = [one.label for one in self.classes if one.background] if self.classes else [0]
        mask: Mask = ~np.isin(labels, [UNDECIDED, *ground])
        return mask

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "version": VERSION,
            "objects": self.objects and self.objects.to_dict(),
            "threshold": self.threshold,
            "delineation": self.delineation and self.delineation.to_dict(),
            "features": self.features,
            **{f.name: getattr(self, f.name) for f in fields(self) if _is_new(self, f.name)},
            **({"classes": [asdict(one) for one in self.classes]} if self.classes else {}),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Segmentation:
        """The segmentation that `to_dict` wrote, in this version or in 0.1.

        Raises
        ------
        FormatError
            For an unknown key or a value that does not fit.
        """
        version = values.get("version", 1) if isinstance(values, Mapping) else 1
        if version not in (1, VERSION):
            raise FormatError(f"Segmentation: version {version!r}; this spel reads 1 to {VERSION}")
        if isinstance(values, Mapping):
            values = {name: value for name, value in values.items() if name != "version"}
        check_table(cls, values)
        options = dict(values)
        features = options.get("features", INPUT)
        if not isinstance(features, str):
            raise FormatError(f"Segmentation: features {features!r:.80}; expected a node's name")
        with stored_value(cls):
            if options.get("objects") is not None:
                options["objects"] = ObjectModel.from_dict(options["objects"])
            if options.get("delineation") is not None:
                options["delineation"] = Delineation.from_dict(options["delineation"])
            options["classes"] = tuple(map(_class_from, options.get("classes", ())))
            return cls(**options)


def _describe(objects: ObjectModel | None) -> str:
    return "objects of any size and shape" if objects is None else objects.describe()


def segmentation_of(network: Network) -> Segmentation:
    """The segmentation that a network carries, or Otsu's threshold alone if it carries none.

    Parameters
    ----------
    network : Network

    Examples
    --------
    >>> from spel.nn import Scale, chain
    >>> segmentation_of(chain(Scale([1.0]))).threshold
    'otsu'
    """
    values = network.meta.get(KEY)
    return Segmentation() if values is None else Segmentation.from_dict(values)


def with_segmentation(network: Network, segmentation: Segmentation) -> Network:
    """The network with a segmentation that its file stores and `segment` uses.

    Parameters
    ----------
    network : Network
    segmentation : Segmentation

    Examples
    --------
    >>> from spel.nn import Scale, chain
    >>> net = with_segmentation(chain(Scale([1.0])), Segmentation(threshold=0.5))
    >>> segmentation_of(net).threshold
    0.5
    """
    return network.with_meta(**{KEY: segmentation.to_dict()})


def resolve_segmentation(network: Network, segmentation: Segmentation | None) -> Segmentation:
    """The given segmentation, or the network's own; an error for a network that makes boxes."""
    check_instance("segment: network", network, Network)
    if segmentation is None and DECISION in network.meta and KEY not in network.meta:
        raise ParameterError(
            "segment: this network makes boxes, not masks; use detect, or give a segmentation"
        )
    return segmentation or segmentation_of(network)


def _is_new(segmentation: Segmentation, name: str) -> bool:
    """Whether a field that spel 0.1 cannot read differs from its default."""
    return name in ("undecided", "neck", "cut") and getattr(segmentation, name) != getattr(
        Segmentation, name
    )


def _class_from(values: Any) -> ObjectClass:
    """The class whose fields `to_dict` wrote."""
    check_table(ObjectClass, values)
    objects = values.get("objects")
    model = None if objects is None else ObjectModel.from_dict(objects)
    return ObjectClass(**{**values, "objects": model})
