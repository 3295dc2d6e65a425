"""Strokes in napari: ``python napari_strokes.py IMAGE STROKES.json``; L learns, S saves.

In the layer "strokes", paint with label 1 beside the objects and with label 2 on them.
"""

import sys
from pathlib import Path

import napari
import numpy as np

import spel
from spel.decide import segment_image
from spel.io.annotation.markers import read_markers, write_markers
from spel.learning.segmenter import learn_segmenter


def encoder(image):
    """Two blocks of kernels that strokes will fill, for a plane or a volume."""
    near = spel.Adjacency.box(3, ndim=image.ndim - 1)
    color = [spel.Color("labnorm2")] if image.shape[-1] == 3 else []
    block = spel.Unlearned(near, kernels=16), spel.Activation("relu"), spel.MaxPool(near)
    return spel.chain(*color, *block, *block)


def strokes(viewer):
    """What is painted, as markers of spel: label 0 is napari's "nothing"."""
    return spel.Markers.from_image(viewer.layers["strokes"].data.astype(np.int64) - 1)


def learn(viewer, image):
    """A network from the strokes as they are now; its saliency and objects are shown."""
    network = learn_segmenter(encoder(image), [image], [strokes(viewer)]).network
    viewer.layers["saliency"].data = network(image)[..., 0]
    viewer.layers["objects"].data = segment_image(network, image).instances.labels
    return network


def show(viewer, image, markers=None):
    """Add an image, its strokes, and layers for the saliency and the objects."""
    empty = np.zeros(image.shape[:-1], np.int32)
    color = image.shape[-1] == 3
    viewer.add_image(image if color else image[..., 0], name="image", rgb=color)
    limits = {"contrast_limits": (0, 1), "colormap": "magma", "opacity": 0.5}
    viewer.add_image(empty.astype(np.float32), name="saliency", **limits)
    viewer.add_labels(empty, name="objects", opacity=0.5)
    viewer.add_labels(empty if markers is None else markers.image() + 1, name="strokes")


if __name__ == "__main__":
    image, path = spel.read(sys.argv[1]), Path(sys.argv[2])
    viewer = napari.Viewer()
    show(viewer, image, read_markers(path) if path.exists() else None)
    viewer.bind_key("l", lambda viewer: learn(viewer, image).save("learned.safetensors"))
    viewer.bind_key("s", lambda viewer: write_markers(path, strokes(viewer)))
    napari.run()
