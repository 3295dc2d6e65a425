"""ffmpeg at work: a process whose log tells of each frame and whose pipe holds its pixels."""

from __future__ import annotations

import contextlib
import queue
import re
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import IO

import numpy as np
import numpy.typing as npt

from .ffmpeg import complaint, ended, environment, found, limited, passthrough, reading

__all__ = ["Player"]

_CONFIG = re.compile(rb"showinfo@(\w+) @.*config in time_base: (\d+)/(\d+)")
_TIME = re.compile(rb"showinfo@(\w+) @.* n: *(\d+) pts: *(-?\d+|NOPTS) .*? s:(\d+)x(\d+) ")

Shown = tuple[int, float, npt.NDArray[np.uint8]]


class Player:
    """Plays the frames that a condition chooses; a context manager.

    The log is read by a thread, a frame when it is asked for.

    Parameters
    ----------
    path : Path
    demuxer : str
    chosen : str
        ffmpeg's condition.
    max_pixels : int
        Of a frame.
    seconds : float
        Longest silence.
    rate : float
        Frames per second, for frames that carry no time.
    """

    def __init__(
        self, path: Path, demuxer: str, chosen: str, *, max_pixels: int, seconds: float, rate: float
    ) -> None:
        program = found("ffmpeg")
        picture = "scale=flags=bilinear+accurate_rnd+full_chroma_int+bitexact,format=rgb24"
        chain = f"showinfo@all=checksum=0,select='{chosen}',showinfo@kept=checksum=0," + picture
        self.command = [
            *(program, "-hide_banner", "-nostdin", "-nostats", "-loglevel", "repeat+level+info"),
            # Frames that are not whole are left out and told, never filled in.
            *("-threads", "2", "-fflags", "+discardcorrupt", "-err_detect", "explode"),
            *("-max_error_rate", "1"),
            *reading(path, demuxer, max_pixels),
            *("-map", "0:v:0", "-an", "-sn", "-dn", "-filter_threads", "1", "-vf", chain),
            # Without it a frame of another size than the first is brought to that size unsaid.
            *("-autoscale", "0", *passthrough(program), "-f", "rawvideo", "pipe:1"),
        ]
        self.max_pixels, self.seconds, self.rate = max_pixels, seconds, rate
        self.complaint = ""
        self.hung = False
        self._log: queue.SimpleQueue[tuple[int, float, int, int] | None] = queue.SimpleQueue()
        self._heard = monotonic()

    def __enter__(self) -> Player:
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment(),
        )
        limited(self.process, self.max_pixels)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kill()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def next(self) -> Shown | None:
        """Number, seconds and pixels of the next frame; None at the end, whatever its reason."""
        told = self._told()
        if told is None:
            return None
        index, when, rows, cols = told
        if rows * cols > self.max_pixels:
            self.complaint = f"frame {index} has {rows} x {cols} pixels, above max_pixels"
            self._kill()
            return None
        image = np.empty((rows, cols, 3), np.uint8)
        if not self._read(memoryview(image.reshape(-1))):
            return None
        return index, when, image

    def problem(self) -> str:
        """Why it ended before its end; empty if it did not."""
        if self.hung:
            self._kill()
            return f"ffmpeg was silent for {self.seconds:g} s and was ended"
        try:
            code = self.process.wait(self.seconds)
        except subprocess.TimeoutExpired:
            self._kill()
            return "ffmpeg did not end"
        self._thread.join(self.seconds)
        if self.complaint:
            return self.complaint
        return f"ffmpeg: {ended(code)}" if code else ""

    def _told(self) -> tuple[int, float, int, int] | None:
        since = monotonic()
        while True:
            with contextlib.suppress(queue.Empty):
                return self._log.get(timeout=min(0.5, self.seconds))
            if monotonic() - max(since, self._heard) > self.seconds:
                self.hung = True
                return None

    def _read(self, room: memoryview) -> bool:
        """Fill the room exactly; False if the stream ends or stalls before."""
        assert self.process.stdout is not None
        watch = threading.Timer(self.seconds, self._stalled)
        watch.daemon = True
        watch.start()
        try:
            while len(room):
                count = self.process.stdout.readinto(room)  # type: ignore[attr-defined]
                if not count:
                    return False
                room = room[count:]
            return True
        finally:
            watch.cancel()

    def _stalled(self) -> None:
        self.hung = True
        self._kill()

    def _kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)

    def _listen(self) -> None:
        """Turn the log into times of frames and the first complaint."""
        assert self.process.stderr is not None
        log = _Log(self.rate)
        try:
            for line in _lines(self.process.stderr):
                self._heard = monotonic()
                frame = log.frame(line)
                if frame is not None:
                    self._log.put(frame)
                elif not self.complaint and b"showinfo" not in line:
                    self.complaint = complaint(line)
        except (OSError, ValueError):  # closed from our side
            pass
        finally:
            self._log.put(None)


class _Log:
    """Follows what the two showinfo filters say: all frames, and the chosen ones."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.base = Fraction(0)
        self.first = self.count = 0
        self.passed: deque[tuple[int, bytes]] = deque(maxlen=4096)

    def frame(self, line: bytes) -> tuple[int, float, int, int] | None:
        """(index, seconds, rows, cols) if the line tells of a chosen frame."""
        known = _CONFIG.search(line)
        if known is not None:
            if known[1] == b"all":  # the filters begin anew where the frames change their size
                self.first = self.count
            self.base = Fraction(int(known[2]), max(1, int(known[3])))
            return None
        told = _TIME.search(line)
        if told is None:
            return None
        if told[1] == b"all":
            index = self.first + int(told[2])
            self.count = index + 1
            self.passed.append((index, told[3]))
            return None
        index = self._index(told[3])
        if told[3] == b"NOPTS":
            when = index / self.rate if self.rate else 0.0
        else:
            when = round(float(int(told[3]) * self.base), 6)
        return index, when, int(told[5]), int(told[4])

    def _index(self, pts: bytes) -> int:
        while self.passed:
            index, known = self.passed.popleft()
            if known == pts:
                return index
        return max(0, self.count - 1)


def _lines(pipe: IO[bytes]) -> Iterator[bytes]:
    """Lines of a raw pipe, each cut at 8 KiB."""
    rest = b""
    while piece := pipe.read(1 << 16):
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line[:8192] for line in whole)
        rest = rest[:8192]
    if rest:
        yield rest
