"""A session: images, the document with its history, cached results, autosave; without HTTP."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from spel import atomic
from spel.errors import ParameterError
from spel.nn.network import Network
from spel.studio import commands, learning, reduction
from spel.studio.cache import Cache, Run
from spel.studio.document import Box, Document, Entry
from spel.studio.history import History
from spel.studio.images import Images, Loaded, source_id
from spel.studio.journal import Journal
from spel.studio.refusals import Refusal
from spel.studio.sources import Source, clean_name, file_source, lesson_sources, samples
from spel.studio.tasks import Tasks
from spel.studio.windows import slides

MAX_VIEW = 4096


class ConflictError(ParameterError):
    """The document changed since the page loaded it."""


class Session:
    """The work of a user on some images.

    Parameters
    ----------
    sources : sequence of Source
        Images, in order; the samples if it is empty.
    folder : path
        Every change is saved here at once; opening it again restores all of them, with undo.
    networks : mapping of str to Entry, optional
        What a new session begins with; the lecture's detector and one to learn by default.
    roots : sequence of path
        Folders whose images runs inside the studio may read.

    Examples
    --------
    >>> import tempfile
    >>> session = Session((), Path(tempfile.mkdtemp()))
    >>> list(session.document.networks)
    ['plate', 'from strokes']
    >>> session.do({"do": "bypass_step", "network": "plate", "node": "positive", "off": True})
    >>> session.document.entry("plate").bypassed
    frozenset({'positive'})
    >>> session.undo(), session.document.entry("plate").bypassed
    (True, frozenset())
    >>> session.close()
    """

    def __init__(
        self,
        sources: Sequence[Source],
        folder: str | os.PathLike[str],
        networks: Mapping[str, Entry] | None = None,
        roots: Sequence[str | os.PathLike[str]] = (),
    ) -> None:
        self.images = Images(sources or samples(), lesson_sources())
        self.cache = Cache()
        self.tasks = Tasks()
        self.folder = Path(folder)
        self.roots = tuple(Path(os.path.realpath(root)) for root in roots)
        self.revision = 0
        self._lock = threading.RLock()
        self._gesture: str | None = None
        self._strokes_version: tuple[Any, int] = (None, 0)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.view = self._last_view()
        self._journal = Journal(self.folder)
        try:
            self._add_uploads()
            self._history: History[Document] = self._journal.read(self._start(networks))
        except BaseException:
            self._journal.close()
            raise

    def _start(self, networks: Mapping[str, Entry] | None) -> Document:
        """A new session: the lecture's detector, and a network to learn from strokes."""
        truth = {
            s.id: tuple(Box(*box) for box in s.truth()) for s in self.images if s.truth is not None
        }
        pins = tuple(source.id for source in self.images)[:3]
        networks = networks or {
            "plate": Entry(learning.template("plate-lecture")),
            "from strokes": Entry(learning.template("flim")),
        }
        return Document(networks=networks, truth=truth, pins=pins)

    # -- reading ---------------------------------------------------------------------------------

    @property
    def document(self) -> Document:
        """The present document."""
        return self._history.present

    @property
    def undoable(self) -> str | None:
        """The command that the next undo reverts; None if there is none."""
        return self._history.past[-1][0] if self._history.past else None

    @property
    def redoable(self) -> str | None:
        """The command that the next redo repeats; None if there is none."""
        return self._history.future[-1][0] if self._history.future else None

    @property
    def strokes_version(self) -> int:
        """A number that grows whenever the strokes may have changed."""
        with self._lock:
            strokes, version = self._strokes_version
            if self.document.strokes is not strokes:
                self._strokes_version = (self.document.strokes, version + 1)
            return self._strokes_version[1]

    @property
    def problem(self) -> str:
        """Why autosave fails, or what of the session could not be read; else empty."""
        return self._journal.problem or self._journal.notice

    def set_view(self, view: Mapping[str, Any]) -> None:
        """Remember what the user is looking at; undo does not change it."""
        text = json.dumps(view)
        if len(text) > MAX_VIEW:
            raise ParameterError(
                f"the view is too long: {len(text):,} characters; at most {MAX_VIEW:,} are saved"
            )
        self.view = json.loads(text)
        atomic.write_text(self.folder / "view.json", text)

    def _last_view(self) -> dict[str, Any]:
        try:
            view = json.loads((self.folder / "view.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return view if isinstance(view, dict) else {}

    def load(self, image: str) -> Loaded:
        """An image by its id."""
        return self.images.load(image)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The images of the session, in order, without those that the user removed."""
        removed = set(self.document.removed)
        return tuple(source for source in self.images if source.id not in removed)

    def image_ids(self) -> tuple[str, ...]:
        """The ids of `sources`."""
        return tuple(source.id for source in self.sources)

    def marked_images(self) -> tuple[str, ...]:
        """The ids of images and planes with strokes, in the order of the images."""
        order = {id: place for place, id in enumerate(self.image_ids())}
        marked = [id for id, drawn in self.document.strokes.items() if drawn]
        left = [id for id in marked if source_id(id) in order]
        return tuple(sorted(left, key=lambda id: order[source_id(id)]))

    def effective(self, network: str) -> Network:
        """A network of the document, without its bypassed steps.

        Raises
        ------
        ParameterError
            If there is no such network, or all its steps are bypassed.
        """
        return _effective(self.document.entry(network))

    def fitted(self, network: str, image: str) -> Network:
        """A network as it works on an image: a large one is reduced by the first step.

        A detector by sliding windows chooses its scales itself.

        Raises
        ------
        ParameterError
            If there is no such network, or all its steps are bypassed.
        """
        effective = self.effective(network)
        if slides(self.document.entry(network).decision):
            return effective
        return reduction.fitted(effective, self.load(image).size)

    def run(self, network: str, image: str) -> Run:
        """Every step of a network on an image, as far as it can be computed."""
        return self.run_entry(self.document.entry(network), image)

    def run_entry(self, entry: Entry, image: str) -> Run:
        """As `run`, for a network that need not be in the document."""
        return self.cache.run(_effective(entry), self.load(image))

    # -- changing --------------------------------------------------------------------------------

    def do(
        self,
        command: Mapping[str, Any],
        *,
        revision: int | None = None,
        gesture: str | None = None,
    ) -> None:
        """Apply a command.

        Parameters
        ----------
        command : mapping
            ``{"do": name, ...}``, see `spel.studio.commands`.
        revision : int, optional
            The document's revision that the page shows; if it is not the present one, the command
            is refused with `ConflictError`.
        gesture : str, optional
            All commands of one gesture (a drag) are one step of undo.
        """
        with self._lock:
            self._check(revision)
            before = self.document
            after = commands.apply(before, self, command)
            if after is before:
                return
            self._record(str(command.get("do")), after, gesture)

    def change(self, label: str, change: Callable[[Document], Document]) -> None:
        """Apply a function from document to document as one undoable step."""
        with self._lock:
            self._record(label, change(self.document), None)

    def _record(self, label: str, after: Document, gesture: str | None) -> None:
        if gesture is not None and gesture == self._gesture:
            self._history.replace(after)
            self._journal.write("replace", label, after)
        else:
            self._history.do(label, after)
            self._journal.write("do", label, after)
        self._gesture = gesture
        self.revision += 1

    def undo(self, revision: int | None = None) -> bool:
        """Revert the last step; returns whether there was one."""
        return self._step("undo", revision)

    def redo(self, revision: int | None = None) -> bool:
        """Repeat the step that was reverted last; returns whether there was one."""
        return self._step("redo", revision)

    def _step(self, kind: Literal["undo", "redo"], revision: int | None) -> bool:
        with self._lock:
            self._check(revision)
            moved = self._history.undo() if kind == "undo" else self._history.redo()
            if moved:
                self._journal.write(kind, kind, self.document)
                self._gesture = None
                self.revision += 1
            return moved

    def _check(self, revision: int | None) -> None:
        if revision is not None and revision != self.revision:
            raise ConflictError(
                f"another tab changed the session: this page shows revision {revision}, "
                f"the session is at revision {self.revision}. The page shows the "
                "newer state now; try again"
            )

    # -- images ----------------------------------------------------------------------------------

    def add_upload(self, path: Path, name: str) -> Source:
        """Add an uploaded file that lies in the session's folder, if it is an image.

        Raises
        ------
        ImageReadError
            If it is not an image; the file is removed.
        """
        source = _upload(path, name)
        try:
            self.images.check(source)
        except Exception:
            path.unlink(missing_ok=True)
            raise
        atomic.write_text(path.with_suffix(".name"), clean_name(name))
        return self.images.add(source)

    @property
    def uploads(self) -> Path:
        """The folder of uploaded files."""
        folder = self.folder / "uploads"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def _add_uploads(self) -> None:
        for unfinished in self.uploads.glob("*.part"):  # the process was killed meanwhile
            unfinished.unlink()
        for path in sorted(self.uploads.glob("*.bin"), key=lambda p: p.stat().st_mtime):
            label = path.with_suffix(".name")
            if label.exists():
                self.images.add(_upload(path, label.read_text(encoding="utf-8")))

    def file_of(self, network: Network) -> Path:
        """A file that holds a network, for code that loads it."""
        return self._journal.store(network)

    # -- end -------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Wait until everything is saved."""
        self._journal.flush()

    def close(self) -> None:
        """Stop what is running, save everything and end."""
        self.tasks.close()
        self._journal.close()


def _effective(entry: Entry) -> Network:
    network = entry.effective
    if network is None:
        raise Refusal("all_off", "every step is switched off; switch one on")
    return network


def _upload(path: Path, name: str) -> Source:
    return file_source(f"u{path.stem[:24]}", name, path)


def default_folder(paths: Sequence[str | os.PathLike[str]]) -> Path:
    """Where the session of some files is saved: in the user's state folder, by their paths."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    key = "\0".join(sorted(os.path.realpath(p) for p in paths))
    name = blake2b(os.fsencode(key), digest_size=8).hexdigest() if paths else "samples"
    return Path(base) / "spel" / "studio" / name
