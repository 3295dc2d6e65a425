"""All steps of a network inverted, as one sheet of pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from spel.draw import Tile, sheet
from spel.errors import ShapeError, UnsupportedLayerError
from spel.nn import Network
from spel.nn.layer import Image
from spel.nn.volumes import refuse_volume
from spel.synthesis.guess import TRUST, learn_guesses
from spel.synthesis.invert import invert


def invert_steps(
    network: Network,
    image: npt.ArrayLike,
    names: Sequence[str] | None = None,
    *,
    bounds: tuple[float, float] | None = None,
    like: Sequence[npt.ArrayLike] = (),
    rounds: int = 5,
    on_step: Callable[[str], object] = lambda name: None,
    on_round: Callable[[], object] = lambda: None,
) -> tuple[dict[str, Image], dict[str, str]]:
    """What each step of a network still knows of an image.

    Parameters
    ----------
    network : Network
    image : (rows, cols[, C]) array, with planes before them for voxels
    names : sequence of str, optional
        Nodes; all by default.
    bounds, rounds
        As for `invert`.
    like : sequence of images
        Others of the same kind: what a step has lost is guessed from them, see `learn_guess`.
    on_step : function, optional
        Called with the name of each step that is done.
    on_round : function, optional
        Called after every round of every step.

    Returns
    -------
    pictures : dict of str to image
        One for each step that can be inverted.
    refused : dict of str to str
        The others, and why.

    Examples
    --------
    >>> from spel import Activation, Scale, Softmax, chain
    >>> net = chain(half=Scale([0.5]), share=Softmax())
    >>> pictures, refused = invert_steps(net, np.array([[[4.0], [2.0]]]))
    >>> pictures["half"].round(2).ravel().tolist(), list(refused)
    ([4.0, 2.0], ['share'])
    """
    full = network.with_channel_axis(image)
    refuse_volume(network, full.shape, "invert")
    if full.ndim != (network.ndim or 2) + 1:
        raise ShapeError(f"invert: an image of shape {full.shape}; expected one image, no batch")
    pictures: dict[str, Image] = {}
    names = network.names if names is None else names
    guesses, lost = learn_guesses(network, like, names) if len(like) else ({}, {})
    refused = {name: str(error) for name, error in lost.items()}
    activations = network.select(full, names)
    for name in names:
        if name in refused:
            on_step(name)
            continue
        try:
            start = None
            if len(like):
                start = guesses[name](activations[name], full.shape)
                start = start if bounds is None else start.clip(*bounds)
            pictures[name] = invert(
                network,
                activations[name],
                name,
                shape=full.shape,
                bounds=bounds,
                start=start,
                trust=TRUST if len(like) else 0.0,
                rounds=rounds,
                on_round=on_round,
            )
        except UnsupportedLayerError as error:
            refused[name] = str(error)
        on_step(name)
    return pictures, refused


def likeness(image: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """The correlation of the values of two images; 0 if one of them is constant.

    Examples
    --------
    >>> likeness([[1, 2, 3]], [[10, 20, 30]]), likeness([[1, 2]], [[5, 5]])
    (1.0, 0.0)
    """
    a, b = (np.asarray(i, dtype=np.float64).ravel() for i in (image, other))
    a, b = a - a.mean(), b - b.mean()
    below = float(np.sqrt((a @ a) * (b @ b)))
    return round(float(a @ b) / below, 12) if below > 0 else 0.0


def share_of_power(activation: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """The share of an activation's power that another one has as well; 1 if they are equal.

    Examples
    --------
    >>> share_of_power([[3, 4]], [[3, 4]]), share_of_power([[3, 4]], [[3, 0]])
    (1.0, 0.36)
    """
    a, b = (np.asarray(i, dtype=np.float64).ravel() for i in (activation, other))
    power, wrong = float(a @ a), float((a - b) @ (a - b))
    return max(0.0, 1 - wrong / power) if power > 0 else float(wrong == 0)


def comparison(image: npt.ArrayLike, picture: npt.ArrayLike) -> str:
    """How like an image its inverted picture is, in words.

    Examples
    --------
    >>> comparison([[1, 2, 3]], [[10, 20, 30]]), comparison([[1, 2]], [[5, 5]])
    ('correlation 1.00', 'the same everywhere')
    """
    if np.ptp(np.asarray(picture)) == 0:
        return "the same everywhere"
    return f"correlation {likeness(image, picture):.2f}"


def inverted_sheet(
    network: Network, image: npt.ArrayLike, pictures: dict[str, Image], white: float
) -> npt.NDArray[np.uint8]:
    """Draw an image and the pictures that its steps still know, as `invert_steps` gives them.

    Parameters
    ----------
    network : Network
    image : (rows, cols[, C]) array, with planes before them for voxels
        Volumes are shown by their middle plane.
    pictures : dict of str to image
    white : float
        Full intensity.

    Returns
    -------
    (rows, cols, 3) array of uint8

    Examples
    --------
    >>> from spel import Scale, chain
    >>> net, image = chain(half=Scale([0.5])), np.zeros((4, 5, 1))
    >>> inverted_sheet(net, image, invert_steps(net, image)[0], 1.0).shape[2]
    3
    """
    full = network.with_channel_axis(image)
    refuse_volume(network, full.shape, "invert")
    tiles = [Tile(shown(full, white), "image", " x ".join(map(str, full.shape)))]
    for name, picture in pictures.items():
        number = network.names.index(name) + 1
        layer = type(network[name]).__name__
        caption = f"{layer}, {comparison(full, picture)}"
        tiles.append(Tile(shown(picture, white), f"{number}  {name}", caption))
    return sheet(
        tiles,
        title="What each step still knows",
        subtitle="The picture that explains the activation of the step.",
    )


def shown(image: Image, white: float) -> npt.NDArray[np.uint8]:
    """An image of 0 to `white` in 8 bits, grey or RGB; of a volume, its middle plane.

    Examples
    --------
    >>> shown(np.array([[[0.5], [1.0]]]), 1.0).ravel().tolist()
    [128, 255]
    """
    plane = image[len(image) // 2] if image.ndim == 4 else image
    some = plane[..., :3] if plane.shape[-1] >= 3 else plane[..., :1]
    scaled = np.rint(np.asarray(some, np.float64) * (255 / white))
    rgb: npt.NDArray[np.uint8] = np.clip(np.nan_to_num(scaled), 0, 255).astype(np.uint8)
    return rgb
