"""Runs over folders inside the studio: the job of the command line, watched image by image."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from spel.decide.detection import resolve_decision
from spel.decide.segmentation import segmentation_of
from spel.errors import ParameterError
from spel.io import write
from spel.io.isolation import AVAILABLE
from spel.jobs import DetectJob, SegmentJob
from spel.nn import Network
from spel.runs import Failure, Job, Record, run
from spel.runs.names import file_stems
from spel.studio.refusals import Refusal
from spel.studio.session import Session
from spel.studio.sources import files
from spel.studio.tasks import Task

Json = dict[str, Any]

SESSION = "session"
"""Stands for the images of the session in the place of a folder."""
MAX_ROWS = 5000
"""Images of a run that the page lists."""
MAX_FOLDERS = 200
MAX_FACTOR = 8.0
"""By which objects may differ in size from those that were learned."""


def folders(session: Session) -> dict[str, Path]:
    """The folders that runs may read, by ids that hold no path: the roots and their subfolders."""
    paths: list[Path] = []
    for root in session.roots:
        inside = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
        paths += [root, *(p for p in inside if Path(os.path.realpath(p)).is_relative_to(root))]
    return {blake2b(os.fsencode(p), digest_size=8).hexdigest(): p for p in paths[:MAX_FOLDERS]}


def run_folder(
    session: Session, network: str, image: str, folder: str, factor: float, task: Task
) -> None:
    """Apply a network to all images of a folder, into a folder of the session.

    The same network on the same images resumes an earlier run. A network of several classes gives
    label images, one whose masks are cut by colours gives masks, and any other one boxes. The
    factor is the scale of `spel segment` for the first two, and for networks that slide windows the
    enlargement of `spel detect`.
    """
    if not 1 / MAX_FACTOR <= factor <= MAX_FACTOR:
        raise Refusal("size_factor", "the size of objects: expected a factor from 1/8 to 8")
    fitted = session.fitted(network, image)
    paths = _paths(session, folder)
    job = _job(fitted, factor)
    name = f"{_safe(network)}-{fitted.whole_fingerprint()[:8]}-{folder[:8]}"
    out = session.folder / "runs" / (name if factor == 1 else f"{name}-{factor:g}")
    names = [str(path) for path in paths]
    stems = dict(zip(names, file_stems(names), strict=True))
    rows: list[Json] = []
    task.total = len(paths)
    task.result = {"folder": str(out), "rows": rows}

    def on_start(state: Any, total: int) -> None:
        earlier = _counts(out / "results.jsonl")
        done = [name for name in names if name in state.done]
        rows.extend(_row(stems[name], Path(name).name, earlier.get(name)) for name in done)
        task.done, task.total = len(rows), max(total, len(paths))

    def on_result(result: Record | Failure) -> None:
        task.done += 1
        if len(rows) < MAX_ROWS:
            rows.append(_result_row(result, stems))
        task.say(Path(result.image).name)

    run(job, names, out, on_start=on_start, on_result=on_result, retry=True)


def _job(network: Network, factor: float) -> Job:
    how = segmentation_of(network)
    if how.classes or how.cut:
        return SegmentJob(network, save=("instances", "csv"), scale=factor, isolate=AVAILABLE)
    decision = resolve_decision(network, None, {} if factor == 1 else {"enlarge": factor})
    return DetectJob(network, decision, save=("overlay",), formats=("csv",), isolate=AVAILABLE)


def _result_row(result: Record | Failure, stems: dict[str, str]) -> Json:
    name = Path(result.image).name
    if isinstance(result, Failure):
        return {**_row("", name), "problem": result.message.replace(result.image, name)}
    return _row(stems.get(result.image, ""), name, _count(result.to_dict()))


def _row(stem: str, name: str, count: int | None = None) -> Json:
    return {"name": name, "stem": stem, "count": count, "problem": None}


def _count(values: Mapping[str, Any]) -> int | None:
    """The number of boxes, or of the pixels that are objects, in a line of the results."""
    return len(values["boxes"]) if "boxes" in values else values.get("objects")


def _counts(results: Path) -> dict[str, int | None]:
    """By image, what an earlier run has counted."""
    if not results.exists():
        return {}
    lines = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    return {line["image"]: _count(line) for line in lines}


def result_picture(task: Task, index: int) -> Path:
    """The picture that a run has made of one of its images.

    Raises
    ------
    ParameterError
        If there is none.
    """
    rows = task.result.get("rows", [])
    if not 0 <= index < len(rows) or not rows[index]["stem"]:
        raise ParameterError(f"image {index} of this run has no picture")
    out = Path(task.result["folder"])
    for ending in ("overlay.jpg", "png"):
        path = out / f"{rows[index]['stem']}.{ending}"
        if path.is_file():
            return path
    raise ParameterError(f"image {index} of this run has no picture")


# -- what is run over ----------------------------------------------------------------------------


def _paths(session: Session, folder: str) -> Sequence[Path]:
    if folder == SESSION:
        return session_files(session)
    allowed = folders(session)
    if folder not in allowed:
        raise ParameterError(f"there is no folder {folder!r:.40}; choose one of the list")
    sources = files([allowed[folder]], session.roots)
    return [source.path for source in sources if source.path is not None]


def session_files(session: Session) -> list[Path]:
    """The images of the session as files; uploaded ones and samples get their names."""
    inputs = session.folder / "runs" / "inputs"
    inputs.mkdir(parents=True, exist_ok=True)
    paths = []
    for source in session.sources:
        if source.path is None:
            loaded = session.load(source.id)
            plain = loaded.values.dtype == np.uint8 and loaded.values.shape[-1] in (1, 3)
            path = inputs / f"{_safe(source.name)}{'.png' if plain else '.npy'}"
            if not path.exists():
                write(path, loaded.values)
        elif source.path.parent == session.uploads:
            path = inputs / _safe(source.name)
            if not path.exists():
                os.link(source.path, path)
        else:
            path = source.path
        paths.append(path)
    return paths


def _safe(name: str) -> str:
    """A name of a file: no separators, not hidden, not too long."""
    text = "".join(c if c.isalnum() or c in " ._-()" else "-" for c in name).lstrip(". ")
    return text[:80] or "image"
