"""Checks that this installation computes, writes files and runs processes correctly."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

Arrays = dict[str, "npt.NDArray[Any]"]

TOLERANCE = 1e-5
_CHILD = """
import sys, numpy as np
from spel.cli.self_test import results
np.savez(sys.stdout.buffer, **results())
"""


def checks() -> dict[str, Callable[[], str]]:
    """Checks by name; each returns the problem, or an empty text."""
    return {
        "every build of the engine gives the reference's numbers": engine,
        "the same bits for 1 and 2 threads": threads,
        "files are written whole and read back": files,
        "the demonstration's plate is found": plate,
        "a worker that dies costs one task": workers,
    }


def results() -> Arrays:
    """Results of some operators on a seeded image."""
    import numpy as np

    import spel
    from spel import Adjacency, ops

    image = np.random.default_rng(0).normal(size=(40, 57, 3)).astype(np.float32)
    bank = spel.KernelBank.random(Adjacency.disk(2), kernels=5, channels=3, seed=1)
    box = Adjacency.rectangle(width=25, height=5)
    return {
        "convolve": ops.convolve(image, bank, border="reflect"),
        "sigmoid": ops.activate(image, "sigmoid"),
        "max_pool": ops.max_pool(image, box, stride=2),
        "mean_pool": ops.mean_pool(image, Adjacency.disk(3)),
        "divisive": ops.divisive_normalize(image, box),
        "label": ops.label(image[..., 0] > 0.5),
    }


def engine() -> str:
    """Compare every instruction set that this processor supports with NumPy."""
    from spel import kernels

    expected = _child(SPEL_KERNELS="reference")
    if isinstance(expected, str):
        return expected
    for isa in kernels.native_info().get("available") or []:
        results = _child(SPEL_ISA=isa)
        if isinstance(results, str):
            return results
        for name, difference in _differences(results, expected):
            if not difference <= TOLERANCE:
                return f"{isa}: {name} differs by {difference:.1e}"
    return ""


def threads() -> str:
    """Compare the bits that one thread and two threads compute."""
    import numpy as np

    import spel

    with spel.threads(1):
        one = results()
    with spel.threads(2):
        two = results()
    different = [name for name in one if not np.array_equal(one[name], two[name])]
    return f"{', '.join(different)} differ" if different else ""


def files() -> str:
    """Write images in three formats, read them back, and look for temporary files."""
    import numpy as np

    import spel

    image = np.random.default_rng(0).integers(0, 65535, (9, 7, 3)).astype(np.uint16)
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("png", "tif", "npy"):
            path = Path(folder) / f"a.{suffix}"
            spel.write(path, image)
            if not np.array_equal(spel.read(path), image):
                return f"{suffix}: the image that was read differs from the one that was written"
        left = [p.name for p in Path(folder).iterdir() if p.name.startswith(".")]
    return f"temporary files were left: {left}" if left else ""


def plate() -> str:
    """Detect the plate of a rendered street, and compare its box with the true one."""
    import spel
    from spel.data import street
    from spel.metrics.detection import iou

    scene = street(3)
    overlap = iou(spel.detect(spel.zoo.plate_lecture(), scene.image).boxes, scene.boxes)
    best = float(overlap.max(initial=0.0))
    return "" if best > 0.7 else f"IoU {best:.2f}, expected 0.77"


def workers() -> str:
    """Let a worker process die, and see that only its task fails."""
    from spel.errors import TaskError
    from spel.runs import Pool

    with Pool(1, seconds=60) as pool:
        error = pool.submit(os._exit, 3).exception()
        answer = pool.submit(abs, -7).result()
    good = isinstance(error, TaskError) and answer == 7
    return "" if good else f"got {error!r} and {answer!r}"


def _child(**settings: str) -> Arrays | str:
    """The results of a process with these environment variables, or its last message."""
    import numpy as np

    done = subprocess.run(
        [sys.executable, "-c", _CHILD], env={**os.environ, **settings}, capture_output=True
    )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return f"{settings}: {' '.join(last) or done.returncode}"
    return dict(np.load(io.BytesIO(done.stdout)))


def _differences(results: Arrays, expected: Arrays) -> Iterator[tuple[str, float]]:
    """Largest difference of each array, relative to the largest value."""
    import numpy as np

    for name, array in expected.items():
        scale = float(np.abs(array).max()) or 1.0
        yield name, float(np.abs(results[name].astype(float) - array).max()) / scale
