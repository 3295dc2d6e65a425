"""The lecture's plate detector: six steps designed by hand, without learning."""

from __future__ import annotations

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.decide import Decision, with_decision
from spel.errors import ParameterError
from spel.nn import (
    Activation,
    Color,
    Convolution,
    DivisiveNormalize,
    MaxPool,
    MeanPool,
    Network,
    chain,
    residue,
)

CARD = {
    "name": "plate-lecture",
    "description": "Finds the licence plate in a photo of one car whose plate is about 90 pixels "
    "wide, by six steps that a lecture writes down by hand.",
    "learned from": "Nothing: every kernel and size was chosen by hand.",
    "method": "spel.zoo.plate_lecture",
    "figures": {
        "share of photos whose box has IoU 0.5 with the plate": 0.26,
        "mean IoU": 0.21,
        "false alarms per photo": 0.74,
    },
    "measured on": "177 photos of three regions, whose plates are 57 to 807 pixels wide.",
    "measured by": "SPEL_THREADS=1 python -m benchmarks.plates --out results",
    "limits": "For teaching. One scale, and one box per image: what is widest, which may be a "
    "grille, a fence or a sign.",
    "license": "BSD-3-Clause",
}
"""What docs/plates.md says of the chain, for `spel see` and its model card."""


def plate_lecture(reduce: int = 1) -> Network:
    """Find the licence plate as the lecture does.

    The idea: a plate is where many vertical edges stand close together in a wide, low rectangle.

    1. ``grey``: one channel.
    2. ``edges``: Sobel kernel; its response is high where dark changes to bright from left to
       right.
    3. ``positive``: ReLU keeps the positive side of the hyperplane.
    4. ``join``: max-pooling over a rectangle as wide as the gap between characters (11 x 3) joins
       their edges to one bar.
    5. ``plate``: the divisive normalization over 25 x 5 spels is subtracted. A single edge
       dominates its window, so its normalization is near 1 and the edge vanishes; inside the bar
       all spels are strong, so each is a small part of its window and the bar remains.
    6. Decision: the strongest 5 % of the spels form connected components; the widest is the plate.

    The sizes suit plates about 90 spels wide, as in the lecture's picture of 352 x 240.

    Parameters
    ----------
    reduce : int
        Larger pictures are first reduced by means over boxes of `reduce` x `reduce` spels.

    Returns
    -------
    Network
        With its decision.

    Notes
    -----
    Lecture, "The worked examples".

    Examples
    --------
    >>> from spel import detect
    >>> from spel.data import street
    >>> scene = street(3)
    >>> scene.boxes.tolist()
    [[265.0, 260.0, 344.0, 286.0]]
    >>> detect(plate_lecture(), scene.image).boxes.tolist()
    [[253.0, 260.0, 353.0, 285.0]]
    """
    if reduce != int(reduce) or reduce < 1:
        raise ParameterError(f"plate_lecture: reduce {reduce!r}; expected an integer from 1")
    network = chain(
        grey=Color("grey"),
        **smaller(int(reduce)),
        edges=Convolution(KernelBank.sobel("col")),
        positive=Activation("relu"),
        join=MaxPool(Adjacency.rectangle(width=11, height=3)),
        plate=residue(
            normalized=DivisiveNormalize(Adjacency.rectangle(width=25, height=5)), scale="max"
        ),
    )
    network = with_decision(network, Decision(threshold="p95", select="widest"))
    return network.with_meta(card={**CARD, "fingerprint": network.fingerprint()})


def smaller(times: int) -> dict[str, MeanPool]:
    """A layer named "smaller" that reduces an image by means of boxes, or none for 1."""
    if times == 1:
        return {}
    return {"smaller": MeanPool(Adjacency.rectangle(width=times, height=times), stride=times)}
