"""The image files that the user names: files, folders, patterns and lists as one ordered list."""

from __future__ import annotations

import glob
import os
import re
import sys
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from spel.errors import ParameterError, plural, printable
from spel.io.image.formats import HEAD, recognize
from spel.io.large import is_zarr
from spel.io.opening import DecodeError
from spel.io.video import is_video

__all__ = ["IMAGE_SUFFIXES", "expand", "is_video_file", "natural_key", "spread"]

_SUFFIXES = "png jpg jpeg jpe jfif mpo tif tiff bmp gif webp pbm pgm ppm pnm pam pfm"
IMAGE_SUFFIXES = frozenset("." + name for name in _SUFFIXES.split(" "))
_OTHERS = (
    "npy mp4 mov avi mkv webm m4v mpg mpeg heic heif avif jp2 j2k jpx jxl dcm nii nrrd mha mhd psd "
    "xcf exr hdr cr2 cr3 nef arw dng raw orf rw2 fits czi lif nd2 mrc tga pcx ico svg dds qoi h5"
)
_OTHER_SUFFIXES = frozenset("." + name for name in _OTHERS.split(" "))
_MAX_LIST = 64 << 20
_SHOWN = 300


def expand(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    stdin: BinaryIO | None = None,
    outside: Path | None = None,
) -> list[Path]:
    """List the image files that ``inputs`` name, each once.

    - A file is taken, whatever its name.
    - A folder stands for all files in it and below with the suffix of an image. Hidden files are
      left out; links are followed, but never in a circle. A warning counts NumPy files, videos and
      images of formats that are not read.
    - A pattern with ``*``, ``?`` or ``[`` stands for the files that it matches; ``**`` crosses
      folders.
    - A ``.txt`` file is a list of paths, one per line, relative to its folder.
    - The folder of an OME-Zarr image is one image.
    - ``-`` is a list on standard input, relative to the current folder; its paths are separated by
      NUL if it contains one, as ``find -print0`` writes them.

    The order is that of ``inputs``. Within a folder or pattern it is natural (``a2`` before
    ``a10``), folder by folder, and the same on every machine.

    Parameters
    ----------
    inputs : path or iterable of paths
    stdin : binary file, optional
        Read for ``-``; by default that of the process.
    outside : path, optional
        A folder below a folder of images that is passed over, as what is written there is none.

    Returns
    -------
    list of Path

    Raises
    ------
    ParameterError
        If a path does not exist, a folder or pattern has no image, or a list is empty or names a
        missing file; all such problems are listed.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("a10.png", "a2.png", "notes.md"):
    ...     (folder / name).touch()
    >>> [path.name for path in expand(folder)]
    ['a2.png', 'a10.png']
    """
    paths: dict[str, Path] = {}
    problems: list[str] = []
    if isinstance(inputs, (str, os.PathLike)):
        inputs = [inputs]
    try:
        names = [os.fsdecode(one) for one in inputs]
    except TypeError as error:
        raise ParameterError(f"inputs: {error}; give paths") from None
    for text in names:
        for path in _paths(text, problems, stdin, outside):
            paths.setdefault(os.path.normpath(path), path)
    if not names:
        raise ParameterError("no input: name image files, folders, patterns or - for a list")
    if problems:
        raise ParameterError(
            "\n".join(
                problems[:20] + ([f"and {len(problems) - 20} more"] if len(problems) > 20 else [])
            )
        )
    return list(paths.values())


