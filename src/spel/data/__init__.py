"""Sample data, rendered, so that all is known exactly: a street with licence plates, and
cells in images and volumes.

>>> from spel.data import street
>>> scene = street(3)
>>> scene.image.shape, len(scene.boxes)
((360, 540, 3), 1)
>>> from spel.data import cells
>>> len(cells(3).kinds)
30
"""

from spel.data.cell_scene import CellScene, cells
from spel.data.street import PLATE_ASPECT, Scene, street
from spel.data.volume_scene import VolumeScene, volume

__all__ = ["PLATE_ASPECT", "CellScene", "Scene", "VolumeScene", "cells", "street", "volume"]
