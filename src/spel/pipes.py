"""How a process passes pipes and open files to another, on POSIX systems and on Windows.

Windows passes no open files. Its half is checked for its types (``mypy --platform win32``) and was
never run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any, NoReturn, TypeAlias

__all__ = ["Wire", "inheriting", "receive_file", "send_file", "wire_of"]

if sys.platform == "win32":
    from multiprocessing.connection import PipeConnection

    Wire: TypeAlias = "PipeConnection[Any, Any]"

    def wire_of(handle: int) -> Wire:
        """The end of a pipe that this process inherited."""
        return PipeConnection(handle)

    def inheriting(handle: int) -> dict[str, Any]:
        """Options of `subprocess.Popen` for a process that gets this end of a pipe."""
        os.set_handle_inheritable(handle, True)
        return {"startupinfo": subprocess.STARTUPINFO(lpAttributeList={"handle_list": [handle]})}

    def send_file(wire: Wire, file: int) -> NoReturn:
        """Windows has none: `spel.io.isolation.AVAILABLE` is false there."""
        raise OSError("open files cannot be passed to another process on Windows")

    def receive_file(wire: Wire) -> NoReturn:
        """Windows has none, as in `send_file`."""
        raise EOFError

else:
    from multiprocessing.connection import Connection
    from multiprocessing.reduction import recv_handle, send_handle

    Wire: TypeAlias = "Connection[Any, Any]"

    def wire_of(handle: int) -> Wire:
        """The end of a pipe that this process inherited."""
        return Connection(handle)

    def inheriting(handle: int) -> dict[str, Any]:
        """Options of `subprocess.Popen` for a process that gets this end of a pipe."""
        return {"pass_fds": [handle]}

    def send_file(wire: Wire, file: int) -> None:
        """Send an open file; the sender may close its own descriptor afterwards."""
        send_handle(wire, file, None)

    def receive_file(wire: Wire) -> int:
        """The descriptor of the file that comes next; EOFError if something else comes."""
        try:
            return recv_handle(wire)
        except RuntimeError as error:
            raise EOFError from error
