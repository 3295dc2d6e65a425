"""The manifest of a run: which inputs are done, so that a killed run resumes exactly.

It holds one line per input, with a checksum, appended *after* the outcome of the input was written
and flushed to the disk. A last line that a crash has cut short is dropped; damage anywhere else is
refused. Only one run at a time may hold a manifest; the lock of a dead process is free.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spel.atomic import write_error, write_text
from spel.errors import FormatError, ParameterError, printable
from spel.lines import LineWriter
from spel.runs.task import Identity

FORMAT, VERSION = "spel.manifest", 1
_MAX_BYTES = 4 << 30
_PREFIX = '{"crc":"'
_MIDDLE = '","entry":'


@dataclass(frozen=True)
class Entry:
    """One input that is done.

    Attributes
    ----------
    image : str
    failed : bool
    line : str
        Checksum of the line that holds its outcome, see `checksum`.
    identity : Identity, optional
    ms : float
    """

    image: str
    failed: bool
    line: str
    identity: Identity | None = None
    ms: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a line of the manifest."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Entry:
        """An entry from the values of `to_dict`."""
        stored = values.get("identity")
        identity = None if stored is None else Identity(**stored)
        return cls(
            str(values["image"]),
            bool(values["failed"]),
            str(values["line"]),
            identity,
            float(values["ms"]),
        )


def checksum(data: bytes | str) -> str:
    """CRC-32 in eight hexadecimal digits.

    Examples
    --------
    >>> checksum("123456789")
    'cbf43926'
    """
    return f"{zlib.crc32(data.encode() if isinstance(data, str) else data):08x}"


class Manifest:
    """An open manifest; a context manager.

    Parameters
    ----------
    path : path
        The file is created if it does not exist.
    config : mapping of JSON values
        Configuration of the run; a manifest of another configuration is refused.
    fresh : bool
        Discard what the file holds.
    sync_every : int
        Number of entries between two flushes to the disk. A killed process loses no entry in any
        case; a power cut loses at most these, and their inputs are then done again.
    comparable : callable, optional
        The part of a configuration that must be equal, in the form of this version of spel.

    Attributes
    ----------
    entries : dict of str to Entry
        The entries that the file held when it was opened, by input; the last one counts. Entries
        that are added later do not appear here, so memory does not grow with the run.
    dropped : bool
        Whether a torn last line was dropped.

    Raises
    ------
    ParameterError
        If another run holds the file, it belongs to another configuration, or cannot be written.
    FormatError
        If a line before the last is damaged.

    Examples
    --------
    >>> import tempfile
    >>> name = tempfile.mkdtemp() + "/manifest.jsonl"
    >>> with Manifest(name, {"job": "x"}) as manifest:
    ...     manifest.add(Entry("a.png", False, checksum("line")))
    >>> with Manifest(name, {"job": "x"}) as manifest:
    ...     list(manifest.entries)
    ['a.png']
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        config: dict[str, Any],
        *,
        fresh: bool = False,
        sync_every: int = 1,
        comparable: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> None:
        self.path = Path(path)
        self.entries: dict[str, Entry] = {}
        self._sync_every, self._comparable = sync_every, comparable
        size = self.path.stat().st_size if self.path.exists() else 0
        self._file = LineWriter(self.path, sync_every=sync_every)  # locks, drops a torn line
        try:
            self.dropped = self.path.stat().st_size < size
            if fresh:
                _truncate(self.path)
            self._read(config)
        except BaseException:
            self._file.close()
            raise

    def _plain(self, config: dict[str, Any]) -> Any:
        return json.loads(json.dumps(self._comparable(config)))

    def add(self, entry: Entry) -> None:
        """Append an entry; the outcome of its input must have been written before."""
        self._file.append(_encode(entry.to_dict()))

    def rewrite(self, entries: list[Entry]) -> None:
        """Replace all entries of the file by these."""
        header = _encode(_header(self._config))
        lines = [header, *(_encode(entry.to_dict()) for entry in entries)]
        write_text(self.path, "".join(line + "\n" for line in lines))
        with self._file:  # the old file stays locked until the new one is locked
            self._file = LineWriter(self.path, sync_every=self._sync_every)
        self.entries = {entry.image: entry for entry in entries}

    def flush(self) -> None:
        """Flush all entries to the disk."""
        self._file.flush()

    def close(self) -> None:
        """Flush and close."""
        self._file.close()

    def __enter__(self) -> Manifest:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _read(self, config: dict[str, Any]) -> None:
        self._config = config = json.loads(json.dumps(config))
        if self.path.stat().st_size > _MAX_BYTES:
            raise FormatError(f"{self.path}: larger than {_MAX_BYTES} bytes; start with fresh")
        lines = self.path.read_bytes().split(b"\n")[:-1]
        if not lines:
            self._file.append(_encode(_header(config)))
            return
        header, *rest = (_decode(line, f"{self.path}, line {i}") for i, line in enumerate(lines, 1))
        if header.get("format") != FORMAT or header.get("version") != VERSION:
            raise FormatError(
                f"{self.path}: not a manifest that this version of spel reads; use --fresh or "
                "another folder"
            )
        stored = header.get("config")
        if not isinstance(stored, dict) or self._plain(stored) != self._plain(config):
            raise ParameterError(
                f"{self.path.parent}: holds another run "
                f"({_difference(stored, config)}); use --fresh to replace it, or "
                "another folder"
            )
        for values in rest:
            try:
                entry = Entry.from_dict(values)
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                reason = printable(str(error))[:100]
                raise FormatError(
                    f"{self.path}: a line is not an entry of a manifest ({reason}); use --fresh to "
                    "begin anew"
                ) from error
            self.entries[entry.image] = entry


def images_done(path: Path) -> set[str]:
    """The inputs in a manifest that another run may hold; none if there is no such file."""
    if not path.exists():
        return set()
    rows = path.read_bytes().split(b"\n")[1:-1]
    return {str(_decode(row, str(path)).get("image")) for row in rows}


def _header(config: dict[str, Any]) -> dict[str, Any]:
    return {"format": FORMAT, "version": VERSION, "config": config}


def _truncate(path: Path) -> None:
    try:
        os.truncate(path, 0)
    except OSError as error:
        raise write_error(path, error) from error


def _encode(values: dict[str, Any]) -> str:
    body = json.dumps(values, separators=(",", ":"), allow_nan=False)
    return f"{_PREFIX}{checksum(body)}{_MIDDLE}{body}}}"


def _decode(line: bytes, where: str) -> dict[str, Any]:
    start, end = len(_PREFIX), len(_PREFIX) + 8
    crc, body = line[start:end], line[end + len(_MIDDLE) : -1]
    if checksum(body).encode() != crc or not line.startswith(_PREFIX.encode()):
        raise FormatError(
            f"{where}: damaged (its checksum is wrong); use --fresh to begin anew, or restore it"
        )
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FormatError(
            f"{where}: not JSON ({str(error)[:100]}); use --fresh to begin anew"
        ) from error
    if not isinstance(values, dict):
        raise FormatError(f"{where}: not an entry of a manifest; use --fresh to begin anew")
    return values


def _difference(old: Any, new: dict[str, Any]) -> str:
    """The first setting that differs, in words."""
    for key, value in new.items():
        before = old.get(key) if isinstance(old, dict) else None
        if before != value:
            return f"its {key} was {before!r}, now {value!r}"[:200]
    return "with other settings"
