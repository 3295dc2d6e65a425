"""A lock on a folder, so that two processes do not write to it at the same time."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path

from spel.errors import ParameterError


class FolderLock:
    """Held from its creation to `release`; the system releases it when the process ends.

    Raises
    ------
    ParameterError
        If another process, or another session of this one, holds the lock.
    """

    def __init__(self, folder: Path) -> None:
        self._handle: int | None = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        if sys.platform == "win32":  # it has no such locks
            return
        import fcntl

        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                return  # a file system without locks
            owner = os.read(self._handle, 32).decode("ascii", "replace").strip()
            self.release()
            raise ParameterError(
                f"{folder}: another studio has this session open (process {owner or 'unknown'}); "
                "close it, or choose another folder with --session"
            ) from None
        with contextlib.suppress(OSError):  # a full disk
            os.truncate(self._handle, 0)
            os.write(self._handle, str(os.getpid()).encode())

    def release(self) -> None:
        """Give the lock back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
