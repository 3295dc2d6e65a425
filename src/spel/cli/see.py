"""``spel see``: what a file holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spel.cli.options import shared
from spel.cli.types import Integers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spel.nn import Network

Facts = dict[str, Any]
SIZE = Integers("ROWS,COLS[,CHANNELS]", (2, 3, 4), 1, "--size 480,640")


@click.command("see")
@click.argument("file", metavar="FILE")
@click.option("--size", type=SIZE, help="Image size for a network's table. [default: 480,640]")
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
@shared
def command(file: str, size: tuple[int, ...] | None, as_json: bool) -> None:
    """Describe FILE: an image, a video, a network (or a name such as plate-lecture), results
    (.jsonl) or annotations (COCO .json). What it is, is told by its content.
    """
    facts, text = described(file, size)
    click.echo(json.dumps(facts) if as_json else text)


def described(file: str, size: tuple[int, ...] | None = None) -> tuple[Facts, str]:
    """What the file holds, as plain values and as text."""
    from spel import zoo
    from spel.io.video.ffmpeg import container

    path = Path(file)
    if file in zoo.names() and not path.exists():
        return _network(file, size)
    head = _head(path)
    if head.lstrip()[:1] in (b"{", b"["):
        return _json(path)
    if len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 40:
        return _network(file, size)
    if path.suffix.lower() == ".txt" and head[:1].isdigit():
        return _markers(path)
    if path.is_file() and container(head) is not None:
        return _video(path)
    return _large(path) or _image(path)


def _head(path: Path) -> bytes:
    """The first bytes; nothing where the image reader will say what is wrong with the file."""
    try:
        if path.is_file():
            with path.open("rb") as file:
                return file.read(4096)
    except OSError:
        pass
    return b""


def _large(path: Path) -> tuple[Facts, str] | None:
    """An image that is read in parts: a Zarr folder, or one that is too large to be measured."""
    from spel.errors import ImageReadError
    from spel.io.image.header import MAX_PIXELS
    from spel.io.large import LargeImage, is_zarr

    folder = is_zarr(path)
    try:
        with LargeImage(path) as image:
            if not folder and image.size <= MAX_PIXELS:
                return None
    except ImageReadError:
        if folder:
            raise
        return None
    axes = "planes x rows x cols x channels" if image.ndim == 4 else "rows x cols x channels"
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
    return facts, "\n".join([text, *_told_levels(levels)])


def _levels(sizes: Sequence[tuple[int, int]]) -> list[Facts]:
    """Sizes, and how many spels of the full size one spel covers along a side."""
    rows, cols = sizes[0]
    return [
        {"level": k, "size": [high, wide], "factor": round((rows * cols / (high * wide)) ** 0.5, 3)}
        for k, (high, wide) in enumerate(sizes)
    ]


def _told_levels(levels: list[Facts]) -> list[str]:
    return [
        f"  level {one['level']}: {one['size'][0]} x {one['size'][1]}, 1 to {one['factor']:g}"
        for one in levels
    ]


def _image(path: Path) -> tuple[Facts, str]:
    import numpy as np

    import spel
    from spel.io import describe
    from spel.io.large import LargeImage

    info = describe(path)
    image = spel.read(path)
    channels = [_measured(image[..., k].astype(np.float64)) for k in range(image.shape[-1])]
    facts = {
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
        "channels": channels,
    }
    lines = [f"{path}: {info}"]
    if info.format == "TIFF" and info.orientation == 1:
        facts["levels"] = _levels(LargeImage(path).levels)
        lines += _told_levels(facts["levels"]) if len(facts["levels"]) > 1 else []
    lines += [f"  channel {i}: {_told(c)}" for i, c in enumerate(channels[:16])]
    if len(channels) > 16:
        lines.append(f"  ... and {len(channels) - 16} more channels")
    return _plain(facts), "\n".join(lines)


def _video(path: Path) -> tuple[Facts, str]:
    from dataclasses import asdict

    from spel.io import video

    info = video.describe(path)
    return {"kind": "video", "file": str(path), **asdict(info)}, f"{path}: {info}"


def _measured(values: Any) -> Facts:
    """Lowest, mean and highest of the finite values, and how many are not."""
    import numpy as np

    sound = values[np.isfinite(values)]
    facts: Facts = dict.fromkeys(("min", "mean", "max"))
    if sound.size:
        facts = {"min": sound.min(), "mean": sound.mean(), "max": sound.max()}
        facts = {key: float(value) for key, value in facts.items()}
    return {**facts, "not_finite": int(values.size - sound.size)}


def _told(channel: Facts) -> str:
    words = "nothing finite"
    if channel["min"] is not None:
        words = f"{channel['min']:g} to {channel['max']:g}, mean {channel['mean']:.4g}"
    lost = channel["not_finite"]
    return words + (f"; {lost} values are NaN or infinite" if lost else "")


def _network(name: str, size: tuple[int, ...] | None) -> tuple[Facts, str]:
    from spel.cli.networks import network

    net = network(name)
    shape = size or _fitting(net)
    shapes = net.shapes(shape)
    halo = net.halo
    facts = {
        "kind": "network",
        "file": name,
        "fingerprint": net.fingerprint(),
        "parameters": net.parameters,
        "multiply_adds": net.multiply_adds(shape),
        "image": list(shape),
        "halo": halo,
        "nodes": [
            {
                "name": node.name,
                "kind": node.layer.kind,
                "layer": node.layer.describe(),
                "inputs": list(node.inputs),
                "shape": list(shapes[node.name]),
                "parameters": node.layer.parameters,
            }
            for node in net.nodes
        ],
        "meta": dict(net.meta),
    }
    axes = ("planes", "rows", "columns")[-len(halo or ()) :]
    reach = "a halo of " + ", ".join(
        f"{before} {axis} before and {after} after"
        for axis, (before, after) in zip(axes, halo or ())
    )
    reach = "the whole image" if halo is None else reach
    lines = [
        f"{name}: network of {len(net)} nodes, {net.parameters:,} parameters, "
        f"fingerprint {net.fingerprint()}",
        f"for an image of {' x '.join(map(str, shape))}; a tile reads {reach}",
        "",
        net.summary(shape),
    ]
    lines += [f"{key}: {json.dumps(_plain(value))}" for key, value in net.meta.items()]
    return _plain(facts), "\n".join(lines)


def _fitting(net: Network) -> tuple[int, ...]:
    """A shape of image that the network takes."""
    from spel.errors import SpelError

    size = (480, 640) if net.ndim != 3 else (32, 480, 640)
    wanted = [getattr(getattr(node.layer, "bank", None), "channels", 0) for node in net.nodes[:1]]
    for channels in (*wanted, 3, 1):
        try:
            net.shapes((*size, channels))
        except SpelError:
            continue
        return (*size, channels)
    return (*size, 3)


def _json(path: Path) -> tuple[Facts, str]:
    """Results (one object per line, of an image each) or COCO annotations."""
    with path.open("rb") as file:
        first = file.readline(1 << 20)
    try:
        known = json.loads(first)
    except ValueError:
        known = None
    if isinstance(known, dict) and "image" in known and "boxes" in known:
        return _results(path)
    return _annotations(path)


def _results(path: Path) -> tuple[Facts, str]:
    from spel.io.annotation.results import read_results

    results = read_results(path)
    boxes = [len(r) for r in results]
    scores = [s for r in results for s in r.scores.tolist()]
    models = sorted({r.model for r in results})
    facts = {
        "kind": "results",
        "file": str(path),
        "images": len(results),
        "boxes": sum(boxes),
        "empty": boxes.count(0),
        "score": [min(scores), max(scores)] if scores else None,
        "ms": sum(r.ms for r in results),
        "models": models,
    }
    text = (
        f"{path}: results of {len(results)} images, {sum(boxes)} boxes, {boxes.count(0)} images "
        f"without a box"
    )
    if scores:
        text += f"\n  scores {min(scores):.4g} to {max(scores):.4g}"
    text += f"\n  {len(models)} network{'s' * (len(models) != 1)}: {', '.join(models) or 'unknown'}"
    return facts, text


def _annotations(path: Path) -> tuple[Facts, str]:
    from collections import Counter

    from spel.io.annotation.annotations import read_coco

    truth = read_coco(path)
    counts = Counter(name for one in truth for name in one.classes)
    facts = {
        "kind": "annotations",
        "file": str(path),
        "images": len(truth),
        "boxes": sum(len(one) for one in truth),
        "empty": sum(not len(one) for one in truth),
        "classes": {name: counts[name] for name in truth.classes},
    }
    lines = [
        f"{path}: COCO annotations of {len(truth)} images, {facts['boxes']} boxes, "
        f"{facts['empty']} images without a box"
    ]
    lines += [f"  {name}: {counts[name]} boxes" for name in truth.classes]
    return facts, "\n".join(lines)


def _markers(path: Path) -> tuple[Facts, str]:
    from spel.io.annotation.markers import read_markers

    markers = read_markers(path)
    labels = sorted({int(n) for n in markers.labels})
    facts = {"kind": "markers", "file": str(path), "spels": len(markers), "labels": labels}
    return facts, f"{path}: markers of {len(markers)} spels, labels {labels}"


def _plain(value: Any) -> Any:
    """Without NaN and tuples, for JSON."""
    import math

    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
