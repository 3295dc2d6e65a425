"""Runs as the page shows them: steps, activations, kernels, traces, histograms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from spel.errors import ParameterError, SpelError
from spel.nn import Network
from spel.nn.geometry import geometry
from spel.nn.node import INPUT
from spel.nn.trace import trace
from spel.studio.cache import CachedActivation, NodeResult, Run, extremes
from spel.studio.graph import as_convolution
from spel.studio.reduction import factor_of
from spel.studio.refusals import Refusal
from spel.studio.session import Session
from spel.studio.views.packing import Json, Packed, packed

MAX_THUMBS = 100
THUMB_CHANNELS = 4


class NotCachedError(LookupError):
    """The activation is not in the cache any more; running the network again computes it."""


def run_view(run: Run, name: str) -> Json:
    """The steps of a run: ids of activations, shapes, extremes, times, errors."""
    return {
        "network": name,
        "image": run.image.id,
        "steps": [_step(run, result) for result in run.results],
        "reduced": factor_of(run.network),
        "parameters": run.network.parameters,
        "multiply_adds": _multiply_adds(run),
        "ms": round(sum(r.activation.ms for r in run.results if r.activation is not None), 3),
    }


def _step(run: Run, result: NodeResult) -> Json:
    activation = result.activation
    if activation is None:
        return {"name": result.name, "error": result.error}
    return {
        "name": result.name,
        "id": activation.id,
        "shape": list(activation.array.shape),
        "low": activation.low,
        "high": activation.high,
        "ms": round(activation.ms, 3),
        "fresh": result.fresh,
        **_placement(run.network, result.name),
    }


def _multiply_adds(run: Run) -> int | None:
    try:
        return run.network.multiply_adds(run.input.shape)
    except SpelError:
        return None


def _placement(network: Network, name: str) -> Json:
    """Where the pixels of an activation lie on the image, and how many pixels one of them reads."""
    footprint = network.footprints[name]
    try:
        place = geometry(network, upto=name)
        scale, offset = list(place.scale), list(place.offset)
    except SpelError:
        scale, offset = [1.0, 1.0], [0.0, 0.0]
    return {
        "scale": scale,
        "offset": offset,
        "reads": "image" if footprint.whole else list(footprint.size),
    }


def thumbs_view(session: Session, ids: list[str], side: int) -> Packed:
    """Small pictures of activations: every s-th pixel of their first channels."""
    thumbs, arrays = [], []
    for id in ids[:MAX_THUMBS]:
        activation = session.cache.get(id)
        if activation is None or activation.array.ndim != 3:
            continue
        rows, cols, channels = activation.array.shape
        step = max(1, math.ceil(max(rows, cols) / max(16, min(side, 512))))
        count = min(channels, THUMB_CHANNELS)
        small = np.moveaxis(activation.array[::step, ::step, :count], -1, 0)
        extremes = {"low": activation.low, "high": activation.high}
        thumbs.append({"id": id, "channels": channels, **extremes})
        arrays.append(np.ascontiguousarray(small, dtype=np.float32))
    return packed({"thumbs": thumbs}, *arrays)


def cached(session: Session, id: str) -> CachedActivation:
    """An activation by its id.

    Raises
    ------
    NotCachedError
        If it is not in the cache any more.
    """
    activation = session.cache.get(id)
    if activation is None:
        raise NotCachedError(f"activation {id[:40]} is not in the cache; run the network again")
    return activation


def _channel(session: Session, id: str, channel: int) -> Any:
    array = cached(session, id).array
    if array.ndim != 3 or not 0 <= channel < array.shape[-1]:
        raise ParameterError(f"channel {channel}; the activation has {array.shape[-1]} channels")
    return array[..., channel]


def channel_view(session: Session, id: str, channel: int, step: int = 1) -> Packed:
    """One channel of an activation as float32, or every `step`-th pixel of it."""
    whole = _channel(session, id, channel)
    low, high = extremes(whole)
    step = max(1, min(int(step), 16))
    plane = np.ascontiguousarray(whole[::step, ::step], dtype=np.float32)
    return packed({"id": id, "channel": channel, "low": low, "high": high, "step": step}, plane)


def bank_view(session: Session, network: str, node: str) -> Packed:
    """The kernels of a convolution as boxes, (K, rows, cols, C), and as lists of weights."""
    layer = as_convolution(session.document.entry(network).network[node], node)
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
    """The numbers that the engine used for one pixel, from the image to a node."""
    run = session.run(network, image)
    if node == INPUT:
        return {"steps": [], "input": _input_at(run, at)}
    result = run.result(node)
    if result is None:
        raise Refusal("step_off", "step {step} is switched off", step=node)
    if result.activation is None:
        raise Refusal("step_fails", "step {step} fails: {reason}", step=node, reason=result.error)
    traced = trace(
        run.network,
        run.input,
        at=at,
        node=node,
        channel=channel,
        activations=run.activations,
    ).to_dict()
    for step in traced["steps"]:
        if run.network[step["node"]].scope == "batch":
            batch = session.cache.batch(run.network, step["node"], run.image)
            values = batch[(slice(None), *step["at"], step["channel"])]
            step["terms"] |= {"min": float(values.min()), "max": float(values.max())}
    return {**traced, "value": traced["steps"][-1]["terms"]["value"]}


def _input_at(run: Run, at: tuple[int, int]) -> list[float]:
    rows, cols = run.image.size
    if not (0 <= at[0] < rows and 0 <= at[1] < cols):
        raise ParameterError(f"pixel {at} lies outside of the image of {rows} x {cols}")
    return [float(v) for v in run.input[at]]


def histogram_view(session: Session, id: str, channel: int, bins: int = 128) -> Json:
    """How often values occur in a channel."""
    plane = _channel(session, id, channel)
    finite = plane[np.isfinite(plane)]
    counts, edges = np.histogram(finite, bins=bins) if finite.size else (np.zeros(bins), [0, 1])
    return {"counts": counts.tolist(), "low": float(edges[0]), "high": float(edges[-1])}
