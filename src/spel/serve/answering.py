"""Answering one image in a worker: the open file comes in; a status and a nameless file go out."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from spel.core.intensity import count_non_finite, dark_largest, largest_number, white_of
from spel.core.threads import threads
from spel.errors import SpelError, plural
from spel.io.image.colors import check_colors
from spel.io.image.decoding import describe_open, read_open
from spel.io.isolation import load_libraries
from spel.nn import Network
from spel.nn.intensity import assumed_white, takes_colors
from spel.serve.kinds import KINDS, Received

Reply = tuple[bytes, int | None]


@dataclass(frozen=True)
class Question:
    """What is asked about an image.

    Attributes
    ----------
    kind : str
        One of `spel.serve.kinds.KINDS`.
    media_type : str
        Of the answer.
    name : str
        Of the image.
    max_pixels : int
        Larger images are refused, before they are decoded.
    threads : int
        Threads of the engine.
    factor : float
        The number that the query states, see `spel.serve.kinds.Kind`.
    """

    kind: str
    media_type: str
    name: str
    max_pixels: int
    threads: int = 1
    factor: float = 1.0


class _Models:
    """The model of this process."""

    model: Any = None


def load_model(model: Any) -> None:
    """Take the model in and load the decoders, in a worker that has just started."""
    load_libraries()
    _Models.model = model


def answer(handle: int, question: Question) -> Reply:
    """Decode an open file, and answer: a status and perhaps an error as JSON, and a body."""
    try:
        with threads(question.threads), open(handle, "rb", closefd=False) as file:
            received = _read(file, question)
            body = KINDS[question.kind].work(_Models.model, received, question.media_type)
        return _reply(200, notes=received.notes), _file(body)
    except SpelError as error:
        return _reply(422, _message(error)), None
    except MemoryError:
        return _reply(413, "the image needs more memory than allowed; send a smaller one"), None
    except OSError as error:
        reason = f"the disk of the server refused it ({error.strerror or error})"
        return _reply(507, reason), None
    except Exception as error:  # whatever one image causes costs that image only
        return _reply(500, f"unexpected {type(error).__name__}: {error}"[:300]), None


def _read(file: BinaryIO, question: Question) -> Received:
    most = question.max_pixels
    info = describe_open(file, question.name, max_pixels=most)
    network = _Models.model if isinstance(_Models.model, Network) else None
    if network is not None and takes_colors(network):
        check_colors(question.name, info)
    file.seek(0)
    image = read_open(file, question.name, page=None, max_pixels=most)
    white = white_of(image, info.range[1])
    if network is not None:
        notes = _notes(image, assumed_white(network, image, white))
    else:
        notes = _notes(image, None if image.dtype == np.uint8 else white)
    if info.unread_pages:
        notes.append(f"the first of {info.unread_pages} pages or frames is read")
    return Received(image, white, question.name, notes, question.factor)


def _notes(image: npt.NDArray[Any], assumed: float | None) -> list[str]:
    """What is assumed of the numbers of an image, and how many of them are not finite."""
    notes = [] if assumed is None else [f"full intensity is taken to be {assumed:g}"]
    dark = dark_largest(largest_number(image), assumed)
    notes += [] if dark is None else [f"the largest number is {dark:g}"]
    count = count_non_finite(image)
    return notes + [f"{plural(count, 'number')} NaN or infinite"] * (count > 0)


def _message(error: Exception) -> str:
    notes = "; ".join(getattr(error, "__notes__", ()))
    return f"{error} ({notes})" if notes else str(error)


def _reply(status: int, error: str = "", notes: Sequence[str] = ()) -> bytes:
    return json.dumps({"status": status, "error": error[:2000], "notes": "; ".join(notes)}).encode()


def _file(body: bytes) -> int:
    """A nameless file that holds the body; its descriptor."""
    with tempfile.TemporaryFile(buffering=0) as file:
        view = memoryview(body)
        while len(view):
            view = view[file.write(view) :]
        return os.dup(file.fileno())
