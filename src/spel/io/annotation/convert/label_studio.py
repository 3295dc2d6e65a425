"""Label Studio: one task per image with predictions, in percent of the image."""

from __future__ import annotations

from pathlib import Path

from spel.io.annotation.results import Result
from spel.io.json_files import read_json

from .shared import LARGE, Collector, box_rows, dump, placed


def write(path: Path, results: list[Result]) -> None:
    tasks = []
    for one in results:
        rows, cols = one.size
        shapes = []
        for index, ((x0, y0, x1, y1), score, area, name) in enumerate(box_rows(one)):
            shapes.append(
                {
                    "id": f"box{index}",
                    "type": "rectanglelabels",
                    "from_name": "label",
                    "to_name": "image",
                    "original_width": cols,
                    "original_height": rows,
                    "image_rotation": 0,
                    "score": score,
                    "meta": {"area": area},
                    "value": {
                        "x": 100 * x0 / cols,
                        "y": 100 * y0 / rows,
                        "width": 100 * (x1 - x0) / cols,
                        "height": 100 * (y1 - y0) / rows,
                        "rotation": 0,
                        "rectanglelabels": [name],
                    },
                }
            )
        tasks.append(
            {
                "data": {"image": one.image, "width": cols, "height": rows},
                "predictions": [{"model_version": one.model or "spel", "result": shapes}],
            }
        )
    dump(path, tasks)


def read(path: Path) -> list[Result]:
    content = read_json(path, max_bytes=LARGE, max_depth=16)
    problems: list[str] = []
    collected = Collector()
    for number, task in enumerate(content if isinstance(content, list) else [content]):
        with placed(problems, f"task {number}"):
            about = task["data"]
            rows, cols = int(about["height"]), int(about["width"])
            entry = collected.image(str(about["image"]), (rows, cols))
            for one in task["predictions"][0]["result"]:
                value = one["value"]
                x, y = float(value["x"]) * cols / 100, float(value["y"]) * rows / 100
                width = float(value["width"]) * cols / 100
                height = float(value["height"]) * rows / 100
                entry.add(
                    [x, y, x + width, y + height],
                    float(one["score"]),
                    float(one.get("meta", {}).get("area", width * height)),
                    str(value["rectanglelabels"][0]),
                )
    return collected.results(path, problems)
