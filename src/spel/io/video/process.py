"""The parent's view of the decoder's process: its messages, a limit of time, and its end.

It is not a `spel.worker.Worker`, because it decodes ahead of its reader (decision 0029).
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from spel.errors import BackendMissingError
from spel.io.opening import DecodeError
from spel.worker import ending

from .decoder import START

__all__ = ["DecoderProcess", "require_av"]

MAX_LINE = 1 << 16


def require_av() -> None:
    """Raise BackendMissingError, which says what to install, if PyAV is missing."""
    from importlib.util import find_spec

    if find_spec("av") is None:
        raise BackendMissingError(
            'reading videos needs the package av, which is missing; pip install "spel[video]"'
        )


class DecoderProcess:
    """A process that decodes one video; a context manager.

    Parameters
    ----------
    file : open file
        The video, which the process gets as its standard input; it opens no other file.
    options : dict
        Options of `spel.io.video.decoder.Decoding`.
    seconds : float
        Longest time without a message.
    """

    def __init__(self, file: BinaryIO, options: dict[str, Any], seconds: float) -> None:
        self.file, self.options, self.seconds = file, options, seconds
        self.silent = False

    def __enter__(self) -> DecoderProcess:
        self.process = subprocess.Popen(
            self.command(),
            stdin=self.file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def command(self) -> list[str]:
        """The program and its arguments."""
        start = START.format(path=sys.path, options=json.dumps(self.options))
        return [sys.executable, "-c", start]

    def message(self) -> dict[str, Any]:
        """The next message.

        Raises
        ------
        DecodeError
            If the process dies, sends nothing for too long, or writes anything else.
        """
        line = self._read(lambda stream: stream.readline(MAX_LINE))
        try:
            message = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise DecodeError(self._death(), "the file is damaged or hostile; leave it out")
        return message

    def pixels(self, rows: int, cols: int) -> npt.NDArray[np.uint8]:
        """The pixels that follow a frame's message."""
        image = np.empty((rows, cols, 3), np.uint8)
        count = self._read(lambda stream: stream.readinto(image.reshape(-1).data))
        if count != image.nbytes:
            raise DecodeError(self._death(), "the file is damaged or hostile; leave it out")
        return image

    def _read(self, read: Any) -> Any:
        watch = threading.Timer(self.seconds, self._end_silence)
        watch.daemon = True
        watch.start()
        try:
            return read(self.process.stdout)
        finally:
            watch.cancel()

    def _end_silence(self) -> None:
        self.silent = True
        self.kill()

    def _death(self) -> str:
        """How the process ended, in words."""
        if self.silent:
            return f"the decoder was silent for {self.seconds:g} s and was ended"
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(1)
        code = self.process.poll()
        self.kill()
        return f"the decoder {ending(code)}" if code else "the decoder sent no frame"

    def kill(self) -> None:
        """End the process now."""
        if self.process.poll() is None:
            self.process.kill()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
