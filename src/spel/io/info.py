"""What a file of images, results, annotations or markers holds, as plain values and as text."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import ImageReadError, plural
from spel.io import video
from spel.io.annotation.formats import FORMATS
from spel.io.annotation.labels import read_labels
from spel.io.annotation.markers import read_markers
from spel.io.annotation.recognize import is_label_folder
from spel.io.annotation.results import read_results
from spel.io.image.header import MAX_PIXELS, ImageInfo
from spel.io.image.reader import describe, read
from spel.io.large import LargeImage, is_zarr

Facts = dict[str, Any]
Info = tuple[Facts, str]
MAX_CHANNELS = 16
"""Channels that the text lists."""


def file_info(path: Path, head: bytes, page: int | None = None) -> Info:
    """What a file holds, recognized by its first bytes; `page` is one of an image."""
    if head.lstrip()[:1] in (b"{", b"["):
        return _json_info(path)
    if _holds_labels(path):
        return _annotations_info(path)
    if path.suffix.lower() == ".txt" and head[:1].isdigit():
        return _markers_info(path)
    if path.is_file() and video.is_video(path):
        info = video.describe(path)
        return {"kind": "video", "file": str(path), **asdict(info)}, f"{path}: {info}"
    return _large_info(path, page) or _image_info(path, page)


def _holds_labels(path: Path) -> bool:
    """Whether a folder, or a file that is no JSON, holds annotations."""
    if path.is_dir():
        return not is_zarr(path) and is_label_folder(path)
    return path.is_file() and path.suffix.lower() in (".csv", ".xml", ".yaml", ".yml")


def first_bytes(path: Path) -> bytes:
    """The first bytes of a file; none if it cannot be read, which its reader will report."""
    try:
        with path.open("rb") as file:
            return file.read(4096)
    except OSError:
        return b""


def _large_info(path: Path, page: int | None) -> Info | None:
    """An image that is read in parts: a Zarr folder, or one that is too large to be read whole."""
    folder = is_zarr(path)
    try:
        with LargeImage(path, page=page) as image:
            if not folder and image.size <= MAX_PIXELS:
                return None
            axes = ("planes x " if image.ndim == 4 else "") + "rows x cols x channels"
            levels = _levels(image.levels)
            facts = {
                "kind": "image",
                "file": str(path),
                "format": image.format,
                "shape": list(image.shape),
                "dtype": str(image.dtype),
                "pages": image.pages,
                "levels": levels,
            }
            size = " x ".join(map(str, image.shape))
            text = f"{path}: {image.format}, {size} ({axes}), {image.dtype}"
    except ImageReadError:
        if folder:
            raise
        return None  # not an image of a kind that is read in parts
    return facts, "\n".join([text, *_level_lines(levels)])


def _levels(sizes: Sequence[tuple[int, int]]) -> list[Facts]:
    """Sizes, and how many pixels of the full size one pixel covers along a side."""
    rows, cols = sizes[0]
    return [
        {
            "level": level,
            "size": [height, width],
            "factor": round((rows * cols / (height * width)) ** 0.5, 3),
        }
        for level, (height, width) in enumerate(sizes)
    ]


def _level_lines(levels: list[Facts]) -> list[str]:
    return [
        f"  level {one['level']}: {one['size'][0]} x {one['size'][1]}, 1 to {one['factor']:g}"
        for one in levels
    ]


def _image_info(path: Path, page: int | None) -> Info:
    info = describe(path)
    image = read(path, page=0 if page is None and info.times > 1 else page)
    channels = [_channel(image[..., k].astype(np.float64)) for k in range(image.shape[-1])]
    facts: Facts = {
        "kind": "image",
        "file": str(path),
        "format": info.format,
        "shape": list(image.shape),
        "dtype": str(image.dtype),
        "bits": info.bits,
        "color": info.color,
        "orientation": info.orientation,
        "pages": info.pages,
        "note": info.note,
        "range": list(info.range),
        "times": info.times,
        "channels": channels,
    }
    lines = [f"{path}: {info}"]
    if info.format == "TIFF":
        levels = _levels(_sizes(path, info))
        facts["levels"] = levels
        lines += _level_lines(levels) if len(levels) > 1 else []
    lines += [f"  channel {i}: {_channel_text(one)}" for i, one in enumerate(channels)][
        :MAX_CHANNELS
    ]
    if len(channels) > MAX_CHANNELS:
        lines.append(f"  ... and {len(channels) - MAX_CHANNELS} more channels")
    return facts, "\n".join(lines)


def _sizes(path: Path, info: ImageInfo) -> Sequence[tuple[int, int]]:
    """The sizes of the levels of a pyramid, or that of the image."""
    try:
        with LargeImage(path) as large:
            return large.levels
    except ImageReadError:  # of a kind that is not read in parts
        return [(info.rows, info.cols)]


def _channel(values: npt.NDArray[np.float64]) -> Facts:
    """Lowest, mean and highest of the finite values, and the number of the others."""
    finite = values[np.isfinite(values)]
    figures = (finite.min(), finite.mean(), finite.max()) if finite.size else (math.nan,) * 3
    numbers = [float(n) if np.isfinite(n) else None for n in figures]
    facts: Facts = dict(zip(("min", "mean", "max"), numbers, strict=True))
    return {**facts, "not_finite": int(values.size - finite.size)}


def _channel_text(channel: Facts) -> str:
    text = "no finite value"
    if channel["min"] is not None:
        text = f"{channel['min']:g} to {channel['max']:g}, mean {channel['mean']:.4g}"
    count = channel["not_finite"]
    return text + (f"; {count} values are NaN or infinite" if count else "")


def _json_info(path: Path) -> Info:
    """Results (one object per line, of an image each) or annotations."""
    with path.open("rb") as file:
        first = file.readline(1 << 20)
    try:
        content = json.loads(first)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict) and "image" in content and "boxes" in content:
        return _results_info(path)
    return _annotations_info(path)


def _results_info(path: Path) -> Info:
    results = read_results(path)
    boxes = [len(result) for result in results]
    scores = [score for result in results for score in result.scores.tolist()]
    models = sorted({result.model for result in results})
    facts = {
        "kind": "results",
        "file": str(path),
        "images": len(results),
        "boxes": sum(boxes),
        "empty": boxes.count(0),
        "score": [min(scores), max(scores)] if scores else None,
        "ms": sum(result.ms for result in results),
        "models": models,
    }
    text = (
        f"{path}: results of {plural(len(results), 'image')}, {plural(sum(boxes), 'box')}, "
        f"{plural(boxes.count(0), 'image')} "
        "without a box"
    )
    if scores:
        text += f"\n  scores {min(scores):.4g} to {max(scores):.4g}"
    text += f"\n  {len(models)} network{'s' * (len(models) != 1)}: {', '.join(models) or 'unknown'}"
    return facts, text


def _annotations_info(path: Path) -> Info:
    problems: list[str] = []
    truth = read_labels(path, report=problems.append)
    counts = Counter(name for one in truth for name in one.classes)
    boxes, empty = sum(len(one) for one in truth), sum(not len(one) for one in truth)
    facts = {
        "kind": "annotations",
        "file": str(path),
        "images": len(truth),
        "boxes": boxes,
        "empty": empty,
        "classes": {name: counts[name] for name in truth.classes},
        "problems": problems,
    }
    lines = [
        f"{path}: {FORMATS[truth.form].title} annotations of {plural(len(truth), 'image')}, "
        f"{plural(boxes, 'box')}, {plural(empty, 'image')} without a box"
    ]
    lines += [f"  {name}: {plural(counts[name], 'box')}" for name in truth.classes]
    lines += [f"  {problem}" for problem in problems]
    return facts, "\n".join(lines)


def _markers_info(path: Path) -> Info:
    markers = read_markers(path)
    labels = sorted({int(label) for label in markers.labels})
    facts = {"kind": "markers", "file": str(path), "pixels": len(markers), "labels": labels}
    return facts, f"{path}: markers of {plural(len(markers), 'pixel')}, labels {labels}"
