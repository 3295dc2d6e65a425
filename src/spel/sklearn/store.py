"""Fitted estimators in a file of numbers: no pickle, no code.

One safetensors file: arrays as tensors, everything else as JSON in its metadata. Only estimators of
`ALLOWED` are written and read; reading calls their constructors with plain values, nothing else.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from spel import atomic, nn
from spel.core.markers import Markers
from spel.errors import FormatError, SpelError
from spel.linear import ClassMoments
from spel.nn import Network

FORMAT, VERSION = "spel.estimator", 1
MAX_HEADER = 4 << 20

ALLOWED: dict[str, str] = {
    "FlattenImages": "spel.sklearn",
    "FlimEncoder": "spel.sklearn",
    "ImageClassifier": "spel.sklearn",
    "KernelHead": "spel.sklearn",
    "NetworkFeatures": "spel.sklearn",
    "PatchEncoder": "spel.sklearn",
    "PooledFeatures": "spel.sklearn",
    "RidgeHead": "spel.sklearn",
    "LabelBinarizer": "sklearn.preprocessing",
    "LabelEncoder": "sklearn.preprocessing",
    "LinearSVC": "sklearn.svm",
    "LogisticRegression": "sklearn.linear_model",
    "MLPClassifier": "sklearn.neural_network",
    "PCA": "sklearn.decomposition",
    "Pipeline": "sklearn.pipeline",
    "RidgeClassifier": "sklearn.linear_model",
    "SVC": "sklearn.svm",
    "StandardScaler": "sklearn.preprocessing",
}
"""Estimators that a file may hold, and where they are."""

_SKIPPED = frozenset({"_optimizer", "_random_state", "random_state"})


def save(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator to one file, atomically.

    Raises
    ------
    FormatError
        If it holds something that is neither a number, a text, an array, a network, markers nor one
        of the `ALLOWED` estimators; the message names it.
    """
    from safetensors.numpy import save as to_bytes

    tensors: dict[str, Any] = {}
    described = {
        "format": FORMAT,
        "version": VERSION,
        "estimator": _encode(estimator, type(estimator).__name__, tensors),
    }
    text = json.dumps(described)
    if len(text) > MAX_HEADER:
        raise FormatError(f"{path}: {len(text):,} bytes of settings; at most {MAX_HEADER:,}")
    atomic.write_bytes(path, to_bytes(tensors, metadata={"spel": text}))


