"""The journal of a run: which inputs are done, so that a run killed at any instant goes on exactly.

One line per input, appended *after* its outcome was written, each with a checksum, flushed to the
disk. A last line that a crash cut short is dropped; damage anywhere else is refused. Only one run
at a time may have a manifest; the lock of a dead process is free.
"""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from spel.atomic import write_error, write_text
from spel.errors import FormatError, ParameterError, printable
from spel.lines import LineWriter
from spel.run.task import Identity

FORMAT, VERSION = "spel.manifest", 1
_MAX_BYTES = 4 << 30
_HEAD = '{"crc":"'
_BODY = '","entry":'


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
        """Plain values for a line."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Entry:
        """What `to_dict` wrote."""
        known = values.get("identity")
        identity = None if known is None else Identity(**known)
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
    """An open journal; a context manager.

    Parameters
    ----------
    path : path
        Made if absent.
    config : mapping of JSON values
        What the run is; another one in the file is refused.
    fresh : bool
        Begin anew, whatever is there.
    sync_every : int
        Flush to the disk after so many entries. A killed process loses none in any case; a power
        cut loses at most these, which are then done again.

    Attributes
    ----------
    entries : dict of str to Entry
        What was found on opening, by input; the last one counts. Those added since are not kept, so
        that memory does not grow with the run.
    dropped : bool
        Whether a torn last line was dropped.

    Raises
    ------
    ParameterError
        If another run holds it, it belongs to another configuration, or cannot be written.
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
    ) -> None:
        self.path = Path(path)
        self.entries: dict[str, Entry] = {}
        self._sync_every = sync_every
        size = self.path.stat().st_size if self.path.exists() else 0
        self._file = LineWriter(self.path, sync_every=sync_every)  # locks, drops a torn line
        try:
            self.dropped = self.path.stat().st_size < size
            if fresh:
                _emptied(self.path)
            self._read(config)
        except BaseException:
            self._file.close()
            raise

    def add(self, entry: Entry) -> None:
        """Note that an input is done; its outcome must have been written before."""
        self._file.append(_line(entry.to_dict()))

    def rewrite(self, entries: list[Entry]) -> None:
        """Keep only these entries."""
        head = _line(_head(self._config))
        lines = [head, *(_line(entry.to_dict()) for entry in entries)]
        write_text(self.path, "".join(line + "\n" for line in lines))
        with self._file:  # the old one stays locked until the new one is
            self._file = LineWriter(self.path, sync_every=self._sync_every)
        self.entries = {entry.image: entry for entry in entries}

    def flush(self) -> None:
        """Bring all entries to the disk."""
        self._file.flush()

    def close(self) -> None:
        """Flush and close."""
        self._file.close()

    def __enter__(self) -> Manifest:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.__exit__(kind, error, trace)

    def _begin(self, config: dict[str, Any]) -> None:
        self._file.append(_line(_head(config)))

    def _read(self, config: dict[str, Any]) -> None:
        self._config = config = json.loads(json.dumps(config))
        if self.path.stat().st_size > _MAX_BYTES:
            raise FormatError(f"{self.path}: larger than {_MAX_BYTES} bytes; start with fresh")
        lines = self.path.read_bytes().split(b"\n")[:-1]
        if not lines:
            self._begin(config)
            return
        head, *rest = (_parsed(line, f"{self.path}, line {i}") for i, line in enumerate(lines, 1))
        if head.get("format") != FORMAT or head.get("version") != VERSION:
            raise FormatError(
                f"{self.path}: no manifest of this version of spel; use --fresh or another folder"
            )
        if head.get("config") != config:
            raise ParameterError(
                f"{self.path.parent}: holds another run "
                f"({_differing(head.get('config'), config)}); use --fresh to replace it, or "
                "another folder"
            )
        for values in rest:
            try:
                entry = Entry.from_dict(values)
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                told = printable(str(error))[:100]
                raise FormatError(f"{self.path}: a line is no entry ({told})") from error
            self.entries[entry.image] = entry


def _head(config: dict[str, Any]) -> dict[str, Any]:
    return {"format": FORMAT, "version": VERSION, "config": config}


def _emptied(path: Path) -> None:
    try:
        os.truncate(path, 0)
    except OSError as error:
        raise write_error(path, error) from error


def _line(values: dict[str, Any]) -> str:
    body = json.dumps(values, separators=(",", ":"), allow_nan=False)
    return f"{_HEAD}{checksum(body)}{_BODY}{body}}}"


def _parsed(line: bytes, where: str) -> dict[str, Any]:
    start, end = len(_HEAD), len(_HEAD) + 8
    crc, body = line[start:end], line[end + len(_BODY) : -1]
    if checksum(body).encode() != crc or not line.startswith(_HEAD.encode()):
        raise FormatError(
            f"{where}: damaged (its checksum is wrong); use --fresh to begin anew, or restore it"
        )
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FormatError(
            f"{where}: no JSON ({str(error)[:100]}); use --fresh to begin anew"
        ) from error
    if not isinstance(values, dict):
        raise FormatError(f"{where}: no entry of a manifest; use --fresh to begin anew")
    return values


def _differing(old: Any, new: dict[str, Any]) -> str:
    """The first setting that differs, in words."""
    for key, value in new.items():
        was = old.get(key) if isinstance(old, dict) else None
        if was != value:
            return f"its {key} was {was!r}, now {value!r}"[:200]
    return "with other settings"
