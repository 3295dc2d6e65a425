"""The eggs that ship: figures on the unmarked images, and where each kernel comes from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import spel
from spel import zoo
from spel.decide import segment, segmentation_of
from spel.metrics.segmentation import dice

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "parasites"


def test_every_kernel_knows_its_stroke_and_the_card_says_what_it_is():
    net = zoo.get("parasite-eggs")
    for node in ("conv1", "conv2"):
        assert all(p.image and len(p.at) == 2 for p in net[node].bank.provenance)
    assert net.meta["card"]["name"] == "parasite-eggs"
    assert segmentation_of(net).objects is not None


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 500, 3), (60, 50, 1), (60, 50, 4), (0, 4, 3)])
def test_any_image_gives_a_mask_of_its_size(shape):
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert segment(zoo.get("parasite-eggs"), image).shape == shape[:2]


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="shared data are absent")
def test_eggs_are_found_and_empty_fields_stay_empty():
    net = zoo.get("parasite-eggs")
    marked = {p.name.removesuffix("-seeds.txt") for p in (DATA / "libift/markers").iterdir()}
    found, alarms = [], []
    for path in sorted((DATA / "images").glob("*.png")):
        if path.stem in marked:
            continue
        truth = spel.read(DATA / "masks" / path.name)[..., 0] > 0
        mask = segment(net, spel.read(path))
        if truth.any():
            found.append(dice(mask, truth))
        else:
            alarms.append(bool(mask.any()))
    assert (len(found), len(alarms)) == (31, 28)
    assert np.mean(found) >= 0.9
    assert np.mean(alarms) <= 0.1
