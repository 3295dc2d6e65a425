"""What the page shows, as JSON and arrays: the document, runs, activations, traces."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import __version__
from spel.draw import as_rgb
from spel.errors import ParameterError, SpelError
from spel.nn import Convolution, Network, Unlearned
from spel.nn.geometry import geometry
from spel.nn.node import INPUT
from spel.nn.trace import trace
from spel.studio.banks import PRESETS
from spel.studio.cache import Kept, Run
from spel.studio.describe import SCHEMA, adjacency_words, fields_of
from spel.studio.document import Entry
from spel.studio.learning import DECODERS, TEMPLATES
from spel.studio.session import Session

Json = dict[str, Any]
Packed = tuple[Json, list[npt.NDArray[Any]]]
"""A header, and the arrays that it announces under "arrays"."""

THUMB_CHANNELS = 4


def packed(header: Json, *arrays: npt.NDArray[Any]) -> Packed:
    """A header with the shapes and types of its arrays."""
    told = [{"shape": list(a.shape), "dtype": a.dtype.name} for a in arrays]
    return {**header, "arrays": told}, list(arrays)


def document_view(session: Session, drawn: int | None = None) -> Json:
    """Everything that the page needs to draw itself, without pixels.

    Strokes are left out if they are still those of the number `drawn` that the page knows.
    """
    document, now = session.document, session.drawn
    strokes: Json = {}
    if drawn != now:
        strokes["strokes"] = {
            image: [s.to_dict() for s in all_of] for image, all_of in document.strokes.items()
        }
    return {
        **strokes,
        "drawn": now,
        "revision": session.revision,
        "undo": session.undoable,
        "redo": session.redoable,
        "problem": session.problem,
        "networks": [_entry(name, entry) for name, entry in document.networks.items()],
        "classes": [asdict(c) for c in document.classes],
        "truth": {image: [list(b) for b in boxes] for image, boxes in document.truth.items()},
        "pins": list(document.pins),
        "images": [{"id": s.id, "name": s.name} for s in session.images],
        "view": session.view,
    }


def constants() -> Json:
    """What never changes while the server runs."""
    return {
        "version": __version__,
        "schema": SCHEMA,
        "presets": list(PRESETS),
        "decoders": list(DECODERS),
        "templates": list(TEMPLATES),
    }


def _entry(name: str, entry: Entry) -> Json:
    nodes = []
    learned = entry.network.meta.get("learned", {})
    for node in entry.network.nodes:
        described: Json = {
            "name": node.name,
            "kind": node.layer.kind,
            "inputs": list(node.inputs),
            "off": node.name in entry.bypassed,
            "fields": fields_of(node.layer),
            "words": node.layer.describe(),
            "parameters": node.layer.parameters,
        }
        if isinstance(node.layer, Convolution):
            bank = node.layer.bank
            described["bank"] = {
                "kernels": len(bank),
                "channels": bank.channels,
                "reach": bank.adjacency.reach,
                "adjacency": adjacency_words(bank.adjacency),
                "learned": bool(bank.provenance),
                "print": node.layer.fingerprint(),
            }
            described["relearn"] = node.name in learned
        described["waits"] = isinstance(node.layer, Unlearned)
        nodes.append(described)
    return {
        "name": name,
        "nodes": nodes,
        "decision": entry.decision.to_dict(),
        "parameters": entry.network.parameters,
        "learned": bool(learned),
    }


def image_view(session: Session, image: str) -> Packed:
    """An image as it looks: (rows, cols, 3) of uint8."""
    loaded = session.load(image)
    rgb = as_rgb(loaded.array)
    header = {
        "id": loaded.id,
        "name": loaded.name,
        "rows": loaded.size[0],
        "cols": loaded.size[1],
        "channels": loaded.array.shape[-1],
        "dtype": str(loaded.array.dtype),
        "reduced": loaded.reduced,
        "digest": loaded.digest,
    }
    return packed(header, np.ascontiguousarray(rgb))


def run_view(run: Run, name: str) -> Json:
    """The steps of a run: ids of activations, shapes, extremes, times, errors."""
    steps = []
    for step in run.steps:
        told: Json = {"name": step.name}
        if step.kept is None:
            told["error"] = step.error
        else:
            kept = step.kept
            told |= {
                "id": kept.id,
                "shape": list(kept.array.shape),
                "low": kept.low,
                "high": kept.high,
                "ms": round(kept.ms, 3),
                "fresh": step.fresh,
                **_place(run.network, step.name),
            }
        steps.append(told)
    return {"network": name, "image": run.image.id, "steps": steps, **_facts(run)}


def _facts(run: Run) -> Json:
    try:
        adds = run.network.multiply_adds(run.image.array.shape)
    except SpelError:
        adds = None
    return {
        "parameters": run.network.parameters,
        "multiply_adds": adds,
        "ms": round(sum(s.kept.ms for s in run.steps if s.kept is not None), 3),
    }


def _place(network: Network, name: str) -> Json:
    """Where a node's spels stand on the image, and what one of them reads."""
    field = network.footprints[name]
    try:
        place = geometry(network, upto=name)
        scale, offset = list(place.scale), list(place.offset)
    except SpelError:
        scale, offset = [1.0, 1.0], [0.0, 0.0]
    return {
        "scale": scale,
        "offset": offset,
        "reads": "image" if field.whole else list(field.size),
    }


