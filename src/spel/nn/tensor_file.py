"""Reading settings and arrays from a safetensors file under limits, for all that spel saves."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from spel.errors import FormatError
from spel.nn.save import MAX_DEPTH, MAX_HEADER, depth


def read_tensor_file(
    path: str | os.PathLike[str], noun: str, origin: str, largest: int = MAX_HEADER
) -> tuple[str, dict[str, Any]]:
    """The settings in the metadata of a file, as JSON, and its arrays by name.

    The header is bounded before anything is allocated.

    Parameters
    ----------
    path : path
    noun : str
        What the file should hold, such as "network".
    origin : str
        What writes such files, such as "spel fit".
    largest : int
        Of the settings, in bytes.

    Raises
    ------
    FormatError
        If there is no such file, or it is none of this format, truncated or damaged.
    """
    name, expected = os.fspath(path), f"expected a {noun} that {origin} wrote (*.safetensors)"
    header = _header(Path(path), name, expected, 2 * largest)
    described = parse_header(header, name)
    metadata = described.get("__metadata__") if isinstance(described, dict) else None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("spel"), str):
        raise FormatError(f"{name}: not a {noun} of spel: its metadata have no 'spel'; {expected}")
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return metadata["spel"], load_file(path)
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise FormatError(
            f"{name}: it is cut short or damaged ({error}); copy or download it again"
        ) from error


def _header(path: Path, name: str, expected: str, largest: int) -> bytes:
    if path.is_dir():
        raise FormatError(f"{name}: this is a folder; {expected}")
    try:
        with path.open("rb") as file:
            head = file.read(8)
            size = int.from_bytes(head, "little")
            if len(head) < 8 or size > largest or head[:1] == b"{":
                raise FormatError(f"{name}: no safetensors file, or one cut short; {expected}")
            header = file.read(size)
    except FileNotFoundError:
        raise FormatError(f"{name}: there is no such file; check the path") from None
    except OSError as error:
        raise FormatError(f"{name}: cannot be read ({error.strerror or error})") from error
    if len(header) < size:
        raise FormatError(
            f"{name}: it is cut short: its header ends after {len(header)} bytes; copy or download "
            "it again"
        )
    return header


def parse_header(text: bytes | str, name: str) -> Any:
    """JSON without duplicate keys, NaN or deep nesting."""
    text = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if depth(text) > MAX_DEPTH:
        raise FormatError(f"{name}: nested deeper than {MAX_DEPTH} levels")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{name}: its header is no valid JSON ({error})") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key repeats")
    return values


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")