def spread(paths: list[Path], most: int) -> list[Path]:
    """At most so many of the files, evenly over all of them.

    Parameters
    ----------
    paths : list of Path
    most : int

    Examples
    --------
    >>> [path.name for path in spread([Path(name) for name in "abcde"], 3)]
    ['a', 'c', 'e']
    """
    return paths[:: -(-len(paths) // most)]


def natural_key(path: str | os.PathLike[str]) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """A key that sorts names as people do: numbers by value, capitals with small letters.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    tuple
        Names that are equal in this order are sorted by their characters.

    Examples
    --------
    >>> sorted(["a10.png", "a2.png", "B1.png", "b/1.png"], key=natural_key)
    ['a2.png', 'a10.png', 'b/1.png', 'B1.png']
    """
    text = os.fsdecode(path)
    parts: list[tuple[int, int, str]] = []
    for folder in text.replace(os.sep, "/").split("/"):
        for piece in re.findall(r"[0-9]+|[^0-9]+", folder):
            digits = piece[0] in "0123456789"
            parts.append((1, int(piece[:300]), "") if digits else (2, 0, piece.casefold()))
        parts.append((0, 0, ""))  # the end of a name comes before any longer name
    return tuple(parts), text


def _paths(
    text: str, problems: list[str], stdin: BinaryIO | None, outside: Path | None
) -> list[Path]:
    if text == "-":
        data = (stdin or sys.stdin.buffer).read(_MAX_LIST + 1)
        return _listed(data, Path(), "standard input", problems)
    try:
        return _named(text, problems, outside)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problems.append(f"{printable(text)}: {reason}; check the path")
        return []


def _named(text: str, problems: list[str], outside: Path | None) -> list[Path]:
    path = Path(text)
    if is_zarr(path):
        return [path]
    if not text:
        problems.append("an empty name was given; name a file, a folder or a pattern")
    elif path.is_dir():
        every = list(_walk(path, problems, outside))
        files = sorted((file for file in every if is_image_name(file)), key=natural_key)
        if files:
            warn_of_others(path, every)
        else:
            arrays = sum(1 for _ in path.glob("*.npy"))
            also = f" but {arrays} .npy files, which are named by a pattern: {text}/*.npy"
            problems.append(
                f"{printable(text)}: the folder holds no image "
                f"({', '.join(sorted(IMAGE_SUFFIXES)[:4])}, ...)"
                + (printable(also) if arrays else "; name another one")
            )
        return files
    elif path.exists():
        if path.suffix.lower() == ".txt":
            with path.open("rb") as file:
                return _listed(file.read(_MAX_LIST + 1), path.parent, printable(text), problems)
        return [path]
    elif glob.has_magic(text):
        return _matched(text, problems)
    elif path.is_symlink():
        problems.append(f"{printable(text)}: the link leads nowhere; mend it")
    else:
        problems.append(f"{printable(text)}: there is no such file or folder; check the path")
    return []


def is_image_name(path: Path) -> bool:
    """Whether a file is taken from a folder: by its suffix, or an OME-Zarr image."""
    return path.suffix.lower() in IMAGE_SUFFIXES or (path.suffix == ".zarr" and path.is_dir())


def warn_of_others(folder: Path, files: Iterable[Path]) -> None:
    """Warn of NumPy files, videos and images of formats that are not read, among images."""
    others = [file.name for file in files if file.suffix.lower() in _OTHER_SUFFIXES]
    if others:
        warnings.warn(
            f"{printable(str(folder))}: {plural(len(others), 'file')} left out, for example "
            f"{printable(others[0])}; name NumPy files and videos themselves or by a pattern, and "
            "convert images of other formats to PNG",
            stacklevel=3,
        )


def _matched(pattern: str, problems: list[str]) -> list[Path]:
    files = []
    for name in glob.iglob(pattern, recursive=True):
        path = Path(name)
        if is_zarr(path) or (
            path.is_file()
            and (path.suffix.lower() in IMAGE_SUFFIXES or Path(pattern).suffix not in ("", ".*"))
        ):
            files.append(path)
    if not files:
        problems.append(
            f"{printable(pattern)}: the pattern matches no image file; check it, "
            "and quote it if the shell expands it"
        )
    return sorted(set(files), key=natural_key)


def _listed(data: bytes, folder: Path, name: str, problems: list[str]) -> list[Path]:
    if len(data) > _MAX_LIST:
        problems.append(f"{name}: the list has more than {_MAX_LIST} bytes; split it")
        return []
    lines = data.split(b"\0") if b"\0" in data else data.replace(b"\r\n", b"\n").split(b"\n")
    if (kind := _image_format(data)) and not os.path.isfile(folder / os.fsdecode(lines[0])):
        problems.append(
            f"{name}: it holds an image ({kind}), and a list of paths is expected; save the image "
            "in a file named after its format, and name that file"
        )
        return []
    files = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        path = folder / os.fsdecode(line)
        try:
            if path.is_file() or is_zarr(path):
                files.append(path)
                continue
            reason = "is a folder" if path.is_dir() else "does not exist"
        except (OSError, ValueError) as error:  # too long a name
            reason = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        shown = printable(os.fsdecode(line)[:_SHOWN])
        problems.append(f"{name}, line {number}: {shown} {reason}; list image files")
    if not files and not problems:
        problems.append(f"{name}: the list is empty; write one path a line")
    return files


def _image_format(data: bytes) -> str:
    """The format of an image that stands where a list is expected; "" for text."""
    head = data[:HEAD]
    if re.fullmatch(rb"[\t\n\r -~]*", head.replace(b"\0", b"\n")) and b"\0\0" not in head:
        return ""
    try:
        return recognize(head)
    except DecodeError:
        return ""


def _walk(folder: Path, problems: list[str], outside: Path | None) -> Iterator[Path]:
    """Files in and below ``folder``; no folder is entered twice, even by links."""
    visited: set[tuple[int, int]] = set()
    if outside is not None and outside.exists() and not outside.samefile(folder):
        visited.add((outside.stat().st_dev, outside.stat().st_ino))
    waiting = deque([folder])
    while waiting:
        here = waiting.popleft()
        try:
            status = here.stat()
            if (status.st_dev, status.st_ino) in visited:
                continue
            visited.add((status.st_dev, status.st_ino))
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError as error:
            problems.append(f"{printable(str(here))}: {error.strerror}; change its permissions")
            continue
        for entry in entries:
            kind = _kind(entry)
            if kind == "folder":
                waiting.append(Path(entry.path))
            elif kind == "file":
                yield Path(entry.path)


def _kind(entry: os.DirEntry[str]) -> Literal["file", "folder", ""]:
    """Whether an entry counts as a file or as a folder; hidden and special ones as neither."""
    if entry.name.startswith("."):
        return ""
    try:
        if entry.name.endswith(".zarr") and is_zarr(entry.path):
            return "file"
        if entry.is_dir():
            return "folder"
        return "file" if entry.is_file() or entry.is_symlink() else ""  # dead links fail later
    except OSError:  # a link in a circle
        return ""


def is_video_file(path: str | os.PathLike[str]) -> bool:
    """Whether a source is a video; a file with the suffix of an image is not opened."""
    suffix = os.path.splitext(os.fsdecode(path))[1].lower()
    return suffix not in IMAGE_SUFFIXES and is_video(path)