def thumbs_view(session: Session, ids: list[str], side: int) -> Packed:
    """Small pictures of activations: every s-th spel of their first channels."""
    told, arrays = [], []
    for id in ids[:100]:
        kept = session.cache.get(id)
        if kept is None or kept.array.ndim != 3:
            continue
        rows, cols, channels = kept.array.shape
        step = max(1, math.ceil(max(rows, cols) / max(16, min(side, 512))))
        shown = min(channels, THUMB_CHANNELS)
        small = np.moveaxis(kept.array[::step, ::step, :shown], -1, 0)
        told.append({"id": id, "channels": channels, "low": kept.low, "high": kept.high})
        arrays.append(np.ascontiguousarray(small, dtype=np.float32))
    return packed({"thumbs": told}, *arrays)


def kept(session: Session, id: str) -> Kept:
    """An activation by its id.

    Raises
    ------
    KeyError
        If it is not kept any more; running the network again brings it back.
    """
    found = session.cache.get(id)
    if found is None:
        raise KeyError(id)
    return found


def channel_view(session: Session, id: str, channel: int, step: int = 1) -> Packed:
    """One channel of an activation as float32, or every `step`-th spel of it."""
    found = kept(session, id)
    if found.array.ndim != 3 or not 0 <= channel < found.array.shape[-1]:
        raise ParameterError(f"channel {channel} of an activation of {found.array.shape}")
    whole = found.array[..., channel]
    low, high = (float(whole.min()), float(whole.max())) if whole.size else (0.0, 0.0)
    step = max(1, min(int(step), 16))
    plane = np.ascontiguousarray(whole[::step, ::step], dtype=np.float32)
    return packed({"id": id, "channel": channel, "low": low, "high": high, "step": step}, plane)


def bank_view(session: Session, network: str, node: str) -> Packed:
    """The kernels of a convolution as boxes, (K, rows, cols, C)."""
    layer = session.document.entry(network).network[node]
    if not isinstance(layer, Convolution):
        raise ParameterError(f"step {node!r} is no convolution and has no kernels")
    bank = layer.bank
    header = {
        "reach": bank.adjacency.reach,
        "displacements": bank.adjacency.displacements.tolist(),
        "bias": bank.bias.tolist(),
        "norms": np.linalg.norm(bank.weights.reshape(len(bank), -1), axis=1).tolist(),
        "print": layer.fingerprint(),
    }
    return packed(header, bank.dense(), np.ascontiguousarray(bank.weights))


def trace_view(
    session: Session,
    network: str,
    image: str,
    node: str,
    at: tuple[int, int],
    channel: int | None,
) -> Json:
    """The engine's numbers behind one spel, from the image to a node."""
    run = session.run(network, image)
    if node == INPUT:
        return {"steps": [], "input": _input_at(run, at)}
    step = run.step(node)
    if step is None or step.kept is None:
        raise ParameterError(f"{node}: {step.error if step else 'this step is switched off'}")
    found = trace(
        run.network,
        run.image.array,
        at=at,
        node=node,
        channel=channel,
        activations=run.activations,
    )
    told = found.to_dict()
    told["value"] = told["steps"][-1]["terms"]["value"]
    return told


def _input_at(run: Run, at: tuple[int, int]) -> list[float]:
    rows, cols = run.image.size
    if not (0 <= at[0] < rows and 0 <= at[1] < cols):
        raise ParameterError(f"spel {at}; expected one inside {rows} x {cols}")
    return [float(v) for v in run.image.array[at]]


def histogram_view(session: Session, id: str, channel: int, bins: int = 128) -> Json:
    """How often values occur in a channel."""
    plane = kept(session, id).array[..., channel]
    sound = plane[np.isfinite(plane)]
    counts, edges = np.histogram(sound, bins=bins) if sound.size else (np.zeros(bins), [0, 1])
    return {"counts": counts.tolist(), "low": float(edges[0]), "high": float(edges[-1])}


def clean(value: Any) -> Any:
    """JSON without NaN and infinities (as text)."""
    if isinstance(value, Mapping):
        return {str(k): clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [clean(v) for v in value]
    if isinstance(value, np.generic):
        return clean(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
