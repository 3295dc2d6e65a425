"""The demonstration as a Python script that gives the same numbers."""

from __future__ import annotations

_SCRIPT = '''"""What `spel demo` did, in Python. Run it: python demo.py"""

import spel
from spel.metrics.detection import iou
from spel.data import street

scene = street(seed={seed})                  # a rendered street: image, boxes, masks, texts
net = spel.zoo.plate_lecture()            # read its code: spel/zoo/lecture.py

detections = spel.detect(net, scene.image, why=True)
for box, score in detections:
    print("plate", box.tolist(), "score", round(score, 3))
print("truth", scene.boxes[0].tolist())
print("IoU", round(float(iou(detections.boxes, scene.boxes).max()), 2))

signed = street(seed={seed}, sign=True)  # a shop sign, wider than the plate
print("taken for a plate", spel.detect(net, signed.image).boxes.tolist())
print("with an aspect of 2 to 5.5", spel.detect(net, signed.image, aspect=(2, 5.5)).boxes.tolist())

print(net.summary(scene.image.shape))     # steps, shapes, weights, receptive fields
print(net.trace(scene.image, at={at}))  # every number behind one pixel

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
