"""What `spel demo` does, step by step; each step is reported when it is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import spel
from spel import draw, zoo
from spel.atomic import write_text
from spel.core.detections import Detections
from spel.data import Scene, street
from spel.demo import pictures
from spel.demo.place import writable_folder
from spel.demo.script import script
from spel.io.annotation.results import Result, write_results
from spel.metrics.detection import iou

SEED = 3
PAGE = "page.png"
WIDE = 40.0
"""Width from which a component on the page is shown."""

ASPECT = (2.0, 5.5)
"""Width / height of a plate, as the chain boxes it; a shop sign is wider."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Demo:
    """The files of the demonstration and its figures.

    Attributes
    ----------
    folder : path
        Where the files are.
    files : tuple of path
    boxes, truth : (n, 4) arrays
        Detected and true plate of the street.
    iou : float
        Their overlap.
    """

    folder: Path
    files: tuple[Path, ...]
    boxes: npt.NDArray[np.float64]
    truth: npt.NDArray[np.float64]
    iou: float


def show(out: Path | None = None, *, fast: bool = False, say: Say = print) -> Demo:
    """Run the demonstration.

    Parameters
    ----------
    out : path, optional
        Folder for the files; by default ``demo``, or a temporary one if that cannot be written.
    fast : bool
        Numbers only, no pictures.
    say : callable
        Called with each line for the user.

    Returns
    -------
    Demo
    """
    place, message = writable_folder(out)
    if message:
        say(message)
    clock = _Clock(say)
    net = zoo.plate_lecture()
    scene = street(SEED)
    spel.write(place / "street.png", scene.image)
    x0, y0, x1, y1 = (int(v) for v in scene.boxes[0])
    clock.report(
        f"[1/5] a rendered street: {_size(scene.image)}, seed {SEED}; its plate "
        f"{scene.texts[0]} lies at x {x0} to {x1}, y {y0} to {y1}"
    )
    activations = net.activations(scene.image)
    detections = spel.detect(net, scene.image, why=True)
    clock.report(
        f"[2/5] the lecture's chain of {len(net)} steps, {net.parameters} weights: "
        f"{' > '.join(net.names)}; the arithmetic behind one pixel of its output:"
    )
    at = (
        detections.why[0].at
        if detections.why
        else tuple(n // 2 for n in activations[net.output].shape[:2])
    )
    say(_indented(net.trace(scene.image, at).text()))
    overlap = float(iou(detections.boxes, scene.boxes).max(initial=0.0))
    clock.report(
        f"[3/5] the box of the plate: {_box(detections)}; IoU with the true box {overlap:.2f}"
    )
    results = [_result("street.png", scene.image, detections, net)]
    files = [place / "street.png"]
    if not fast:
        spel.write(place / "steps.png", street_picture(scene))
        files.append(place / "steps.png")
    results.append(_detect_beside_sign(net, place, files, clock, fast))
    page = _page()
    if page is None:
        clock.report(f"[5/5] no real picture: this scikit-image does not contain {PAGE}")
    else:
        results.append(_detect_on_page(page, net, place, files, clock, fast))
    write_results(place / "results.jsonl", results)
    net.save(place / "plate-lecture.safetensors")
    write_text(place / "demo.py", script(SEED, at))
    files += [place / n for n in ("results.jsonl", "plate-lecture.safetensors", "demo.py")]
    return Demo(place, tuple(files), detections.boxes, scene.boxes, overlap)


def street_picture(scene: Scene) -> npt.NDArray[np.uint8]:
    """The figure of all steps on a street."""
    net = zoo.plate_lecture()
    detections = spel.detect(net, scene.image)
    overlap = float(iou(detections.boxes, scene.boxes).max(initial=0.0))
    return pictures.steps(
        scene.image,
        net.activations(scene.image),
        spel.detect(net, scene.image, select="all"),
        detections,
        title="A licence plate, detected by the chain of the lecture",
        truth=scene.boxes,
        result=f"The detection is orange, the true box is green: IoU {overlap:.2f}.",
    )


def _detect_beside_sign(
    net: spel.Network, place: Path, files: list[Path], clock: _Clock, fast: bool
) -> Result:
    """A street with a shop sign, which is wider than the plate; an aspect range excludes it."""
    scene = street(SEED, sign=True)
    widest = spel.detect(net, scene.image)
    within_aspect = spel.detect(net, scene.image, aspect=ASPECT)
    ious = [
        float(iou(result.boxes, scene.boxes).max(initial=0.0)) for result in (widest, within_aspect)
    ]
    clock.report(
        f"[4/5] a street with a shop sign: the widest component is the sign, IoU "
        f"{ious[0]:.2f}; with --aspect {ASPECT[0]:g}:{ASPECT[1]:g} the plate, IoU {ious[1]:.2f}"
    )
    spel.write(place / "sign.png", scene.image)
    files.append(place / "sign.png")
    if not fast:
        spel.write(place / "sign-steps.png", sign_picture(net, scene, widest, within_aspect))
        files.append(place / "sign-steps.png")
    return _result("sign.png", scene.image, widest, net)


def sign_picture(
    net: spel.Network, scene: Scene, widest: Detections, within_aspect: Detections
) -> npt.NDArray[np.uint8]:
    """The residue, and the detections without and with a range of aspects."""
    tiles = [
        draw.Tile(draw.shade(net(scene.image)[..., 0], clip=pictures.CLIP), "residue"),
        draw.Tile(
            draw.overlay(scene.image, widest, labels=[""] * len(widest)), "the widest: the sign"
        ),
        draw.Tile(
            draw.overlay(scene.image, within_aspect, labels=[""] * len(within_aspect)),
            f"width / height within {ASPECT[0]:g} to {ASPECT[1]:g}: the plate",
        ),
    ]
    return draw.sheet(tiles, title="A street with a shop sign")


def _detect_on_page(
    image: npt.NDArray[Any],
    net: spel.Network,
    place: Path,
    files: list[Path],
    clock: _Clock,
    fast: bool,
) -> Result:
    """The same chain on a picture without a plate, where it takes rows of characters for one."""
    widest = spel.detect(net, image)
    rows = spel.detect(net, image, select="all", threshold="otsu", width=(WIDE, np.inf))
    clock.report(
        f"[5/5] the same chain on a real picture, scikit-image's '{PAGE}' ({_size(image)}): there "
        f"is no plate, and it takes rows of characters for one. The widest: {_box(widest)}; with "
        f"Otsu's threshold {len(rows)} components of at least {WIDE:.0f} pixels"
    )
    spel.write(place / "page.png", image)
    files.append(place / "page.png")
    if not fast:
        spel.write(place / "page-steps.png", page_picture(net, image, widest, rows))
        files.append(place / "page-steps.png")
    return _result("page.png", image, widest, net)


def page_picture(
    net: spel.Network, image: npt.NDArray[Any], widest: Detections, rows: Detections
) -> npt.NDArray[np.uint8]:
    """Residue and boxes on the page."""
    residue = draw.shade(net(image)[..., 0], clip=pictures.CLIP)
    answer = draw.overlay(image, rows, labels=[""] * len(rows))
    tiles = [
        draw.Tile(residue, "residue", "The characters of a row are as close as on a plate."),
        draw.Tile(
            draw.mark(answer, widest.boxes, color=draw.TRUTH_COLOR),
            "what the chain detects",
            "Green: the widest above the 95th percentile. Orange: all of at least "
            f"{WIDE:.0f} pixels with Otsu's threshold. None is a plate.",
        ),
    ]
    return draw.sheet(
        tiles,
        columns=2,
        tile_width=480,
        title="The same chain on a picture without a plate",
        footer="Picture: 'page' of scikit-image.",
    )


class _Clock:
    """Reports a line with the seconds since the last one."""

    def __init__(self, say: Say) -> None:
        self.say, self.last = say, time.perf_counter()

    def report(self, text: str) -> None:
        now = time.perf_counter()
        self.say(f"{text}  ({now - self.last:.2f} s)")
        self.last = time.perf_counter()


def _page() -> npt.NDArray[Any] | None:
    """The page that the wheel of scikit-image contains; nothing is downloaded."""
    spec = find_spec("skimage")
    for home in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(home) / "data" / PAGE
        if path.is_file():
            page: npt.NDArray[Any] = spel.read(path)
            return page
    return None


def _result(
    name: str, image: npt.NDArray[Any], detections: Detections, net: spel.Network
) -> Result:
    size = (image.shape[0], image.shape[1])
    areas = detections.areas.astype(np.float64)
    return Result(
        name,
        size,
        detections.boxes,
        detections.scores,
        areas,
        detections.classes,
        model=net.fingerprint(),
    )


def _box(detections: Detections) -> str:
    if not len(detections):
        return "no detection"
    x0, y0, x1, y1 = detections.boxes[0]
    return f"x {x0:.0f} to {x1:.0f}, y {y0:.0f} to {y1:.0f}, score {detections.scores[0]:.3f}"


def _size(image: npt.NDArray[Any]) -> str:
    return " x ".join(map(str, image.shape))


def _indented(text: str) -> str:
    return "\n".join(f"      {line}" for line in text.splitlines())
