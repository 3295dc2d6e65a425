"""Text files that grow by whole lines and stay readable after a crash."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from types import TracebackType

from spel.atomic import write_error
from spel.errors import ParameterError, WriteError

__all__ = ["LineWriter", "lock"]


class LineWriter:
    """Appends lines to a file and flushes them to the disk.

    If a crash has cut the last line short, that line is removed when the file is opened, so that
    every line in it is whole. The file is locked: a second writer is refused.

    Parameters
    ----------
    path : str or path
        The file; created if absent, continued if present.
    sync_every : int
        Number of lines between two flushes to the disk. With 1 no line is lost; larger numbers
        are faster.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "log.jsonl"
    >>> _ = path.write_text('{"a": 1}\\n{"a": ')
    >>> with LineWriter(path) as writer:
    ...     writer.append('{"a": 2}')
    >>> path.read_text().splitlines()
    ['{"a": 1}', '{"a": 2}']
    """

    def __init__(self, path: str | os.PathLike[str], *, sync_every: int = 1) -> None:
        if isinstance(sync_every, bool) or not isinstance(sync_every, int) or sync_every < 1:
            raise ParameterError(f"LineWriter: sync_every is {sync_every!r}; give 1 or more")
        self._path = os.fsdecode(path)
        self._sync_every, self._pending = sync_every, 0
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        for flag in ("O_CLOEXEC", "O_NONBLOCK", "O_BINARY"):  # those that the system has
            flags |= getattr(os, flag, 0)
        try:
            self._handle = os.open(path, flags, 0o666)
        except OSError as error:
            raise write_error(self._path, error) from error
        try:
            lock(self._handle, self._path)
            self._drop_torn_line()
        except BaseException as error:
            os.close(self._handle)
            if isinstance(error, OSError):
                raise write_error(self._path, error) from error
            raise

    def append(self, line: str) -> None:
        """Add one line; `line` must hold no line feed."""
        data = line.encode("utf-8") + b"\n"
        if data.count(b"\n") != 1:
            raise ParameterError("LineWriter: a line holds a line feed; write it as \\n")
        written = 0
        try:
            while written < len(data):
                written += os.write(self._handle, data[written:])
        except OSError as error:
            with contextlib.suppress(OSError):  # remove the half line if the disk allows it
                os.ftruncate(self._handle, os.fstat(self._handle).st_size - written)
            raise write_error(self._path, error) from error
        self._pending += 1
        if self._pending >= self._sync_every:
            self.flush()

    def flush(self) -> None:
        """Flush all lines to the disk."""
        try:
            os.fsync(self._handle)
        except OSError as error:
            raise write_error(self._path, error) from error
        self._pending = 0

    def close(self) -> None:
        """Flush and close; a second call does nothing."""
        if self._handle >= 0:
            handle, self._handle = self._handle, -1
            try:
                os.fsync(handle)
            except OSError as error:
                raise write_error(self._path, error) from error
            finally:
                os.close(handle)

    def __enter__(self) -> LineWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            with contextlib.suppress(WriteError):  # the first error is reported
                self.close()

    def _drop_torn_line(self) -> None:
        status = os.fstat(self._handle)
        if not stat.S_ISREG(status.st_mode):
            raise ParameterError(f"{self._path!r} is not a plain file; choose another place")
        whole = end = status.st_size  # bytes up to the last line feed
        while whole and self._read(whole - 1, whole) != b"\n":
            start = max(0, whole - (1 << 16))
            whole = start + self._read(start, whole).rfind(b"\n") + 1
        if whole < end:
            os.ftruncate(self._handle, whole)

    def _read(self, start: int, end: int) -> bytes:
        os.lseek(self._handle, start, os.SEEK_SET)  # lines are appended wherever this leads
        return os.read(self._handle, end - start)


def lock(handle: int, path: str) -> None:
    """Lock an open file until it is closed, where the system can; a dead process locks nothing.

    Raises
    ------
    ParameterError
        If another process, or another opening of the file in this one, has locked it.
    """
    if sys.platform == "win32":  # it has no such locks
        return
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _locked_error(path) from None
    except OSError:  # a file system without locks
        return
    if not _is_still_the_file(handle, path):  # it was replaced between opening and locking
        raise _locked_error(path)


def _is_still_the_file(handle: int, path: str) -> bool:
    opened = os.fstat(handle)
    try:
        named = os.stat(path)
    except FileNotFoundError:
        return False
    return (opened.st_dev, opened.st_ino) == (named.st_dev, named.st_ino)


def _locked_error(path: str) -> ParameterError:
    return ParameterError(
        f"{path!r} is being written by another run; wait for it or choose another place"
    )
