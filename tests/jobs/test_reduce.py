"""JPEG files that are decoded at a part of their size."""

from __future__ import annotations

import json

import numpy as np
import pytest

import spel
from spel.decide import Decision
from spel.errors import ImageReadError, ParameterError
from spel.io import read, write
from spel.jobs import ApplyJob, DetectJob, FeaturesJob, SegmentJob
from spel.nn import Activation, Color, chain
from spel.runs import run


def blocks(*rows):
    """An image of a flat block of 8 x 8 pixels for each number."""
    return np.kron(np.array(rows, np.uint8), np.ones((8, 8), np.uint8))[..., None]


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "a.jpg"
    write(path, blocks([8, 8, 8, 8], [8, 200, 200, 8], [8, 8, 8, 8]))
    return path


@pytest.mark.parametrize("isolate", [False, True])
def test_an_eighth_has_a_pixel_for_each_block(photo, isolate):
    eighth = read(photo, reduce=8, isolate=isolate)
    assert eighth[..., 0].tolist() == [[8, 8, 8, 8], [8, 200, 200, 8], [8, 8, 8, 8]]
    assert read(photo, reduce=2).shape == (12, 16, 1)


def test_boxes_are_in_pixels_of_the_full_size_and_masks_are_not(photo, tmp_path):
    net = chain(color=Color("grey"), act=Activation())
    job = DetectJob(net, decision=Decision(threshold=0.5), reduce=8)
    run(job, photo, tmp_path / "boxes")
    (found,) = spel.io.read_results(tmp_path / "boxes" / "results.jsonl")
    assert (found.size, found.boxes.tolist(), found.reduce) == ((24, 32), [[8, 8, 24, 16]], 8)
    run(SegmentJob(net, reduce=4), photo, tmp_path / "masks")
    assert read(tmp_path / "masks" / "a.png").shape == (6, 8, 1)
    assert json.loads((tmp_path / "masks" / "results.jsonl").read_text())["reduce"] == 4
    with pytest.raises(ParameterError, match="reduce"):
        run(SegmentJob(net, reduce=2), photo, tmp_path / "masks")


def test_what_is_not_decoded_smaller_is_refused_by_name(photo, tmp_path):
    other = tmp_path / "b.png"
    write(other, blocks([1, 2]))
    with pytest.raises(ImageReadError, match="PNG: only JPEG files are decoded at 1/4"):
        read(other, reduce=4)
    write(tmp_path / "c.jpg", blocks([1])[:3])
    with pytest.raises(ImageReadError, match="3 x 8 pixels have no 1/4"):
        read(tmp_path / "c.jpg", reduce=4)
    with pytest.raises(ParameterError, match="reduce 3; expected 1, 2, 4 or 8"):
        read(photo, reduce=3)
    net = chain(act=Activation())
    with pytest.raises(ParameterError, match="neither tiles nor levels"):
        FeaturesJob(net, reduce=2, level=1)
    video = tmp_path / "d.mp4"
    video.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(40))
    with pytest.raises(ParameterError, match=r"d.mp4 is a video.*leave out reduce 2"):
        FeaturesJob(net, reduce=2).tasks([str(video)])
    for options in ({"level": 1}, {"page": 0}, {"tile": 64}):
        with pytest.raises(ParameterError, match="whose frames are read whole; leave out"):
            ApplyJob(net, **options).tasks([str(video)])
