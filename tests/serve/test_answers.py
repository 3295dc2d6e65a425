"""What a server answers: boxes, masks, features, classes; health and metrics; a full queue."""

import io
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("starlette", reason="the studio's extra is not installed")
pytest.importorskip("uvicorn", reason="the studio's extra is not installed")

from spel.decide.segmented import segment_image
from spel.io import read, write
from spel.nn import Color, Flatten, chain
from spel.nn.intensity import with_white

from .conftest import ask, error
from .models import (
    CALM,
    DYING,
    GREEDY,
    HANGING,
    SLOW,
    WRONG,
    Moody,
    classifier_of_pixels,
    detector,
    segmenter,
)

PLANE = [[0, 3, 3], [0, 0, 0]]


@pytest.fixture(scope="module")
def boxes(serving):
    return serving(detector(), workers=2)


@pytest.fixture(scope="module")
def masks(serving):
    return serving(segmenter())


@pytest.fixture(scope="module")
def moody(serving):
    return serving(Moody(), queue=0, seconds=3.0)


def test_boxes_are_a_coco_file(boxes, png):
    for path in ("/?name=a/b.png", "/detect?name=a/b.png"):
        status, headers, body = ask(boxes, path, png(PLANE))
        assert (status, headers["Content-Type"]) == (200, "application/json")
        content = json.loads(body)
        assert content["images"] == [{"id": 1, "file_name": "a/b.png", "width": 3, "height": 2}]
        (found,) = content["annotations"]
        assert (found["bbox"], found["score"], found["area"]) == ([1.0, 0.0, 2.0, 1.0], 3.0, 2.0)


def test_what_is_assumed_of_the_numbers_stands_in_a_header(serving, png, tmp_path):
    server = serving(with_white(detector(), 255.0))
    bad = np.float32([[[0], [0.5], [np.nan]]])
    np.save(tmp_path / "bad.npy", bad)
    status, headers, body = ask(server, "/detect", (tmp_path / "bad.npy").read_bytes())
    assert status == 200
    assert [one["bbox"] for one in json.loads(body)["annotations"]] == [[1.0, 0.0, 1.0, 1.0]]
    assert headers["Spel-Notes"] == ("full intensity is taken to be 1; 1 number NaN or infinite")
    assert "Spel-Notes" not in ask(server, "/detect", png(PLANE))[1]


def test_the_first_of_several_pages_is_read_and_that_is_said(serving, tmp_path):
    from PIL import Image

    frames = [Image.fromarray(np.full((3, 4), value, np.uint8)) for value in (9, 0)]
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    server = serving(chain(grey=Color("grey")))
    status, headers, _ = ask(server, "/features", (tmp_path / "two.gif").read_bytes())
    assert status == 200
    assert "the first of 2 pages or frames is read" in headers["Spel-Notes"]


def test_channels_that_are_no_colours_are_refused_as_everywhere(serving, tmp_path):
    np.save(tmp_path / "four.npy", np.zeros((3, 4, 4), np.uint8))
    server = serving(chain(grey=Color("grey")))
    status, text = error(ask(server, "/features", (tmp_path / "four.npy").read_bytes()))
    assert status == 422
    assert "the file does not state that its 4 channels are colours and alpha" in text


def test_a_mask_is_an_image_in_the_format_that_is_accepted(masks, png, tmp_path):
    for accept, suffix in (("*/*", "png"), ("image/tiff, text/html;q=0.1", "tif")):
        status, headers, body = ask(masks, "/segment", png(PLANE), Accept=accept)
        assert status == 200
        assert headers["Content-Type"] == {"png": "image/png", "tif": "image/tiff"}[suffix]
        assert int(headers["Content-Length"]) == len(body)
        (tmp_path / f"mask.{suffix}").write_bytes(body)
        assert read(tmp_path / f"mask.{suffix}")[..., 0].tolist() == [[0, 255, 255], [0, 0, 0]]


