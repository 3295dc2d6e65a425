"""Masks of a network against the true masks of the session, by the measures of `spel eval`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from spel.decide.mask_picture import mask_picture
from spel.decide.segmentation import KEY, Segmentation
from spel.decide.segmented import segment_image
from spel.errors import ImageReadError, ShapeError
from spel.evaluation import evaluate_classes, evaluate_instance_masks, evaluate_masks
from spel.io import write
from spel.jobs.segmented_files import save_part
from spel.nn import Network
from spel.studio import true_masks
from spel.studio.reduction import needed_factor
from spel.studio.refusals import Refusal
from spel.studio.segmenting import segmentation_for
from spel.studio.session import Session
from spel.studio.true_masks import masks_of
from spel.studio.views.packing import Json, Packed, packed
from spel.studio.windows import slides

OnImage = Callable[[str, int, int], object]
COLORS = 10
"""Numbers of objects in the picture of a label image; they repeat."""


def true_mask_view(session: Session, image: str) -> Packed:
    """The true mask of an image: 0 where there is no object, else 1 to `COLORS`."""
    labels = true_masks.read(session, image)
    shown = np.where(labels > 0, (labels.astype(np.int64) - 1) % COLORS + 1, 0).astype(np.uint8)
    if len(np.unique(labels[labels > 0])) <= 1:
        shown = np.minimum(shown, 1)
    return packed({}, shown)


def mask_view(session: Session, network: str, image: str) -> Packed:
    """The mask that `spel segment` writes of an image, with the cut that the network carries.

    Raises
    ------
    Refusal
        If the image is too large to be cut while the page waits.
    """
    loaded = session.load(image)
    if needed_factor(loaded.size) > 1:
        raise Refusal("cut_large", "this image is too large to show its mask cut by colours here")
    fitted = session.fitted(network, image)
    how = segmentation_for(fitted)
    mask = segment_image(fitted, loaded.values, how, white=loaded.white).mask
    return packed({}, mask.astype(np.uint8))


def masks_quality(session: Session, network: str, on_image: OnImage) -> Json:
    """Figures of the masks that a network makes of all images with a true mask.

    The files that `spel segment` would write are compared by the functions of `spel eval`.

    Returns
    -------
    dict
        Empty if there is no true mask; ``figures`` None if the network makes no masks. ``kind`` is
        "masks" or "classes"; ``instances`` holds the figures of objects, where the true masks
        number them. ``lost`` names the images whose true mask cannot be read any more.
    """
    masks, lost = _readable(session)
    entry = session.document.entry(network)
    if not masks:
        return {"lost": lost} if lost else {}
    if slides(entry.decision) and KEY not in entry.network.meta:
        return _without_figures([])
    failed: list[Json] = []
    how: Segmentation | None = None
    with tempfile.TemporaryDirectory() as folder:
        answers, truth = Path(folder) / "answers", Path(folder) / "truth"
        answers.mkdir()
        truth.mkdir()
        images = list(masks)
        for number, image in enumerate(images):
            on_image(session.images.source(image).name, number, len(images))
            try:
                fitted = session.fitted(network, image)
                own = segmentation_for(fitted)
                _write_answer(session, image, fitted, own, answers / str(number))
            except (ImageReadError, ShapeError) as error:
                failed.append({"image": image, "problem": str(error)})
                continue
            how = own
            shutil.copyfile(masks[image], truth / f"{number}.tif")
        if how is None:
            return _without_figures(failed)
        compared = _compared(answers, truth, how, images)
    return {**compared, "failed": failed, "lost": lost}


def _readable(session: Session) -> tuple[dict[str, Path], list[str]]:
    """The files of the true masks by image, and the names of images whose mask is lost."""
    masks, lost = masks_of(session), []
    for image in list(masks):
        try:
            true_masks.read(session, image)
        except Refusal:
            del masks[image]
            lost.append(session.images.source(image).name)
    return masks, lost


def _without_figures(failed: list[Json]) -> Json:
    return {"kind": "masks", "figures": None, "instances": None, "rows": [], "failed": failed}


def _write_answer(
    session: Session, image: str, network: Network, how: Segmentation, stem: Path
) -> None:
    loaded = session.load(image)
    result = segment_image(network, loaded.values, how, white=loaded.white)
    write(stem.with_name(f"{stem.name}.png"), mask_picture(result.labels, how))
    for part, ending in (("instances", "instances.tif"), ("csv", "objects.csv")):
        save_part(part, stem.with_name(f"{stem.name}.{ending}"), result, loaded.name)


def _compared(answers: Path, truth: Path, how: Segmentation, images: list[str]) -> Json:
    if how.classes:
        by_class = evaluate_classes(answers, truth)
        rows: dict[str, list[float]] = {}
        for one in by_class.classes.values():
            for name, overlap in one.overlaps.items():
                if overlap.true or overlap.answered:
                    rows.setdefault(name, []).append(overlap.dice)
        dices = {name: float(np.mean(values)) for name, values in rows.items()}
        figures = by_class.to_dict()
        instances = None
    else:
        overlaps = evaluate_masks(answers, truth)
        dices = {name: overlap.dice for name, overlap in overlaps.overlaps.items()}
        figures = overlaps.to_dict()
        numbered = bool(overlaps.several)
        instances = evaluate_instance_masks(answers, truth).to_dict() if numbered else None
    listed = sorted(dices.items(), key=lambda pair: pair[1])
    return {
        "kind": "classes" if how.classes else "masks",
        "figures": figures,
        "instances": instances,
        "rows": [{"image": images[int(name)], "dice": dice} for name, dice in listed],
    }
