"""Files that are whole or absent: write beside the target, flush to the disk, then rename.

A process killed at any instant leaves either the old file, the new one, or none under the final
name. After an error or Ctrl-C nothing stays behind; a killed process may leave its temporary
file, whose name starts with ``.`` and ends with ``.part`` plus the suffix of the target.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from collections.abc import Callable, Container, Iterator
from pathlib import Path

from spel.errors import ParameterError, WriteError

__all__ = [
    "check_place",
    "make_folder",
    "move_folder",
    "remove_leftovers",
    "replacing",
    "replacing_folder",
    "write_bytes",
    "write_error",
    "write_text",
]

_LEFTOVER = re.compile(r"\.(.+)\.[0-9a-f]{12}(?:\.old)?\.part(\.[^.]*)?")

_SHORT_WRITE = re.compile(r"(\d+) requested and (\d+) written")

_REMEDIES = {
    errno.EACCES: "the place is not writable; choose another one or change its permissions",
    errno.EPERM: "the place is not writable; choose another one or change its permissions",
    errno.EROFS: "the file system is read-only; choose another place",
    errno.ENOSPC: "the disk is full; free some space and try again",
    errno.EDQUOT: "your disk quota is used up; free some space and try again",
    errno.EIO: "the disk or the network to it fails; look after it, then try again",
    errno.EMFILE: "too many files are open; use fewer workers, or raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open on this machine; try again later",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.EEXIST: "a file of that name is there; choose another place",
    errno.EISDIR: "it is a folder; give a file name",
    errno.ENOTDIR: "a part of the path is a file; choose a path whose parents are folders",
}


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it becomes ``path``, else it vanishes.

    The temporary file exists, is empty, private (mode 0600) and has the suffix of ``path``, so
    that writers which choose a format by name work. Its contents are flushed to the disk before
    the rename, and the folder after it. A new file gets the mode that the umask gives; an old
    one keeps its mode.

    Parameters
    ----------
    path : str or path
        The file to write.

    Raises
    ------
    ParameterError
        The folder is missing, or ``path`` is a folder, device or pipe.
    WriteError
        The place is read-only, or the disk is full or failed while writing.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
    >>> with replacing(target) as temporary:
    ...     _ = temporary.write_text("spel")
    >>> target.read_text()
    'spel'
    """
    target = _target(Path(path))
    try:
        mode = _final_mode(target)
        temporary = _create_beside(target)
    except OSError as error:
        raise write_error(target, error) from error
    try:
        yield temporary
        _flush(temporary, mode)
        os.replace(temporary, target)
        _flush_folder(target.parent)
    except OSError as error:
        _remove(temporary)
        if isinstance(error, WriteError):
            raise
        if error.filename not in (None, str(temporary), os.fspath(temporary)):
            raise
        raise write_error(target, error) from error
    except BaseException:
        _remove(temporary)
        raise


