"""Files that leave the studio: networks, ONNX, scripts, markers, results, a report to print."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from spel.decide import detect
from spel.errors import BackendMissingError, ParameterError
from spel.studio import code
from spel.studio.answers import boxes_view
from spel.studio.session import Session

File = tuple[str, str, bytes]
"""Name, media type and content."""

BINARY = "application/octet-stream"


def exported(session: Session, kind: str, view: Mapping[str, Any]) -> File:
    """One file of a kind, see `KINDS`.

    Raises
    ------
    ParameterError
        For an unknown kind.
    BackendMissingError
        If ONNX is asked for and not installed.
    """
    if kind not in KINDS:
        raise ParameterError(f"export {kind!r:.40}; expected one of {', '.join(KINDS)}")
    return KINDS[kind](session, view)


def _name(view: Mapping[str, Any], suffix: str) -> str:
    stem = "".join(c if c.isalnum() and c.isascii() else "-" for c in str(view["network"]))
    return f"{stem.strip('-') or 'network'}{suffix}"


def _effective(session: Session, view: Mapping[str, Any]) -> Any:
    network = session.document.entry(str(view["network"])).effective
    if network is None:
        raise ParameterError("every step is switched off; switch one on")
    return network


def _network(session: Session, view: Mapping[str, Any]) -> File:
    path = session.file_of(_effective(session, view))
    return _name(view, ".safetensors"), BINARY, path.read_bytes()


def _onnx(session: Session, view: Mapping[str, Any]) -> File:
    try:
        from spel.backends import onnx_
    except ImportError:
        raise BackendMissingError("ONNX is not installed; try: pip install 'spel[onnx]'") from None
    network = _effective(session, view)
    image = session.load(str(view["image"])).array
    dtype = "uint8" if image.dtype == "uint8" else "float32"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        onnx_.export(network, path, images=[image], dtype=dtype)
        return _name(view, ".onnx"), BINARY, path.read_bytes()


def _script(session: Session, view: Mapping[str, Any]) -> File:
    page = view.get("page") if view.get("page") in ("detect", "space") else "chain"
    text = code.view_code(session, {**view, "page": page})
    return _name(view, ".py"), "text/x-python", text.encode()


def _command(session: Session, view: Mapping[str, Any]) -> File:
    return "command.sh", "text/plain", (command_line(session, view) + "\n").encode()


def command_line(session: Session, view: Mapping[str, Any]) -> str:
    """The command that runs the network over a folder."""
    import shlex

    path = session.file_of(_effective(session, view))
    image = session.images.source(str(view["image"])).path
    place = shlex.quote(str(image.parent)) if image is not None else "FOLDER"
    return f"spel detect {shlex.quote(str(path))} {place} --out results"


def _markers(session: Session, view: Mapping[str, Any], suffix: str) -> File:
    from spel.io.annotation.markers import write_markers
    from spel.studio.strokes import markers_of

    image = session.load(str(view["image"]))
    markers = markers_of(session.document.strokes.get(image.id, ()), image.size)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"markers{suffix}"
        write_markers(path, markers)
        stem = "".join(c if c.isalnum() and c.isascii() else "-" for c in image.name)
        end = "-seeds.txt" if suffix == ".txt" else "-markers.json"
        return f"{stem}{end}", "text/plain", path.read_bytes()


def _results(session: Session, view: Mapping[str, Any]) -> File:
    """Boxes of every image, one line of JSON each."""
    network = _effective(session, view)
    lines = []
    for source in session.images:
        image = session.load(source.id)
        found = detect(network, image.array)
        lines.append(json.dumps({"image": image.name, **found.to_dict()}))
    return "results.jsonl", "application/x-ndjson", ("\n".join(lines) + "\n").encode()


def _report(session: Session, view: Mapping[str, Any]) -> File:
    """One HTML file without scripts: steps, pictures, boxes, the code."""
    import base64
    import io

    from PIL import Image

    from spel.draw import as_rgb, overlay, shade

    def picture(rgb: Any) -> str:
        file = io.BytesIO()
        Image.fromarray(rgb).save(file, "PNG", compress_level=3)
        return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()

    run = session.run(str(view["network"]), str(view["image"]))
    rows = []
    for step in run.steps:
        if step.kept is None:
            rows.append(f"<tr><th>{escape(step.name)}<td colspan=3>{escape(step.error)}")
            continue
        shaded = shade(step.kept.array[..., 0])
        rows.append(
            f"<tr><th>{escape(step.name)}<br><small>{escape(run.network[step.name].describe())}"
            f"</small><td><img width=320 alt='{escape(step.name)}' src='{picture(shaded.rgb)}'>"
            f"<td>{' x '.join(map(str, step.kept.array.shape))}<br>{escape(shaded.scale)}"
            f"<td>{step.kept.ms:.2f} ms"
        )
    try:
        from spel.decide import decide
        from spel.nn.geometry import geometry

        entry = session.document.entry(str(view["network"]))
        found = decide(
            run.steps[-1].kept.array,
            entry.decision,
            place=geometry(run.network),  # type: ignore[union-attr]
            image_size=run.image.size,
        ).detections
        boxes = picture(overlay(as_rgb(run.image.array), found))
        told = boxes_view(session, str(view["network"]), str(view["image"]), None)
        answer = f"<h2>{told['count']} boxes</h2><img src='{boxes}' alt='boxes on the image'>"
    except Exception as error:
        answer = f"<h2>No boxes</h2><p>{escape(str(error))}"
    text = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>spel report</title>"
        "<style>body{font:16px/1.5 system-ui;margin:2rem auto;max-width:60rem}td,th{padding:.5rem;"
        "border-bottom:1px solid #ccc;text-align:left;vertical-align:top}img{max-width:100%}"
        "pre{background:#f4f4f4;padding:1rem;overflow:auto}</style>"
        f"<h1>{escape(str(view['network']))} on {escape(run.image.name)}</h1>"
        f"<p>fingerprint {run.network.fingerprint()}, {run.network.parameters:,} parameters"
        f"{answer}<h2>Steps</h2><table>{''.join(rows)}</table><h2>Python</h2>"
        f"<pre>{escape(code.view_code(session, {**view, 'page': 'chain'}))}</pre></html>"
    )
    return _name(view, "-report.html"), "text/html; charset=utf-8", text.encode()


KINDS: dict[str, Callable[[Session, Mapping[str, Any]], File]] = {
    "network": _network,
    "onnx": _onnx,
    "script": _script,
    "command": _command,
    "markers-txt": lambda s, v: _markers(s, v, ".txt"),
    "markers-json": lambda s, v: _markers(s, v, ".json"),
    "results": _results,
    "report": _report,
}
