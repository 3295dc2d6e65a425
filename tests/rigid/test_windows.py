"""The decision of a sliding-window detector: its stored form, in this version and in 0.1."""

from __future__ import annotations

import pytest

from spel.errors import FormatError, ParameterError
from spel.rigid import Windows

STAGE_0_1 = {
    "kind": "windows",
    "sizes": [[39.5, 19.5]],
    "largest": 0.75,
    "smallest": 0.25,
    "steps": 3,
    "threshold": 0.5,
    "overlap": 0.5,
    "most": 100,
    "refine": "first_refine",
    "score": "first",
    "first": None,
    "places": 16,
    "turns": [],
}
"""What spel 0.1 wrote for the first of two stages."""


def test_a_decision_of_0_1_is_read() -> None:
    whole = {
        **STAGE_0_1,
        "sizes": [[50.0, 25.0], [75.0, 17.0]],
        "threshold": 0.02,
        "most": 40,
        "refine": "score_refine",
        "score": "score",
        "first": STAGE_0_1,
        "places": 20,
        "turns": [-8.0, 8.0],
    }
    proposals = Windows(((39.5, 19.5),), 0.75, 0.25, 3, refine_node="first_refine")
    expected = Windows(
        sizes=((50.0, 25.0), (75.0, 17.0)),
        max_scale=0.75,
        min_scale=0.25,
        scales_per_octave=3,
        threshold=0.02,
        overlap=0.5,
        max_detections=40,
        refine_node="score_refine",
        score_node="score",
        proposals=Windows.from_dict({**proposals.to_dict(), "score_node": "first"}),
        max_proposals=20,
        rotations=(-8.0, 8.0),
    )
    assert Windows.from_dict(whole) == expected
    assert Windows.from_dict(expected.to_dict()) == expected


def test_a_stored_decision_states_its_version() -> None:
    stored = Windows(((8, 8),)).to_dict()
    assert (stored["kind"], stored["version"]) == ("windows", 2)
    with pytest.raises(FormatError, match="this spel reads 1 to 2"):
        Windows.from_dict({**stored, "version": 3})
    with pytest.raises(FormatError, match="Windows"):
        Windows.from_dict({**stored, "largest": 1.0})


def test_a_stride_is_stored_and_checked() -> None:
    strided = Windows(((20, 10),), stride=(1, 2))
    assert Windows.from_dict(strided.to_dict()) == strided
    assert "stride" not in Windows(((20, 10),)).to_dict()
    for stride in (2, (0, 1), (1, 65), (1.5, 1), (1, 1, 1)):
        with pytest.raises(ParameterError, match="stride"):
            Windows(((20, 10),), stride=stride)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["abc", None, [0.5], 2, float("nan")])
def test_a_threshold_is_a_number(value) -> None:
    with pytest.raises(ParameterError, match="expected a number from 0 to 1"):
        Windows(sizes=((20, 10),), threshold=value)
