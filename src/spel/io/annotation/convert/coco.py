"""COCO data sets whose annotations carry scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spel.io.annotation.results import Result
from spel.io.json_files import read_json

from .shared import LARGE, Collector, box_rows, check_distinct, class_names, dump, placed


def write(path: Path, results: list[Result]) -> None:
    check_distinct([one.image for one in results])
    names = class_names(results)
    numbers = {name: index for index, name in enumerate(names, 1)}
    entries: list[dict[str, Any]] = []
    for index, one in enumerate(results, 1):
        for box, score, area, name in box_rows(one):
            x0, y0, x1, y1 = box
            entries.append(
                {
                    "id": len(entries) + 1,
                    "image_id": index,
                    "category_id": numbers[name],
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "xyxy": box,
                    "score": score,
                    "area": area,
                    "iscrowd": 0,
                }
            )
    dump(
        path,
        {
            "info": {"description": "detections written by spel"},
            "images": [
                {"id": i, "file_name": one.image, "width": one.size[1], "height": one.size[0]}
                for i, one in enumerate(results, 1)
            ],
            "categories": [{"id": number, "name": name} for name, number in numbers.items()],
            "annotations": entries,
        },
    )


def read(path: Path) -> list[Result]:
    content = read_json(path, max_bytes=LARGE, max_depth=16)
    problems: list[str] = []
    collected = Collector()
    images = {}
    with placed(problems, "images and categories"):
        names = {int(c["id"]): str(c["name"]) for c in content["categories"]}
        for one in content["images"]:
            size = (int(one["height"]), int(one["width"]))
            images[int(one["id"])] = collected.image(str(one["file_name"]), size)
        for index, one in enumerate(content["annotations"]):
            with placed(problems, f"annotations[{index}]"):
                x, y, width, height = (float(n) for n in one["bbox"])
                box = [float(n) for n in one.get("xyxy", (x, y, x + width, y + height))]
                if abs(box[0] - x) + abs(box[3] - y - height) > 1e-3:
                    raise ValueError("xyxy and bbox contradict each other")
                images[int(one["image_id"])].add(
                    box,
                    float(one.get("score", 1.0)),
                    float(one.get("area", width * height)),
                    names[int(one["category_id"])],
                )
    return collected.results(path, problems)
