"""From what a network gives on an image to a label image and its objects."""

from __future__ import annotations

from spel.decide import Decision, decision_of
from spel.decide.segmentation import KEY, Segmentation, segmentation_of
from spel.decide.segmented import SegmentedImage
from spel.errors import ParameterError
from spel.nn import Network
from spel.studio.cache import Run


def classes_of(run: Run) -> Segmentation | None:
    """How the output of a run tells classes apart; None for one saliency."""
    if KEY not in run.network.meta or run.output is None:
        return None
    how = segmentation_of(run.network)
    shape = run.output.array.shape
    return how if len(how.classes) > 1 and shape[-1] == len(how.classes) else None


def segmentation_for(network: Network) -> Segmentation:
    """A network's own segmentation, or the threshold of its decision about boxes."""
    if KEY in network.meta:
        return segmentation_of(network)
    decision = decision_of(network)
    if not isinstance(decision, Decision):
        raise ParameterError(
            "this network finds boxes by sliding windows, so it makes no masks; choose another one"
        )
    return Segmentation(threshold=decision.threshold)


def segmented(run: Run, how: Segmentation) -> SegmentedImage:
    """The labels and objects of a run, in pixels of its output, without cut and delineation."""
    if run.output is None:
        raise ParameterError(f"the network gives no saliency: {run.results[-1].error}")
    return SegmentedImage(run.output.array, how)
