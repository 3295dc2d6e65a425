"""The same in Python: a script that gives the same numbers."""

from __future__ import annotations

_SCRIPT = '''"""What `spel demo` did, in Python. Run it: python demo.py"""

import spel
from spel.metrics.detection import iou
from spel.data import street

scene = street(seed={seed})                  # a rendered street: image, boxes, masks, texts
net = spel.zoo.plate_lecture()            # read its code: spel/zoo/lecture.py

found = spel.detect(net, scene.image, why=True)
for box, score in found:
    print("plate", box.tolist(), "score", round(score, 3))
print("truth", scene.boxes[0].tolist())
print("IoU", round(float(iou(found.boxes, scene.boxes).max()), 2))

signed = street(seed={seed}, sign=True)      # a shop sign: characters, and wider than the plate
print("fooled", spel.detect(net, signed.image).boxes.tolist())
print("mended", spel.detect(net, signed.image, aspect=(2, 5.5)).boxes.tolist())

print(net.summary(scene.image.shape))     # steps, shapes, weights, receptive fields
print(net.trace(scene.image, at={at}))  # every number behind one spel

steps = net.activations(scene.image)      # a dict of arrays, one per step
print({{name: array.shape for name, array in steps.items()}})
'''


def script(seed: int, at: tuple[int, ...]) -> str:
    """The text of demo.py.

    Examples
    --------
    >>> "street(seed=3)" in script(3, (1, 2))
    True
    """
    return _SCRIPT.format(seed=seed, at=tuple(int(c) for c in at))
