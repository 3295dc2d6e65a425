"""Label images: indices of a palette, one channel, or channels that agree; never colours."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from spel.errors import ImageReadError
from spel.evaluation import evaluate_masks
from spel.io.annotation.markers import read_markers
from spel.io.image.label_image import read_label_image
from spel.io.isolation import AVAILABLE

WORKERS = pytest.mark.skipif(not AVAILABLE, reason="no workers with limits here")
LABELS = np.array([[0, 1, 1, 0], [2, 2, 0, 1], [3, 0, 3, 3]], np.uint8)
COLORS = [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0]  # of Pascal VOC: the first four classes


def palette_image(labels=LABELS, bits=2) -> Image.Image:
    picture = Image.fromarray(labels, "P")
    picture.putpalette([*COLORS, *[9] * (3 << bits)][: 3 << bits])
    return picture


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("options", [{}, {"transparency": 0}])
def test_a_palette_of_png_gives_its_indices(bits, options):
    labels = LABELS.clip(0, 1) if bits == 1 else LABELS
    file = io.BytesIO()
    palette_image(labels, bits).save(file, "PNG", bits=bits, **options)
    assert file.getvalue()[24] == bits  # of the header
    assert np.array_equal(read_label_image(file), labels)


def test_a_palette_of_tiff_gives_its_indices(tmp_path):
    table = np.zeros((3, 256), np.uint16)
    table[:, :4] = np.reshape(COLORS, (4, 3)).T * 257
    for stored in (LABELS, np.stack([LABELS, LABELS.T.reshape(3, 4)])):
        tifffile.imwrite(tmp_path / "a.tif", stored, photometric="palette", colormap=table)
        assert np.array_equal(read_label_image(tmp_path / "a.tif"), stored)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_channels_that_agree_are_one(mode):
    file = io.BytesIO()
    Image.fromarray(LABELS).convert(mode).save(file, "PNG")
    assert np.array_equal(read_label_image(file), LABELS)


@pytest.mark.parametrize("isolate", [False, pytest.param(True, marks=WORKERS)])
def test_the_file_is_named(tmp_path, isolate):
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(ImageReadError, match=r"a\.png: it is not an image"):
        read_label_image(tmp_path / "a.png", isolate=isolate)
    with pytest.raises(ImageReadError, match=r"b\.png: there is no such file"):
        read_label_image(tmp_path / "b.png", isolate=isolate)


def test_colours_and_unnamed_channels_are_refused(tmp_path):
    file = io.BytesIO()
    palette_image().convert("RGB").save(file, "PNG")
    with pytest.raises(ImageReadError, match="colours and not labels"):
        read_label_image(file)
    two = np.stack([LABELS, LABELS + 1], axis=-1)
    tifffile.imwrite(tmp_path / "a.tif", two, photometric="minisblack", planarconfig="contig")
    with pytest.raises(ImageReadError, match="colours and not labels"):
        read_label_image(tmp_path / "a.tif")


def test_markers_and_masks_with_a_palette(tmp_path):
    palette_image().save(tmp_path / "a-label.png")
    marks = read_markers(tmp_path / "a-label.png")
    assert sorted(set(marks.labels.tolist())) == [1, 2, 3]
    for name in ("answers", "truth"):
        (tmp_path / name).mkdir()
    palette_image().save(tmp_path / "truth" / "a.png")
    Image.fromarray((LABELS > 0).astype(np.uint8) * 255).save(tmp_path / "answers" / "a.png")
    figures = evaluate_masks(tmp_path / "answers", tmp_path / "truth").to_dict()
    assert (figures["dice"], figures["images"]) == (1, 1)


def test_a_name_with_two_dots_is_an_image_of_its_own(tmp_path):
    for name in ("answers", "truth"):
        (tmp_path / name).mkdir()
        for image in ("a.png", "a.1.png"):
            Image.fromarray(LABELS).save(tmp_path / name / image)
    Image.fromarray(LABELS).save(tmp_path / "answers" / "a.saliency.tif")
    assert set(evaluate_masks(tmp_path / "answers", tmp_path / "truth").overlaps) == {"a", "a.1"}


def test_numbers_that_are_no_labels_are_refused(tmp_path):
    mask = np.zeros((30, 40), np.uint8)
    mask[5:15, 8:30] = 255
    Image.fromarray(mask).save(tmp_path / "a.jpg", quality=90)
    with pytest.raises(ImageReadError, match="its compression changed the numbers"):
        read_label_image(tmp_path / "a.jpg")
    white = np.full_like(mask, 255)
    Image.fromarray(white).save(tmp_path / "b.jpg")
    assert (read_label_image(tmp_path / "b.jpg") == white).all()
    Image.merge("LA", [Image.fromarray(white), Image.fromarray(mask)]).save(tmp_path / "c.png")
    with pytest.raises(ImageReadError, match="all its pixels are 255, and only their transp"):
        read_label_image(tmp_path / "c.png")
    Image.merge("LA", [Image.fromarray(mask), Image.fromarray(mask)]).save(tmp_path / "d.png")
    assert (read_label_image(tmp_path / "d.png") == mask).all()
