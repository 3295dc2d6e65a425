"""Sample data: a rendered street with licence plates whose places are known exactly.

>>> from spel.data import street
>>> scene = street(3)
>>> scene.image.shape, len(scene.boxes)
((360, 540, 3), 1)
"""

from spel.data.street import PLATE_ASPECT, Scene, street

__all__ = ["PLATE_ASPECT", "Scene", "street"]