def test_a_network_of_several_classes_answers_with_their_labels(serving, tmp_path):
    np.save(tmp_path / "image.npy", np.float32([[[1, 0], [0, 1]]]))
    server = serving(classifier_of_pixels())
    status, _, body = ask(server, "/segment", (tmp_path / "image.npy").read_bytes())
    assert status == 200
    (tmp_path / "labels.png").write_bytes(body)
    assert read(tmp_path / "labels.png")[..., 0].tolist() == [[3, 7]]
    np.save(tmp_path / "image.npy", np.float32([[[1, 0], [0, 1], [0, 1], [0, 1]]] * 2))
    sent = (tmp_path / "image.npy").read_bytes()
    _, _, body = ask(server, "/segment?scale=2", sent)
    (tmp_path / "labels.png").write_bytes(body)  # the pairs of spels, each as one
    scaled = segment_image(classifier_of_pixels(), np.load(tmp_path / "image.npy"), scale=2)
    assert read(tmp_path / "labels.png")[..., 0].tolist() == scaled.labels.tolist()


def test_features_are_the_output_of_the_network(masks, png):
    status, headers, body = ask(masks, "/", png(PLANE), Accept="application/x-npy")
    assert (status, headers["Content-Type"]) == (200, "application/x-npy")
    assert np.load(io.BytesIO(body), allow_pickle=False)[..., 0].tolist() == PLANE
    status, text = error(ask(masks, "/features", png(PLANE), Accept="application/json"))
    assert status == 422
    assert "(2, 3, 1)" in text


def test_a_vector_of_features_is_json(serving, png):
    server = serving(chain(flat=Flatten()))
    status, _, body = ask(server, "/features?name=x", png(PLANE), Accept="application/json")
    assert status == 200
    assert json.loads(body) == {"image": "x", "features": [0.0, 3.0, 3.0, 0.0, 0.0, 0.0]}


def test_a_class_comes_from_a_classifier(moody, png):
    status, _, body = ask(moody, "/?name=x", png([[CALM]]))
    assert status == 200
    assert json.loads(body) == {"image": "x", "class": "calm", "scores": {}}


def test_a_volume_is_an_image_too(masks, tmp_path):
    volume = np.zeros((2, 3, 4, 1), np.uint8)
    volume[1, 2, 3] = 9
    write(tmp_path / "volume.tif", volume)
    body = (tmp_path / "volume.tif").read_bytes()
    status, text = error(ask(masks, "/segment", body, Accept="image/png"))
    assert status == 422
    assert "volume" in text or "planes" in text
    status, _, body = ask(masks, "/segment", body, Accept="image/tiff")
    (tmp_path / "mask.tif").write_bytes(body)
    assert (read(tmp_path / "mask.tif") == 255 * (volume > 0)).all()


def test_many_clients_get_the_bytes_that_one_gets(boxes, png):
    random = np.random.default_rng(0)
    images = [png(random.integers(0, 5, (40, 50))) for _ in range(6)]
    alone = [ask(boxes, "/", image)[2] for image in images]
    assert len(set(alone)) == len(alone)
    with ThreadPoolExecutor(8) as clients:
        together = list(clients.map(lambda i: ask(boxes, "/", images[i % 6])[2], range(48)))
    assert together == [alone[i % 6] for i in range(48)]


@pytest.mark.parametrize(
    ("path", "headers", "status", "part"),
    [
        ("/segment", {}, 404, "does not segment; post an image to one of /, /detect, /features"),
        ("/nothing", {}, 404, "there is nothing here"),
        ("/", {"Accept": "text/html"}, 406, "application/json"),
        ("/?threshold=3", {}, 422, "threshold"),
        ("/?scale=2", {}, 422, "'scale'; expected only name or enlarge"),
        ("/?enlarge=0", {}, 422, "enlarge='0'; expected a number above 0"),
        ("/?enlarge=2", {}, 422, "enlarge"),
        ("/?name=" + "x" * 300, {}, 422, "300 characters"),
        ("/", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "octet-stream"),
        ("/", {"Content-Type": "multipart/form-data; boundary=x"}, 415, "octet-stream"),
        ("/", {"Content-Type": "text/plain"}, 415, "octet-stream"),
        ("/", {"Content-Encoding": "gzip"}, 415, "compressed"),
        ("/health", {}, 405, "GET"),
    ],
)
def test_wrong_requests_are_refused_in_one_line(boxes, png, path, headers, status, part):
    names = {name.replace("-", "_"): value for name, value in headers.items()}
    got, text = error(ask(boxes, path, png(PLANE), **names))
    assert got == status
    assert part in text


