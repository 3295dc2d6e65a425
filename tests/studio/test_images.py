"""Images as the page gets them: the numbers of the file, planes, matrices typed by hand."""

import numpy as np
import pytest

from spel.errors import FormatError, ImageReadError, ParameterError
from spel.studio.matrix import parse_matrix
from spel.studio.session import Session
from spel.studio.sources import Source
from spel.studio.views.folders import thumb_view
from spel.studio.views.images import image_view, planes_view, window_view
from spel.studio.views.runs import channel_view

J = "6,1,7,-9\n9,8,-2,-17\n12,13,-10,-19\n11,11,-9,-13"


def session_of(array, folder):
    return Session([Source("a", "array", lambda: array)], folder)


@pytest.mark.parametrize(
    ("dtype", "sent"),
    [
        ("uint8", "uint8"),
        ("uint16", "uint16"),
        ("float32", "float32"),
        ("float64", "float64"),
        ("int16", "float32"),
        ("int64", "float64"),
        ("bool", "uint8"),
    ],
)
def test_the_page_gets_the_numbers_of_the_file(folder, dtype, sent):
    array = (np.arange(12).reshape(3, 4, 1) % 5).astype(dtype)
    session = session_of(array, folder)
    header, (values,) = image_view(session, "a")
    window, (inside,) = window_view(session, "a", (1, 2), 8)
    session.close()
    assert (header["dtype"], header["arrays"][0]["dtype"]) == (dtype, sent)
    np.testing.assert_array_equal(values, array)
    assert (window["row"], window["col"]) == (1, 2)
    np.testing.assert_array_equal(inside, array[1:, 2:])


def test_twelve_bits_are_shown_from_their_lowest_to_their_highest_number(folder):
    array = np.uint16([[[100], [4095]]])
    session = session_of(array, folder)
    header, _ = image_view(session, "a")
    _, (small,) = thumb_view(session, "a")
    session.close()
    assert (header["low"], header["high"], header["white"]) == (100, 4095, 65535)
    assert small.tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_a_step_with_nan_is_shown_between_its_finite_extremes(folder):
    session = session_of(np.float32([[[51], [np.nan], [102]]]), folder)
    session.do({"do": "add_network", "name": "own", "template": "relu"})
    id = session.run("own", "a").results[0].activation.id
    header, _ = channel_view(session, id, 0)
    session.close()
    assert (header["low"], header["high"]) == (51, 102)


def test_an_upload_that_is_no_image_is_refused_by_its_name(folder):
    session = session_of(np.uint8([[[1]]]), folder)
    path = session.uploads / "x.bin"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 40)
    with pytest.raises(ImageReadError, match=r"^mine\.png: PNG"):
        session.add_upload(path, "mine.png")
    session.close()


def test_channels_come_one_by_one(folder):
    array = np.arange(2 * 3 * 5, dtype=np.uint8).reshape(2, 3, 5)
    session = session_of(array, folder)
    _, (values,) = image_view(session, "a", channel=4)
    np.testing.assert_array_equal(values[..., 0], array[..., 4])
    with pytest.raises(ParameterError, match="channel 5; the image has 5 channels"):
        image_view(session, "a", channel=5)
    session.close()


def test_planes_of_a_stack_in_three_directions(folder):
    stack = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6, 1)
    session = session_of(stack, folder)
    for axis, plane in ((0, stack[1]), (1, stack[:, 1]), (2, stack[:, :, 1])):
        np.testing.assert_array_equal(session.load(f"a@{axis}.1").values, plane)
    header, (pictures,) = planes_view(session, "a", 2)
    session.close()
    assert header["places"] == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(pictures[3, :, :, 0], stack[:, :, 3, 0])


def test_strokes_on_a_plane_are_learned_from(folder):
    stack = np.stack([np.full((32, 48, 1), 20, np.uint8)] * 3)
    stack[2, 8:20, 10:24] = 220
    session = session_of(stack, folder)
    for label, row in ((1, 14), (0, 28)):
        points = [[row, 12], [row, 20]]
        one = {"id": f"s{label}", "label": label, "tool": "brush", "radius": 2, "points": points}
        session.do({"do": "add_stroke", "image": "a@0.2", "stroke": one})
    session.do({"do": "learn", "network": "from strokes"})
    bank = session.document.entry("from strokes").network["conv1"].bank
    session.close()
    assert {p.image for p in bank.provenance} == {"array [0: 2]"}


# -- matrices --------------------------------------------------------------------------------------


def test_the_matrix_of_the_lecture_stays_what_it_is(folder):
    # J and R of the slide about ReLU.
    matrix = parse_matrix(J)
    session = session_of(matrix, folder)
    session.do({"do": "add_network", "name": "relu", "template": "relu"})
    run = session.run("relu", "a")
    session.close()
    assert run.input[0, 3, 0] == -9
    assert run.activations["relu"][..., 0].tolist() == [
        [6, 1, 7, 0],
        [9, 8, 0, 0],
        [12, 13, 0, 0],
        [11, 11, 0, 0],
    ]


def test_numbers_that_are_all_below_one_are_not_scaled(folder):
    session = session_of(parse_matrix("-9 0.5"), folder)
    session.do({"do": "add_network", "name": "relu", "template": "relu"})
    assert session.run("relu", "a").input[0, :, 0].tolist() == [-9.0, 0.5]
    session.close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no number"),
        ("1,2\n3", "row 2 has 1 number, but row 1 has 2"),
        ("1,2\n3,4,5", "row 2 has 3 numbers, but row 1 has 2"),
        ("1,1e400", "'1e400' in row 1 is too large"),
        ("1;−1e999", "in row 1 is too large"),
        ("1,x", "'x' in row 1 is no number"),
    ],
)
def test_what_is_no_matrix_is_refused_by_name(text, message):
    with pytest.raises(FormatError, match=message):
        parse_matrix(text)


@pytest.mark.parametrize(
    "text", ["1 2\n3 4", "1,2\n3,4\n", "1;2\r\n3;4", "1\t2\n3\t4", "[[1, 2],\n [3, 4]]"]
)
def test_matrices_are_read_however_they_are_separated(text):
    assert parse_matrix(text)[..., 0].tolist() == [[1, 2], [3, 4]]
