"""Autosave: every change is appended to a journal; reading it restores all of them, with undo.

A journal is a file of lines, one for each change, each with a checksum. The first line holds the
document at the start. Networks lie beside the journal, one file per content. A damaged line is left
out, and the rest is read.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from spel import atomic
from spel.decide import decision_of
from spel.errors import FormatError, SpelError
from spel.nn import load, save
from spel.nn.network import Network
from spel.studio.document import Document, Entry
from spel.studio.folder_lock import FolderLock
from spel.studio.history import History
from spel.studio.records import State, StoredEntry, difference, format_line, parse_line, patch

VERSION = 2
MAX_LINES = 5000
"""A longer journal is rewritten when it is opened, without steps that cannot be undone any more."""
MAX_REMEMBERED = 256
"""Networks whose files need not be looked up."""
RETRY_S = 5.0

Kind = Literal["do", "replace", "undo", "redo"]


@dataclass(frozen=True)
class Change:
    """A step of the history, and the document after it."""

    kind: Kind
    label: str
    document: Document


class Journal:
    """The files behind a session. `write` returns at once; a thread of its own does the work.

    Attributes
    ----------
    problem : str
        Why changes cannot be saved at present; empty if they are saved.
    notice : str
        What was damaged when the journal was read; empty if nothing was.
    """

    def __init__(self, folder: Path) -> None:
        self._lock = FolderLock(folder)
        self._networks = NetworkFiles(folder / "networks")
        self._path = folder / "journal.jsonl"
        self._size = 0
        self._last = State()
        self._condition = threading.Condition()
        self._waiting: list[Change] = []
        self._writing = self._retry = self._closing = self._ended = False
        self.problem = self.notice = ""
        self._thread = threading.Thread(target=self._work, name="spel-journal", daemon=True)

    def write(self, kind: Kind, label: str, document: Document) -> None:
        """Save a step of the history soon."""
        with self._condition:
            self._waiting.append(Change(kind, label, document))
            self._condition.notify_all()

    def store(self, network: Network) -> Path:
        """The file that holds a network, written if it is not there yet."""
        return self._networks.path(self._networks.store(network))

    def flush(self) -> None:
        """Wait until all changes so far are saved, or could not be saved."""
        with self._condition:
            self._retry = True
            self._condition.notify_all()
            self._condition.wait_for(
                lambda: self._ended or not (self._waiting or self._writing or self._retry)
            )

    def close(self) -> None:
        """Save all changes, end the thread and release the folder."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        self._lock.release()

    # -- writing ---------------------------------------------------------------------------------

    def _work(self) -> None:
        unsaved: list[Change] = []
        while True:
            with self._condition:
                timeout = RETRY_S if unsaved else None
                self._condition.wait_for(self._has_work, timeout)
                unsaved += self._waiting
                self._waiting.clear()
                self._writing, self._retry, closing = True, False, self._closing
            unsaved = self._save(coalesce(unsaved))
            with self._condition:
                self._writing = False
                self._ended = closing and not self._waiting
                self._condition.notify_all()
                if self._ended:
                    return

    def _has_work(self) -> bool:
        return bool(self._waiting or self._retry or self._closing)

    def _save(self, changes: list[Change]) -> list[Change]:
        """Append the changes; returns those that are to be tried again later."""
        try:
            if changes:
                self._append(changes)
        except OSError as error:
            self.problem = f"the last changes are not saved: {error}"
            return changes
        except (SpelError, ValueError) as error:
            self.problem = f"a change could not be saved: {error}"
            return []
        self.problem = ""
        return []

    def _append(self, changes: Iterable[Change]) -> None:
        state, lines = self._last, list[bytes]()
        if self._size > (self._path.stat().st_size if self._path.exists() else 0):
            self._size = 0  # somebody has deleted it, or a part of it: it begins anew
        for change in changes:
            after = self._networks.state_of(change.document)
            if not self._size and not lines:
                lines.append(_first_line(state))
            record: dict[str, Any] = {change.kind: change.label}
            if change.kind in ("do", "replace"):
                record["set"] = difference(state, after)
            lines.append(format_line(record))
            state = after
        data = b"".join(lines)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(handle, "r+b") as file:
            file.truncate(self._size)  # drops what an attempt that failed left behind
            file.seek(self._size)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self._size += len(data)
        self._last = state

    # -- reading ---------------------------------------------------------------------------------

    def read(self, start: Document) -> History[Document]:
        """The history in the journal, or one of a starting document; then start saving changes.

        Raises
        ------
        FormatError
            If the journal is of a newer version, or a record in it is not valid.
        """
        history = self._read_states(start)
        documents = {}

        def document(state: State) -> Document:
            if id(state) not in documents:
                documents[id(state)] = self._networks.document_of(state)
            return documents[id(state)]

        result = History(
            document(history.present),
            [(label, document(state)) for label, state in history.past],
            [(label, document(state)) for label, state in history.future],
        )
        if not result.present.networks:
            result.present = replace(result.present, networks=start.networks)
        if self._networks.unreadable:
            names = ", ".join(sorted(self._networks.unreadable))
            self.notice = f"networks that cannot be read were left out of the session: {names}"
        self._last = history.present
        self._thread.start()
        return result

    def _read_states(self, start: Document) -> History[State]:
        data = self._path.read_bytes() if self._path.exists() else b""
        lines = data.splitlines()
        if not lines:
            return History(self._networks.state_of(start))
        torn = not data.endswith(b"\n")
        first = parse_line(lines[0])
        old = first is None or "journal" not in first
        if old:
            history = History(self._networks.state_of(start))
        else:
            history = History(self._first_state(first or {}))
        damaged = 0
        for number, line in enumerate(lines[0 if old else 1 :], start=1 if old else 2):
            record = parse_line(line)
            if record is not None:
                self._replay(history, record, number)
            elif not (torn and number == len(lines)):  # a crash cut the last line short
                damaged += 1
                history.do("damaged", history.present)
        if damaged:
            self._keep_damaged(data, damaged)
        if old or damaged or torn or len(lines) > MAX_LINES:
            self._rewrite(history)
        else:
            self._size = len(data)
        return history

    def _first_state(self, record: Mapping[str, Any]) -> State:
        if record["journal"] != VERSION:
            raise FormatError(
                f"{self._path}: version {record['journal']!r:.20}; a newer spel wrote it, update "
                "spel or choose another folder with --session"
            )
        return patch(State(), record.get("start", {}))

    def _replay(self, history: History[State], record: Mapping[str, Any], number: int) -> None:
        try:
            if "undo" in record:
                history.undo()
            elif "redo" in record:
                history.redo()
            elif "replace" in record:
                history.replace(patch(history.present, record["set"]))
            else:
                history.do(str(record["do"]), patch(history.present, record["set"]))
        except (FormatError, KeyError) as error:
            raise FormatError(
                f"{self._path}: line {number}: {error}; move the folder away to start anew"
            ) from error

    def _keep_damaged(self, data: bytes, count: int) -> None:
        copy = self._path.with_name("journal-damaged.jsonl")
        self.notice = (
            f"{count} damaged changes in the saved session were left out; the damaged file is "
            f"{copy}"
        )
        with contextlib.suppress(OSError):
            atomic.write_bytes(copy, data)

    def _rewrite(self, history: History[State]) -> None:
        """Replace the journal by one that holds this history and nothing else."""
        undone = history.future[::-1]
        states = [s for _, s in history.past] + [history.present] + [s for _, s in undone]
        labels = [label for label, _ in [*history.past, *undone]]
        lines = [_first_line(states[0])]
        for label, before, after in zip(labels, states, states[1:]):
            lines.append(format_line({"do": label, "set": difference(before, after)}))
        lines += [format_line({"undo": "undo"})] * len(undone)
        data = b"".join(lines)
        atomic.write_bytes(self._path, data)
        self._size = len(data)


