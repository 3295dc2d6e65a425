"""Files that leave the studio: networks, ONNX, scripts, markers, results, a report to print."""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from spel.backends import to_html, to_onnx
from spel.backends.onnx_report import Input
from spel.decide import detect
from spel.decide.segmentation import segmentation_of
from spel.errors import ImageReadError, ParameterError
from spel.io.annotation.markers import write_markers
from spel.nn.intensity import match_white
from spel.nn.network import Network
from spel.studio import code
from spel.studio.box_files import boxes_file, detected_boxes, true_boxes
from spel.studio.reduction import factor_of
from spel.studio.refusals import Refusal
from spel.studio.report import report
from spel.studio.result_files import markers_archive, masks_archive
from spel.studio.session import Session
from spel.studio.strokes import markers_of

View = Mapping[str, Any]
File = tuple[str, str, bytes]
"""Name, media type and content."""

BINARY = "application/octet-stream"


def export(session: Session, kind: str, view: View) -> File:
    """One file of a kind, see `KINDS`.

    Raises
    ------
    ParameterError
        If the kind is unknown.
    BackendMissingError
        If the kind is "onnx" and ONNX is not installed.
    """
    if kind not in KINDS:
        raise ParameterError(f"export {kind!r:.40}; expected one of {', '.join(KINDS)}")
    return KINDS[kind](session, view)


def _file_stem(name: object, default: str) -> str:
    stem = "".join(c if c.isalnum() and c.isascii() else "-" for c in str(name))
    return stem.strip("-") or default


def _name(view: View, suffix: str) -> str:
    return f"{_file_stem(view['network'], 'network')}{suffix}"


def _network(session: Session, view: View) -> File:
    path = session.file_of(_shown_network(session, view))
    return _name(view, ".safetensors"), BINARY, path.read_bytes()


def _shown_network(session: Session, view: View) -> Network:
    """The network as it works on the image on the screen; its first step reduces a large one."""
    return session.fitted(str(view["network"]), str(view["image"]))


def _onnx(session: Session, view: View) -> File:
    network = _shown_network(session, view)
    image = session.load(str(view["image"])).array
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        dtype: Input = "uint8" if image.dtype == "uint8" else "float32"
        to_onnx(network, path, images=[image], dtype=dtype)
        return _name(view, ".onnx"), BINARY, path.read_bytes()


def _script(session: Session, view: View) -> File:
    page = view.get("page") if view.get("page") in ("detect", "space") else "chain"
    text = code.view_code(session, {**view, "page": page})
    return _name(view, ".py"), "text/x-python", text.encode()


def _command(session: Session, view: View) -> File:
    return "command.sh", "text/plain", (command_line(session, view) + "\n").encode()


def command_line(session: Session, view: View) -> str:
    """The command that applies the network to a folder."""
    network = _shown_network(session, view)
    path = session.file_of(network)
    image = session.images.source(str(view["image"])).path
    folder = shlex.quote(str(image.parent)) if image is not None else "FOLDER"
    command = "segment" if segmentation_of(network).cut else "detect"
    line = f"spel {command} {shlex.quote(str(path))} {folder} --out results"
    factor = factor_of(network)
    if factor == 1:
        return line
    return f"# The network's first step reduces images to 1/{factor} of their size.\n{line}"


def _markers(session: Session, view: View, suffix: str, ending: str) -> File:
    image = session.load(str(view["image"]))
    strokes = session.document.strokes.get(image.id, ())
    if not strokes:
        raise Refusal(
            "no_stroke_here", "image {image} has no strokes; draw one first", image=image.name
        )
    markers = markers_of(strokes, image.size)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"markers{suffix}"
        write_markers(path, markers)
        return f"{_file_stem(image.name, 'image')}{ending}", "text/plain", path.read_bytes()


def _results(session: Session, view: View) -> File:
    """Boxes of every image, one line of JSON each; of a broken image, why it was not read."""
    chosen = str(view["network"])
    lines = []
    for image_id in session.image_ids():
        try:
            image = session.load(image_id)
        except ImageReadError as error:
            name = session.images.source(image_id).name
            line = {"image": name, "error": type(error).__name__, "message": str(error)}
        else:
            network = session.fitted(chosen, image_id)
            detected = detect(network, image.values, white=image.white)
            line = {"image": image.name, **detected.to_dict()}
        lines.append(json.dumps(line))
    return "results.jsonl", "application/x-ndjson", ("\n".join(lines) + "\n").encode()


def _report(session: Session, view: View) -> File:
    text = report(session, view)
    return _name(view, "-report.html"), "text/html; charset=utf-8", text.encode()


def _html(session: Session, view: View) -> File:
    """A page to hand out, with the network and the image on the screen."""
    image = session.load(str(view["image"]))
    array = match_white(_shown_network(session, view), image.values, image.white)
    text = to_html(_shown_network(session, view), array, title=f"{view['network']} · {image.name}")
    return _name(view, ".html"), "text/html; charset=utf-8", text.encode()


def _true_boxes(session: Session, view: View) -> File:
    """The true boxes of all images, in the format that the view names."""
    return boxes_file(true_boxes(session), str(view.get("format") or "coco"), "boxes")


def _detected_boxes(session: Session, view: View) -> File:
    """The boxes that the network finds, in the format that the view names."""
    detected = detected_boxes(session, str(view["network"]))
    return boxes_file(
        detected, str(view.get("format") or "coco"), _file_stem(view["network"], "net")
    )


def _masks(session: Session, view: View) -> File:
    """Saliencies, masks or classes, and objects of all images."""
    data = masks_archive(session, str(view["network"]))
    return _name(view, "-masks.zip"), "application/zip", data


KINDS: dict[str, Callable[[Session, View], File]] = {
    "network": _network,
    "onnx": _onnx,
    "script": _script,
    "command": _command,
    "markers-txt": lambda s, v: _markers(s, v, ".txt", "-seeds.txt"),
    "markers-json": lambda s, v: _markers(s, v, ".json", "-markers.json"),
    "markers-all": lambda s, v: ("markers.zip", "application/zip", markers_archive(s)),
    "masks": _masks,
    "results": _results,
    "report": _report,
    "true-boxes": _true_boxes,
    "detected-boxes": _detected_boxes,
    "html": _html,
}
