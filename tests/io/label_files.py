"""Small files of annotations and images, as other programs write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np


def put(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def picture(path: Path, rows: int, cols: int, orientation: int = 1) -> Path:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.zeros((rows, cols, 3), np.uint8))
    exif = image.getexif()
    exif[274] = orientation
    image.save(path, exif=exif)
    return path


VOC = """<?xml version="1.0"?>
<!-- as a devkit has it -->
<annotation>
  <folder>VOC2007</folder><filename>a.jpg</filename>
  <source><database>The VOC2007 Database</database></source>
  <size><width>160</width><height>100</height><depth>3</depth></size><segmented>0</segmented>
  <object><name>dog</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult>
    <bndbox><xmin>1</xmin><ymin>1</ymin><xmax>160</xmax><ymax>100</ymax></bndbox></object>
</annotation>
"""

LABEL_STUDIO_TASK: dict[str, Any] = {
    "id": 12,
    "data": {"image": "/data/upload/3/0123abcd-a.jpg", "meta": "x"},
    "annotations": [
        {
            "id": 5,
            "was_cancelled": False,
            "result": [
                {
                    "id": "Dx", "type": "rectanglelabels", "from_name": "label",
                    "to_name": "image", "original_width": 160, "original_height": 100,
                    "value": {"x": 10, "y": 20, "width": 50, "height": 30, "rotation": 0,
                              "rectanglelabels": ["dog"]},
                },
            ],
        }
    ],
}  # fmt: skip
