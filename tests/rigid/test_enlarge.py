"""Objects smaller than those learned: the scale space that starts at enlarged images."""

from __future__ import annotations

import numpy as np
import pytest

from spel import kernels, zoo
from spel.data import street
from spel.decide import detect
from spel.errors import ParameterError
from spel.metrics.detection import iou
from spel.rigid import ClassWindows, Windows
from spel.rigid.score import Scanner


def test_a_plate_of_32_pixels_is_found_only_in_enlarged_images():
    scene = street(3, size=(240, 352))
    factor = 32 / float(scene.boxes[0, 2] - scene.boxes[0, 0])
    size = (round(240 * factor), round(352 * factor))
    grey = scene.image.mean(axis=2).astype(np.float32)
    small = kernels.resize(grey, (0.0, 0.0, 352.0, 240.0), size)
    network = zoo.plates()
    own, enlarged = (detect(network, small, white=255, enlarge=by) for by in (1.0, 2.0))
    assert not (iou(own.boxes, scene.boxes * factor) >= 0.5).any()
    assert iou(enlarged.boxes[:1], scene.boxes * factor).item() >= 0.5


def test_both_stages_begin_at_larger_scales():
    plates = Windows.from_dict({**zoo.plates().meta["decision"], "enlarge": 1.0})
    scanner = Scanner(zoo.plates(), Windows.from_dict({**plates.to_dict(), "enlarge": 2.0}))
    assert scanner.proposals is not None
    assert plates.proposals is not None
    for stage, own in ((scanner, plates), (scanner.proposals, plates.proposals)):
        steps = own.scales_per_octave
        assert stage.windows.scales[0] == pytest.approx(2 * own.scales[0])
        assert stage.windows.scales[steps:] == pytest.approx(own.scales)


def test_enlarging_is_stored_for_every_class_and_older_files_do_not():
    windows = Windows(sizes=((48, 16),), enlarge=1.5)
    assert Windows.from_dict(windows.to_dict()) == windows
    assert "enlarge" not in Windows(sizes=((48, 16),)).to_dict()
    classes = ClassWindows((("coin", Windows(((9, 9),), score_node="s")),))
    assert classes.with_options(enlarge=2.0).classes[0][1].largest_scale == 2.0


@pytest.mark.parametrize("enlarge", [0, -1.0, 65, 0.01, float("nan"), True, "2"])
def test_scales_out_of_range_are_refused(enlarge):
    with pytest.raises(ParameterError, match="enlarge"):
        Windows(sizes=((48, 16),), enlarge=enlarge)
