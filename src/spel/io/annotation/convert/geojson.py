"""GeoJSON: one polygon per box, as QuPath draws them; x to the right, y down, in spels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spel.io.annotation.results import Result
from spel.io.json_files import read_json

from .shared import LARGE, Collector, box_rows, dump, placed


def write(path: Path, results: list[Result]) -> None:
    features = []
    for one in results:
        for (x0, y0, x1, y1), score, area, name in box_rows(one):
            ring = [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]
            features.append(
                {
                    "type": "Feature",
                    "geometry": {"type": "Polygon", "coordinates": [ring]},
                    "properties": {
                        "objectType": "annotation",
                        "classification": {"name": name},
                        "image": one.image,
                        "score": score,
                        "area": area,
                    },
                }
            )
    images = [
        {"image": one.image, "size": list(one.size), "orientation": one.orientation}
        for one in results
    ]
    dump(path, {"type": "FeatureCollection", "images": images, "features": features})


def read(path: Path) -> list[Result]:
    content = read_json(path, max_bytes=LARGE, max_depth=16)
    problems: list[str] = []
    collected = Collector()
    with placed(problems, "images"):
        for one in content["images"]:
            rows, cols = one["size"]
            turn = int(one.get("orientation", 1))
            collected.image(str(one["image"]), (int(rows), int(cols)), turn)
        for index, one in enumerate(content["features"]):
            with placed(problems, f"features[{index}]"):
                ring = np.array(one["geometry"]["coordinates"][0], np.float64).reshape(-1, 2)
                about = one["properties"]
                collected.known(about["image"]).add(
                    [*ring.min(0).tolist(), *ring.max(0).tolist()],
                    float(about["score"]),
                    float(about["area"]),
                    str(about["classification"]["name"]),
                )
    return collected.results(path, problems)
