"""A function as a job: what it returns for an image is the line of that image."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from spel.atomic import replacing
from spel.errors import ParameterError
from spel.runs.image_job import ImageJob
from spel.runs.names import OutputFiles
from spel.runs.source_image import ImageRecord, SourceImage


@dataclass(frozen=True)
class FunctionJob(ImageJob):
    """A job that calls a function with the array of each image.

    Arrays among the values are written to ``NAME.KEY.npy``, and the line names the file. A run of
    the same function resumes; one whose source text has changed is another run.

    Parameters
    ----------
    function : callable
        Takes an array (rows, cols, channels) and returns a mapping of names to numbers, texts,
        lists of them, or arrays. For several workers it must be a function of a module that they
        can import; options may be set with `functools.partial`.

    Examples
    --------
    >>> def brightness(image, power=1):
    ...     return {"mean": float((image**power).mean())}
    >>> FunctionJob(functools.partial(brightness, power=2), every="2s").to_dict()["function"]
    'brightness'
    """

    NAME: ClassVar[str] = "function"

    function: Callable[[npt.NDArray[Any]], Mapping[str, Any]]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not callable(self.function):
            raise ParameterError(
                f"run: {self.function!r:.80} is no job; give a job such as spel.jobs.DetectJob, or "
                "a function that takes an image"
            )

    def settings(self) -> dict[str, Any]:
        """Name, options and source text of the function."""
        inner, options = self.function, ""
        if isinstance(inner, functools.partial):
            options = repr((inner.args, sorted(inner.keywords.items())))
            inner = inner.func
        name = getattr(inner, "__qualname__", type(inner).__qualname__)
        return {"function": name, "options": options, "source": _source_digest(inner)}

    def check_importable(self) -> None:
        """Refuse a function that other processes cannot import."""
        inner = self.function
        inner = inner.func if isinstance(inner, functools.partial) else inner
        name = getattr(inner, "__qualname__", "")
        if "<" in name or getattr(inner, "__module__", "") == "__main__":
            raise ParameterError(
                f"run: worker processes cannot import the function {name!r}; define it at the top "
                "of a module of its own, or use one worker without limits"
            )

    def process(self, image: SourceImage, files: OutputFiles) -> ImageRecord:
        """What the function returns for the image."""
        values = self.function(image.pixels)
        if not isinstance(values, Mapping):
            raise ParameterError(
                f"run: the function returned {type(values).__name__}; return a mapping of names to "
                "values"
            )
        named = {str(name): value for name, value in values.items()}
        if "image" in named:
            raise ParameterError(
                "run: the function returned a value that is called 'image', which is the name of "
                "the file; choose another name"
            )
        return image.record(**{name: _plain(name, value, files) for name, value in named.items()})


def _plain(key: str, value: Any, files: OutputFiles) -> Any:
    """A value as it stands in a line; that of an array is the name of its file."""
    if isinstance(value, np.ndarray) and value.ndim:
        if not re.fullmatch(r"[\w -]+", key):
            raise ParameterError(
                f"run: an array that is called {key!r} cannot be a file of that name; use letters, "
                "digits, '_' and '-'"
            )
        path = files.path(f"{key}.npy")
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.save(file, value, allow_pickle=False)
        return path.name
    try:
        return json.loads(json.dumps(value, allow_nan=False, default=_number))
    except (TypeError, ValueError) as error:
        raise ParameterError(
            f"run: the value {key!r} of the function is {value!r:.80} ({error}); return finite "
            "numbers, texts, lists of them, or arrays"
        ) from None


def _number(value: Any) -> Any:
    """A number of NumPy as one of Python."""
    if isinstance(value, np.generic | np.ndarray) and value.ndim == 0:
        return value.item()
    raise TypeError(f"{type(value).__name__} is not plain")


def _source_digest(function: Any) -> str:
    try:
        text = inspect.getsource(function)
    except (OSError, TypeError):  # typed at a prompt, or not written in Python
        return ""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
