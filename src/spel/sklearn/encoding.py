"""Plain values as JSON and tensors: numbers, texts, arrays, networks, markers, and estimators."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import nn
from spel.core.markers import Markers
from spel.errors import FormatError
from spel.nn import Network

Tensors = dict[str, npt.NDArray[Any]]
_MARKER_FIELDS = ("points", "labels", "size", "background", "ids")


@dataclass(frozen=True)
class Raw:
    """An estimator as plain values: its kind, its parameters, and its learned state."""

    kind: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)


def encode(value: Any, place: str, tensors: Tensors) -> Any:
    """The value as JSON; arrays and networks go to `tensors` under names that start with `place`.

    Raises
    ------
    FormatError
        If a value has another type; the message states its place and type.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return {"float": repr(value)}
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "OUS":
            return {"texts": [str(v) for v in value.ravel()], "shape": list(value.shape)}
        tensors[place] = np.ascontiguousarray(value)
        return {"tensor": place}
    if isinstance(value, list | tuple):
        items = [encode(v, f"{place}.{i}", tensors) for i, v in enumerate(value)]
        return {"list" if isinstance(value, list) else "tuple": items}
    if isinstance(value, Mapping):
        keys = [encode(k, place, tensors) for k in value]
        items = [encode(v, f"{place}.{k}", tensors) for k, v in value.items()]
        return {"keys": keys, "values": items}
    if isinstance(value, Network):
        tensors[place] = np.frombuffer(_network_bytes(value), dtype=np.uint8)
        return {"network": place}
    if isinstance(value, Markers):
        return {
            "markers": [encode(getattr(value, f), f"{place}.{f}", tensors) for f in _MARKER_FIELDS]
        }
    if isinstance(value, Raw):
        return {
            "estimator": value.kind,
            "parameters": encode(value.parameters, f"{place}.set", tensors),
            "state": encode(value.state, place, tensors),
        }
    raise FormatError(
        f"{place}: a value of type {type(value).__name__} cannot be saved; expected numbers, "
        "texts, arrays, networks or markers"
    )


def decode(value: Any, tensors: Mapping[str, Any]) -> Any:
    """The value that `encode` described; estimators stay plain values (`Raw`).

    Raises
    ------
    FormatError
        If the description has another form.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if not isinstance(value, dict) or not value:
        raise FormatError(f"value {value!r:.60}; expected an object that names its type")
    kind, content = next(iter(value.items()))
    try:
        return _decode_kind(kind, content, value, tensors)
    except FormatError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"{kind} {content!r:.60}: {error}; the file is damaged") from error


def _decode_kind(kind: str, content: Any, value: Any, tensors: Mapping[str, Any]) -> Any:
    if kind == "float":
        return float(content)
    if kind == "texts":
        return np.array([str(text) for text in content], dtype=str).reshape(value["shape"])
    if kind == "tensor":
        return tensors[content]
    if kind == "list":
        return [decode(v, tensors) for v in content]
    if kind == "tuple":
        return tuple(decode(v, tensors) for v in content)
    if kind == "keys":
        keys = [decode(k, tensors) for k in content]
        values = [decode(v, tensors) for v in value["values"]]
        return dict(zip(keys, values, strict=True))
    if kind == "network":
        return _network_of(tensors[content].tobytes())
    if kind == "markers":
        points, labels, size, background, ids = (decode(v, tensors) for v in content)
        return Markers(points, labels, size, background, ids)
    if kind == "estimator":
        parameters = decode(value["parameters"], tensors)
        state = decode(value["state"], tensors)
        if not isinstance(parameters, dict) or not isinstance(state, dict):
            raise FormatError("an estimator without parameters and state; the file is damaged")
        return Raw(str(content), parameters, state)
    raise FormatError(f"unknown type {kind!r:.40}; the file is damaged")


def _network_bytes(network: Network) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.safetensors"
        network.save(path)
        return path.read_bytes()


def _network_of(data: bytes) -> Network:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.safetensors"
        path.write_bytes(data)
        try:
            return nn.load(path)
        except FormatError as error:
            raise FormatError(str(error).replace(str(path), "its network")) from error
