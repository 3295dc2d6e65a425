"""A report to print: one HTML file without scripts, with steps, pictures, boxes and the code."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy.typing as npt

from spel.decide import Decision, decide
from spel.draw import as_rgb, overlay, shade
from spel.errors import SpelError, plural
from spel.nn.geometry import geometry
from spel.studio import code
from spel.studio.cache import NodeResult, Run
from spel.studio.session import Session

STYLE = (
    "body{font:16px/1.5 system-ui;margin:2rem auto;max-width:60rem}"
    "td,th{padding:.5rem;border-bottom:1px solid #ccc;text-align:left;vertical-align:top}"
    "img{max-width:100%}pre{background:#f4f4f4;padding:1rem;overflow:auto}"
)


def report(session: Session, view: Mapping[str, Any]) -> str:
    """The report on a network and an image, as HTML."""
    name = str(view["network"])
    run = session.run(name, str(view["image"]))
    steps = "".join(_step(run, result) for result in run.results)
    python = code.view_code(session, {**view, "page": "chain"})
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>spel report</title>"
        f"<style>{STYLE}</style><h1>{escape(name)} on {escape(run.image.name)}</h1>"
        f"<p>fingerprint {run.network.whole_fingerprint()}, {run.network.parameters:,} parameters"
        f"{_boxes(session, name, run)}<h2>Steps</h2><table>{steps}</table>"
        f"<h2>Python</h2><pre>{escape(python)}</pre></html>"
    )


def _step(run: Run, result: NodeResult) -> str:
    name = escape(result.name)
    if result.activation is None:
        return f"<tr><th>{name}<td colspan=3>{escape(result.error)}"
    array = result.activation.array
    shaded = shade(array[..., 0])
    return (
        f"<tr><th>{name}<br><small>{escape(run.network[result.name].describe())}</small>"
        f"<td><img width=320 alt='{name}' src='{_picture(shaded.rgb)}'>"
        f"<td>{' x '.join(map(str, array.shape))}<br>{escape(shaded.scale)}"
        f"<td>{result.activation.ms:.2f} ms"
    )


def _boxes(session: Session, name: str, run: Run) -> str:
    try:
        decision = session.document.entry(name).decision
        if run.output is None or not isinstance(decision, Decision):
            return "<h2>No boxes</h2><p>The network gives no saliency."
        place = geometry(run.network)
        decided = decide(run.output.array, decision, place=place, image_size=run.image.size)
    except SpelError as error:
        return f"<h2>No boxes</h2><p>{escape(str(error))}"
    picture = _picture(overlay(as_rgb(run.image.array), decided.detections))
    count = len(decided.detections)
    return f"<h2>{plural(count, 'box')}</h2><img src='{picture}' alt='boxes on the image'>"


def _picture(rgb: npt.NDArray[Any]) -> str:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG", compress_level=3)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