def _first_line(state: State) -> bytes:
    return format_line({"journal": VERSION, "start": difference(State(), state)})


def coalesce(changes: Iterable[Change]) -> list[Change]:
    """The changes, with only the last state of each gesture.

    Examples
    --------
    >>> a, b = Document(), Document(pins=("b",))
    >>> [c.kind for c in coalesce([Change("do", "drag", a), Change("replace", "drag", b)])]
    ['do']
    """
    merged: list[Change] = []
    for change in changes:
        if change.kind == "replace" and merged and merged[-1].kind in ("do", "replace"):
            merged[-1] = replace(merged[-1], document=change.document)
        else:
            merged.append(change)
    return merged


class NetworkFiles:
    """The networks of a session's documents, in files named by their content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._names: dict[int, tuple[Network, str]] = {}
        self._damaged: set[str] = set()
        self.unreadable: set[str] = set()
        """Names of networks whose files cannot be read."""
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """The file of a name that `store` returned."""
        return self._folder / f"{name}.safetensors"

    def store(self, network: Network) -> str:
        """The name of the file that holds a network, written if it is not there yet."""
        with self._lock:
            entry = self._names.get(id(network))
            own = entry[1] if entry is not None and entry[0] is network else None
        name = own or _content_name(network)
        if not self.path(name).exists():  # new, or somebody has deleted it
            self._folder.mkdir(parents=True, exist_ok=True)
            save(network, self.path(name))
        self._remember(network, name)
        return name

    def _remember(self, network: Network, name: str) -> None:
        with self._lock:
            while len(self._names) >= MAX_REMEMBERED:
                del self._names[next(iter(self._names))]
            self._names[id(network)] = (network, name)

    def state_of(self, document: Document) -> State:
        """The document with its networks in files."""
        networks = {
            name: StoredEntry(self.store(entry.network), tuple(sorted(entry.bypassed)))
            for name, entry in document.networks.items()
        }
        d = document
        return State(networks, d.strokes, d.classes, d.truth, d.pins, d.removed, d.masks)

    def document_of(self, state: State) -> Document:
        """The document of a state, without networks that cannot be read."""
        networks = {}
        for name, stored in state.networks.items():
            network = self._load(stored.file)
            if network is None:
                self.unreadable.add(name)
            else:
                networks[name] = Entry(network, frozenset(stored.bypassed))
        s = state
        return Document(networks, s.strokes, s.classes, s.truth, s.pins, s.removed, s.masks)

    def _load(self, name: str) -> Network | None:
        """The network of a file; None if it cannot be read."""
        with self._lock:
            for key, (network, stored) in self._names.items():
                if stored == name:
                    self._names[key] = self._names.pop(key)  # now the one used last
                    return network
        if name in self._damaged:
            return None
        try:
            network = load(self.path(name))
            decision_of(network)
        except (SpelError, OSError):
            self._damaged.add(name)
            return None
        self._remember(network, name)
        return network


def _content_name(network: Network) -> str:
    """A hash of everything that a network's file holds."""
    text = json.dumps([node.inputs for node in network.nodes] + [dict(network.meta)])
    parts = f"{network.names}{text}{network.fingerprint()}" + "".join(
        node.layer.fingerprint() for node in network.nodes
    )
    return blake2b(parts.encode(), digest_size=16).hexdigest()