def load(path: str | os.PathLike[str]) -> Any:
    """Read an estimator that `save` wrote.

    Raises
    ------
    FormatError
        If the file is damaged, newer, no estimator, or holds one that is not `ALLOWED`.
    """
    from safetensors import SafetensorError, safe_open

    name = os.fspath(path)
    try:
        with safe_open(name, framework="numpy") as file:
            text = (file.metadata() or {}).get("spel", "")
            if len(text) > MAX_HEADER:
                raise FormatError(f"{name}: its header is larger than {MAX_HEADER:,} bytes")
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise FormatError(f"{name}: there is no such file") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise FormatError(f"{name}: no safetensors file, or a truncated one ({error})") from error
    try:
        described = json.loads(text)
        if not isinstance(described, dict) or described.get("format") != FORMAT:
            raise FormatError(
                "no classifier; expected a file that spel fit or spel.sklearn.save wrote"
            )
        if described.get("version") != VERSION:
            raise FormatError(f"version {described.get('version')!r}; update spel")
        return _decode(described["estimator"], tensors)
    except (SpelError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise FormatError(f"{name}: {error}") from error


def _encode(value: Any, place: str, tensors: dict[str, Any]) -> Any:
    if isinstance(value, np.generic):
        return _encode(value.item(), place, tensors)
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
        items = [_encode(v, f"{place}.{i}", tensors) for i, v in enumerate(value)]
        return {"list" if isinstance(value, list) else "tuple": items}
    if isinstance(value, Mapping):
        keys = [_encode(k, place, tensors) for k in value]
        items = [_encode(v, f"{place}.{k}", tensors) for k, v in value.items()]
        return {"keys": keys, "values": items}
    if isinstance(value, Network):
        tensors[place] = np.frombuffer(_network_bytes(value), dtype=np.uint8)
        return {"network": place}
    if isinstance(value, Markers):
        fields = ("points", "labels", "size", "background", "ids")
        return {"markers": [_encode(getattr(value, f), f"{place}.{f}", tensors) for f in fields]}
    if isinstance(value, ClassMoments):
        return {"moments": _encode(vars(value), place, tensors)}
    name = type(value).__name__
    if (
        not hasattr(value, "get_params")
        or type(value).__module__.split(".")[0] != (ALLOWED.get(name, "").split(".")[0])
    ):
        raise FormatError(
            f"{place}: {type(value).__module__}.{name} cannot be kept in a file; expected numbers, "
            f"texts, arrays, networks, or one of {', '.join(ALLOWED)}"
        )
    parameters = value.get_params(deep=False)
    state = {k: v for k, v in vars(value).items() if k not in parameters and k not in _SKIPPED}
    return {
        "estimator": name,
        "parameters": _encode(parameters, f"{place}.set", tensors),
        "state": _encode(state, place, tensors),
    }


def _decode(value: Any, tensors: Mapping[str, Any]) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    (kind, content), *_ = value.items()
    if kind == "float":
        return float(content)
    if kind == "texts":
        return np.array(content).reshape(value["shape"])
    if kind == "tensor":
        return tensors[content]
    if kind == "list":
        return [_decode(v, tensors) for v in content]
    if kind == "tuple":
        return tuple(_decode(v, tensors) for v in content)
    if kind == "keys":
        keys = [_decode(k, tensors) for k in content]
        return dict(zip(keys, [_decode(v, tensors) for v in value["values"]], strict=True))
    if kind == "network":
        return _network_of(tensors[content].tobytes())
    if kind == "markers":
        return Markers(*[_decode(v, tensors) for v in content])
    if kind == "moments":
        return _moments(_decode(content, tensors))
    if kind == "estimator":
        if content not in ALLOWED:
            raise FormatError(f"estimator {content!r}; expected one of {', '.join(ALLOWED)}")
        make = getattr(import_module(ALLOWED[content]), content)
        estimator = make(**_decode(value["parameters"], tensors))
        state = _decode(value["state"], tensors)
        if any(callable(getattr(type(estimator), k, None)) for k in state):
            raise FormatError(f"{content}: its state names methods; the file is damaged")
        if content == "RidgeHead" and "_gram" in state:
            state = _state_of_0_1(state)
        vars(estimator).update(state)
        return estimator
    raise FormatError(f"unknown value {kind!r}; the file is damaged")


def _moments(arrays: dict[str, Any]) -> ClassMoments:
    moments = ClassMoments(arrays["origin"], len(arrays["target_total"]))
    if set(arrays) != set(vars(moments)):
        raise FormatError(f"moments of {sorted(arrays)}; the file is damaged")
    vars(moments).update(arrays)
    return moments


def _state_of_0_1(state: dict[str, Any]) -> dict[str, Any]:
    """The state of a `RidgeHead` of spel 0.1, which kept its sums as attributes of its own."""
    names = {
        "_about": "origin",
        "_count": "count",
        "_gram": "products",
        "_sum": "total",
        "_targets": "target_total",
        "_cross": "cross",
    }
    moments = _moments({new: state[old] for old, new in names.items()})
    return {**{k: v for k, v in state.items() if k not in names}, "_moments": moments}


def _network_bytes(network: Network) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.safetensors"
        network.save(path)
        return path.read_bytes()


def _network_of(data: bytes) -> Network:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.safetensors"
        path.write_bytes(data)
        return nn.load(path)