@contextlib.contextmanager
def replacing_folder(
    path: str | os.PathLike[str], is_replaceable: Callable[[str], bool]
) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; on success it becomes ``path``, else it vanishes.

    Parameters
    ----------
    path : path
        The folder; absent, or holding only files that may be replaced. Parents are created.
    is_replaceable : callable
        Whether a file of this name in an earlier folder may be replaced.

    Raises
    ------
    ParameterError
        ``path`` is a file, or a folder that holds other files.
    WriteError
        The place is read-only, or the disk is full or failed while writing.
    """
    target = Path(os.path.realpath(path))
    _check_replaceable(target, is_replaceable)
    make_folder(target.parent)
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.part")
    try:
        temporary.mkdir()
        yield temporary
        _exchange(temporary, target)
        _flush_folder(target.parent)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        if isinstance(error, WriteError):
            raise
        raise write_error(target, error) from error
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def move_folder(
    source: str | os.PathLike[str],
    path: str | os.PathLike[str],
    is_replaceable: Callable[[str], bool],
) -> None:
    """Move a whole folder to its final place, where an earlier one is replaced.

    A process killed at any instant leaves the folder at one of both places.

    Parameters
    ----------
    source : path
        A folder on the same disk.
    path, is_replaceable
        As for `replacing_folder`, whose errors are raised.
    """
    target = Path(os.path.realpath(path))
    _check_replaceable(target, is_replaceable)
    try:
        _exchange(Path(source), target)
        _flush_folder(target.parent)
    except OSError as error:
        raise write_error(target, error) from error


def _check_replaceable(target: Path, is_replaceable: Callable[[str], bool]) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise ParameterError(f"cannot write {str(target)!r}: it is a file; give a folder")
    others = sorted(entry.name for entry in target.iterdir() if not is_replaceable(entry.name))
    if others:
        raise ParameterError(
            f"cannot write {str(target)!r}: the folder holds other files ("
            f"{', '.join(others[:3])}); give a new folder"
        )


def _exchange(temporary: Path, target: Path) -> None:
    """Put a finished folder in the place of an earlier one, which is removed."""
    if not target.exists():
        temporary.rename(target)
        return
    earlier = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.old.part")
    target.rename(earlier)
    try:
        temporary.rename(target)
    except OSError:
        earlier.rename(target)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def check_place(path: str | os.PathLike[str]) -> None:
    """Raise what `replacing` would raise for this path, before long work begins.

    Raises
    ------
    ParameterError, WriteError
    """
    target = _target(Path(path))
    try:
        _remove(_create_beside(target))
    except OSError as error:
        raise write_error(target, error) from error


def write_bytes(path: str | os.PathLike[str], data: bytes | bytearray | memoryview) -> None:
    """Write ``data`` to ``path`` atomically (see :func:`replacing`).

    Parameters
    ----------
    path : str or path
    data : bytes

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_bytes(folder / "a.bin", b"spel")
    >>> (folder / "a.bin").read_bytes(), len(list(folder.iterdir()))
    (b'spel', 1)
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` to ``path`` atomically as UTF-8 with line feeds.

    Parameters
    ----------
    path : str or path
    text : str
    """
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Create the folder and its parents if they are absent.

    Raises
    ------
    WriteError
        If it cannot be created, or is a file.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(folder, error) from error
    return folder


def remove_leftovers(folder: str | os.PathLike[str], names: Container[str]) -> list[Path]:
    """Remove the temporary files and folders that a killed process left beside these names.

    Nobody may be writing these files now.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> (folder / ".a.json.0123456789ab.part.json").touch()
    >>> (folder / ".b.json.0123456789ab.part.json").touch()
    >>> [path.name for path in remove_leftovers(folder, {"a.json"})]
    ['.a.json.0123456789ab.part.json']
    """
    removed = []
    with os.scandir(folder) as entries:
        for entry in entries:
            match = _LEFTOVER.fullmatch(entry.name)
            if match is not None and match[1] in names:
                removed.append(Path(entry.path))
    for path in removed:
        _remove(path)
    return removed


def _target(target: Path) -> Path:
    """The place behind links, which must be free or hold a plain file."""
    if not target.name:
        raise ParameterError(f"cannot write to {str(target)!r}: it names no file; give a file name")
    try:
        target = Path(os.path.realpath(target))
        if target.is_dir():
            raise ParameterError(f"cannot write {str(target)!r}: it is a folder; give a file name")
        if not target.parent.is_dir():
            raise ParameterError(
                f"cannot write {str(target)!r}: there is no folder {str(target.parent)!r}; "
                "create it first"
            )
        if target.exists() and not target.is_file():
            raise ParameterError(
                f"cannot write {str(target)!r}: it is a device, pipe or socket; give a file name"
            )
    except (OSError, ValueError) as error:  # too long a name, a null character
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(
            f"cannot write {str(target)!r}: {error}; choose another name"
        ) from error
    return target


def _final_mode(target: Path) -> int:
    """Mode of the finished file: that of the old one, else what the umask of the process gives."""
    with contextlib.suppress(FileNotFoundError):
        return target.stat().st_mode & 0o777
    return 0o666 & ~_umask()


def _umask() -> int:
    # os.umask would change the mask of all threads for a moment; Linux lists it in /proc.
    with contextlib.suppress(OSError, ValueError), open("/proc/self/status") as status:
        for line in status:
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _create_beside(target: Path) -> Path:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_CLOEXEC", 0)
    stem = target.name[:100]  # leaves room below the limit of 255 bytes for the random part
    while len(os.fsencode(stem)) > 180:
        stem = stem[:-1]
    suffix = target.suffix if len(target.suffix) <= 20 else ""
    while True:
        temporary = target.with_name(f".{stem}.{secrets.token_hex(6)}.part{suffix}")
        with contextlib.suppress(FileExistsError):
            os.close(os.open(temporary, flags, 0o600))
            return temporary


def _flush(temporary: Path, mode: int) -> None:
    handle = os.open(temporary, os.O_RDWR)
    try:
        os.fsync(handle)
        if hasattr(os, "fchmod"):
            os.fchmod(handle, mode)
    finally:
        os.close(handle)


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):  # some network file systems refuse to sync a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove(temporary: Path) -> None:
    if temporary.is_dir() and not temporary.is_symlink():
        shutil.rmtree(temporary, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        temporary.unlink()


def write_error(path: str | os.PathLike[str], error: OSError) -> WriteError:
    """The error of writing a file, with its reason and the remedy.

    Examples
    --------
    >>> str(write_error("a.csv", OSError(28, "No space left on device")))
    "cannot write 'a.csv': No space left on device; the disk is full; free some space and try again"
    """
    code, reason = error.errno, error.strerror or str(error)
    if code is None and (short := _SHORT_WRITE.search(reason)):  # NumPy's own, without a code
        code, reason = errno.ENOSPC, "only {1} of {0} numbers were written".format(*short.groups())
    remedy = _REMEDIES.get(code or 0, "check the place and try again")
    return WriteError(f"cannot write {os.fspath(path)!r}: {reason}; {remedy}")
