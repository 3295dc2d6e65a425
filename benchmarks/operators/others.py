"""Patches, activation, colour, threshold and labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.harness import Table
from benchmarks.operators.peers import channels_last, cv2, planar, torch_run
from spel import Adjacency, ops


def measure(table: Table, quick: bool) -> None:
    rows, cols = (240, 320) if quick else (960, 1280)
    random = np.random.default_rng(0)
    image = random.random((rows, cols), dtype=np.float32)
    signed = image - np.float32(0.5)
    size = f"{rows} x {cols}"
    table.row(
        f"ReLU, {size}",
        tolerance=0.0,
        spel=lambda: ops.activate(signed, "relu"),
        numpy=lambda: np.maximum(signed, 0),
        opencv=(lambda: cv2.max(signed, 0.0)) if cv2 is not None else None,
        torch=torch_run(lambda torch: lambda x: torch.relu(x)[0, 0].numpy(), signed[None]),
    )
    _sigmoid(table, signed, size)
    _patches(table, image[: rows // 2, : cols // 2])
    _lab(table, planar(random.random((rows, cols, 3), dtype=np.float32)), size)
    _otsu(table, image, size)
    blobs = ops.mean_pool(image, Adjacency.box(5)) > 0.52
    _label(table, blobs, size, "blobs")
    _label(table, image > 0.55, size, "noise")


def _sigmoid(table: Table, signed: Any, size: str) -> None:
    from scipy.special import expit

    table.row(
        f"sigmoid, {size}",
        spel=lambda: ops.activate(signed, "sigmoid"),
        scipy=lambda: expit(signed),
        torch=torch_run(lambda torch: lambda x: torch.sigmoid(x)[0, 0].numpy(), signed[None]),
    )


def _patches(table: Table, image: Any) -> None:
    from skimage.util import view_as_windows

    def windows() -> Any:
        seen = np.lib.stride_tricks.sliding_window_view(image, (5, 5))
        return seen.reshape(*seen.shape[:2], 25)

    def scikit() -> Any:
        seen = view_as_windows(image, (5, 5))
        return seen.reshape(*seen.shape[:2], 25)

    table.row(
        f"patches, 5 x 5, {image.shape[0]} x {image.shape[1]}",
        note="valid only",
        tolerance=0.0,
        spel=lambda: ops.patches(image, Adjacency.box(5), border="valid"),
        numpy=windows,
        skimage=scikit,
    )


def _lab(table: Table, image: Any, size: str) -> None:
    from skimage.color import rgb2lab

    packed = np.ascontiguousarray(image)
    table.row(
        f"RGB to Lab, {size}",
        tolerance=1e-2,
        note="OpenCV interpolates a table",
        spel=lambda: ops.lab(image, white=1.0),
        skimage=lambda: rgb2lab(packed),
        opencv=(lambda: cv2.cvtColor(packed, cv2.COLOR_RGB2Lab)) if cv2 is not None else None,
    )


def _otsu(table: Table, image: Any, size: str) -> None:
    from skimage.filters import threshold_otsu

    eight = (image * 255).astype(np.uint8)
    table.row(
        f"Otsu's threshold, uint8, {size}",
        tolerance=5e-3,
        note="one grey level apart at most",
        spel=lambda: ops.threshold_value(eight, "otsu"),
        skimage=lambda: threshold_otsu(eight),
        opencv=(lambda: cv2.threshold(eight, 0, 255, cv2.THRESH_OTSU)[0])
        if cv2 is not None
        else None,
    )


def _label(table: Table, mask: Any, size: str, word: str) -> None:
    from scipy import ndimage
    from skimage import measure as scikit

    eight = np.ones((3, 3), dtype=int)
    bytes_ = mask.astype(np.uint8)
    table.row(
        f"components of 8 neighbours, {word}, {size}",
        tolerance=0.0,
        compare=_canonical,
        spel=lambda: ops.label(mask),
        scipy=lambda: ndimage.label(mask, eight)[0],
        skimage=lambda: scikit.label(mask, connectivity=2),
        opencv=(lambda: cv2.connectedComponents(bytes_, connectivity=8)[1])
        if cv2 is not None
        else None,
    )


def _canonical(labels: Any) -> Any:
    """Components numbered by their first spel, whatever numbers a library gives."""
    flat = np.asarray(channels_last(labels)).ravel()
    known, first, index = np.unique(flat, return_index=True, return_inverse=True)
    first = np.where(known == 0, -1, first)
    order = np.argsort(np.argsort(first))
    return order[index] + (0 if (known == 0).any() else 1)
