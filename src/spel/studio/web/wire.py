"""Arrays in an HTTP body: the length of a JSON header, the header, then the arrays' bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.studio.views.packing import finite_json


def pack(header: Mapping[str, Any], arrays: Sequence[npt.NDArray[Any]]) -> bytes:
    """Four bytes of length (little-endian), JSON padded with blanks to 8 bytes, padded arrays.

    Examples
    --------
    >>> data = pack({"a": 1}, [np.array([1.0], dtype=np.float32)])
    >>> int.from_bytes(data[:4], "little"), data[4:12], len(data)
    (12, b'{"a": 1}', 24)
    """
    text = json.dumps(finite_json(header), allow_nan=False).encode()
    text += b" " * (-(4 + len(text)) % 8)
    parts = [len(text).to_bytes(4, "little"), text]
    for array in arrays:
        data = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
        parts += [data, b"\0" * (-len(data) % 8)]
    return b"".join(parts)
