"""Fitted estimators in a file of numbers: no pickle, no code.

A file is in the safetensors format: arrays are tensors, everything else is JSON in the metadata.
Estimators of this package are stored as their settings and weights, those of scikit-learn as the
numbers that predictions need. Everything is checked on loading.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spel import atomic
from spel.errors import FormatError, SpelError
from spel.io.json_files import parse_json
from spel.nn.tensor_file import read_tensor_file
from spel.sklearn.build import build
from spel.sklearn.encoding import Raw, Tensors, decode, encode
from spel.sklearn.kinds import ALLOWED, describe

__all__ = ["ALLOWED", "ClassifierFile", "load", "read_file", "save"]

FORMAT, VERSION = "spel.estimator", 2
MAX_HEADER = 4 << 20


def save(
    estimator: Any, path: str | os.PathLike[str], *, card: Mapping[str, Any] | None = None
) -> None:
    """Write a fitted estimator to one file, atomically.

    Parameters
    ----------
    estimator : estimator
    path : str or path
    card : mapping, optional
        Notes for readers of the file, as values of JSON; `load` ignores them.

    Raises
    ------
    FormatError
        If it is not fitted, or holds a value that is not a number, a string, an array, a network,
        markers or one of the `ALLOWED` estimators; the message names the value.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from spel.sklearn import RidgeHead
    >>> head = RidgeHead().fit([[0.0], [1.0], [8.0], [9.0]], ["low", "low", "high", "high"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(head, f"{folder}/head.safetensors")
    ...     load(f"{folder}/head.safetensors").predict([[7.0]]).tolist()
    ['high']
    """
    from safetensors.numpy import save as to_bytes

    tensors: Tensors = {}
    name = type(estimator).__name__
    described = {
        "format": FORMAT,
        "version": VERSION,
        "estimator": encode(describe(estimator, name), name, tensors),
        **({"card": dict(card)} if card else {}),
    }
    text = json.dumps(described)
    if len(text) > MAX_HEADER:
        raise FormatError(f"{path}: {len(text):,} bytes of settings; at most {MAX_HEADER:,}")
    atomic.write_bytes(path, to_bytes(tensors, metadata={"spel": text}))


def load(path: str | os.PathLike[str]) -> Any:
    """Read an estimator that `save` wrote; see there for an example.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    estimator

    Raises
    ------
    FormatError
        If the file is damaged, newer, no estimator, or holds one that is not `ALLOWED`.
    """
    file = read_file(path)
    try:
        return build(file.estimator)
    except (SpelError, RecursionError) as error:
        raise FormatError(f"{os.fspath(path)}: {error}") from error


@dataclass(frozen=True)
class ClassifierFile:
    """What a file holds: an estimator as plain values, its arrays, and notes for readers."""

    estimator: Raw
    tensors: Tensors
    card: Mapping[str, Any]


def read_file(path: str | os.PathLike[str]) -> ClassifierFile:
    """The plain values of a file, before they are checked and become an estimator.

    Raises
    ------
    FormatError
        If the file is damaged, newer, or holds no estimator.
    """
    origin = "spel fit or spel.sklearn.save"
    text, tensors = read_tensor_file(path, "classifier", origin, MAX_HEADER)
    try:
        described = parse_json(text, name="its settings", max_bytes=MAX_HEADER)
        if not isinstance(described, dict) or described.get("format") != FORMAT:
            raise FormatError(
                "no classifier; expected a file that spel fit or spel.sklearn.save wrote"
            )
        if described.get("version") not in (1, VERSION):
            raise FormatError(
                f"version {described.get('version')!r:.20}; a newer spel wrote it, update spel"
            )
        raw = decode(described.get("estimator"), tensors)
    except (SpelError, RecursionError) as error:
        raise FormatError(f"{os.fspath(path)}: {error}") from error
    if not isinstance(raw, Raw):
        raise FormatError(f"{os.fspath(path)}: it holds no estimator; the file is damaged")
    card = described.get("card")
    return ClassifierFile(raw, tensors, card if isinstance(card, dict) else {})