@pytest.mark.parametrize("body", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_a_body_that_is_no_image_is_refused_by_its_name(boxes, body):
    status, text = error(ask(boxes, "/?name=odd.png", body))
    assert status == 422
    assert text.startswith("odd.png: ")


def test_an_image_of_too_many_pixels_is_refused_by_its_header(serving, png):
    server = serving(detector(), max_pixels=5)
    status, text = error(ask(server, "/", png(PLANE)))
    assert status == 422
    assert "6" in text


@pytest.mark.parametrize(
    ("mood", "status", "part"),
    [
        (HANGING, 504, "3 s"),
        (GREEDY, 413, "memory"),
        (DYING, 422, "SIGABRT"),
        (WRONG, 500, "RuntimeError: no such mood"),
    ],
)
def test_an_image_that_ends_its_worker_costs_itself_only(moody, png, mood, status, part):
    got, text = error(ask(moody, "/", png([[mood]])))
    assert got == status
    assert part in text
    assert ask(moody, "/", png([[CALM]]))[0] == 200


def test_a_full_queue_says_when_to_come_again(moody, png):
    with ThreadPoolExecutor(1) as other:
        slow = other.submit(ask, moody, "/", png([[SLOW]]))
        while not moody.service.workers.busy:
            time.sleep(0.01)
        refused = ask(moody, "/", png([[CALM]]))
        assert error(refused)[0] == 503
        assert 1 <= int(refused[1]["Retry-After"]) <= 600
        assert ask(moody, "/health")[0] == 200
        assert slow.result()[0] == 200
    assert ask(moody, "/", png([[CALM]]))[0] == 200


def test_a_stop_answers_what_was_accepted(serving, png):
    server = serving(Moody(), queue=4)
    with ThreadPoolExecutor(3) as clients:
        answers = [clients.submit(ask, server, "/", png([[SLOW]])) for _ in range(3)]
        while server.service.workers.waiting < 2:
            time.sleep(0.01)
        stopper = threading.Thread(target=server.stop)
        stopper.start()
        assert [answer.result()[0] for answer in answers] == [200, 200, 200]
        stopper.join(10)
    with pytest.raises(ConnectionRefusedError):
        ask(server, "/health")


def test_the_service_describes_itself(boxes):
    status, _, body = ask(boxes)
    said = json.loads(body)
    assert status == 200
    assert said["fingerprint"] == detector().fingerprint()
    assert said["post"]["/detect"] == ["application/json"]
    assert said["limits"]["bytes"] == 4 << 20
    assert json.loads(ask(boxes, "/health")[2]) == {"status": "ok"}


SAMPLE = re.compile(
    r'([a-z_]+)((?:\{[a-z]+="[^"\n]*"(?:,[a-z]+="[^"\n]*")*\})?) ([0-9.e+-]+|\+Inf)'
)


def test_metrics_are_text_that_prometheus_reads(serving, png):
    server = serving(detector())
    for _ in range(3):
        ask(server, "/", png(PLANE))
    ask(server, '/no"such\\place')
    status, headers, body = ask(server, "/metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    values, described = {}, set()
    for line in body.decode().splitlines():
        if line.startswith("# "):
            described.add(line.split()[2])
            continue
        name, labels, value = SAMPLE.fullmatch(line).groups()
        assert {name, re.sub("_(bucket|sum|count)$", "", name)} & described
        values[name + labels] = float(value)
    assert values['spel_requests_total{path="/",status="200"}'] == 3
    assert values['spel_requests_total{path="other",status="404"}'] == 1
    assert values["spel_request_seconds_count"] == 3
    assert values['spel_request_seconds_bucket{le="+Inf"}'] == 3
    assert values["spel_received_bytes_total"] == 3 * len(png(PLANE))
    assert values["spel_busy_workers"] == 0
