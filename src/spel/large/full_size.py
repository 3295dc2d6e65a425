"""The output of a network at the size of its image, part by part, whatever its strides."""

from __future__ import annotations

from dataclasses import dataclass, replace

from spel.decide.object_scale import check_scale, size_at
from spel.decide.segmented import strides_of
from spel.large.tiling import Tiling
from spel.nn import Crop, Network, chain
from spel.nn.blocks import InBlocks, Source
from spel.nn.node import INPUT
from spel.nn.resized import Enlarged, Resized


@dataclass(frozen=True, eq=False)
class FullSize:
    """A network whose output has the size of the image that tiles are cut from.

    Attributes
    ----------
    network : Network
        Without layers over the whole image.
    tiling : Tiling
        With the tiles that bands need.
    features : Source
        What the delineation looks at, of the same size.
    """

    network: Network
    tiling: Tiling
    features: Source

    @classmethod
    def of(cls, network: Network, tiling: Tiling, features: str, scale: float) -> FullSize:
        """The output that `spel.decide.segment_image` decides on.

        Parameters
        ----------
        network : Network
        tiling : Tiling
            The image in the units of the network.
        features : str
            The node that the delineation looks at, or "input".
        scale : float
            The network sees the image resized by ``1 / scale``.

        Raises
        ------
        ShapeError
            If the output has more spels than the image, or a layer needs the whole image.
        """
        view, size = tiling, tiling.shape[:-1]
        if scale != 1:
            small = size_at(size, 1 / check_scale("segment", scale, tiling.shape))
            view = replace(tiling, source=Resized(tiling.source, small))
        local = view.for_bands(network).resolved(network)
        looks = view.source if features == INPUT else InBlocks(view.source, local.upto(features))
        if local.shape(view.shape)[:-1] == size:
            return cls(local, tiling.for_bands(local), looks)
        output: Source = InBlocks(view.source, local)
        if output.shape[:-1] != view.shape[:-1]:
            output = Enlarged(output, view.shape[:-1], strides_of(local))
        if scale != 1:
            output, looks = Resized(output, size), Resized(looks, size)
        same = chain(output=Crop((0,) * len(size), (0,) * len(size)))
        return cls(same, replace(tiling, source=output).for_bands(same), looks)
