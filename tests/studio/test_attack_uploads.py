"""Files that come in and what becomes of them; attacks are numbered as in `test_attack`."""

import json
import sys
import time
from pathlib import Path

import pytest

from .attack import status

OUTGOING = []


def _watch(event, arguments):
    if event == "socket.connect":
        OUTGOING.append(arguments[1])


sys.addaudithook(_watch)


def test_w11_what_is_uploaded_never_comes_back_as_a_page(client):
    for data in (
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<html>1",
        b"GIF89a<script>alert(1)</script>",
        b"%PDF-1.4",
        b"\x7fELF",
        b"",
    ):
        name = "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E.png"
        answer = client.put(f"/api/images?name={name}", data)
        assert status(answer) == 422
        assert b"application/json" in answer
    answer = client.ask("GET / HTTP/1.1")
    for header in (
        b"nosniff",
        b"frame-ancestors 'none'",
        b"script-src 'self'",
        b"object-src 'none'",
        b"base-uri 'none'",
        b"no-referrer",
    ):
        assert header in answer
    assert b"unsafe" not in answer


def test_w12_hostile_images_are_refused_and_the_page_stays_alive(client):
    folder = Path(__file__).parents[2].parent / "shared" / "data" / "hostile-images"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.stat().st_size < 1 << 20)
    answers, waits = {}, []
    for path in files[:: max(1, len(files) // 150)]:
        data = path.read_bytes()
        start = time.monotonic()
        answer = client.put("/api/images?name=x", data)
        waits.append(time.monotonic() - start)
        assert status(answer) in (200, 422), (path, answer[:300])
        answers[status(answer)] = answers.get(status(answer), 0) + 1
        assert b"Traceback" not in answer
    assert answers[422] > 20
    assert max(waits) < 5
    assert client.is_served()


def test_w13_nothing_is_fetched(client):
    before = len(OUTGOING)
    for url in (
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "\\\\host\\share",
        "http://127.0.0.1:1",
    ):
        body = json.dumps({"command": {"do": "add_network", "name": url, "copy": url}}).encode()
        answer = client.post("/api/do", body)
        assert status(answer) == 422
    foreign = [a for a in OUTGOING[before:] if a != ("127.0.0.1", client.port)]
    assert foreign == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_said_and_nothing_stays(client, server, monkeypatch):
    from spel.studio.web import uploads

    folder = server.session.uploads
    (folder / "full.part").symlink_to("/dev/full")
    monkeypatch.setattr(uploads.secrets, "token_hex", lambda n: "full")
    answer = client.put("/api/images?name=x", b"x" * 100_000)
    assert status(answer) == 507
    assert b"No space left" in answer
    assert not list(folder.glob("*.part"))
    assert client.is_served()


def test_a_marker_file_that_is_no_image_is_called_so(client, server):
    image = server.session.sources[0].id
    answer = client.put(f"/api/markers?name=m.png&image={image}", b"no image")
    assert status(answer) == 422
    assert b"the marker file: it is not an image" in answer


@pytest.mark.parametrize(
    ("name", "value"),
    [("first", "x"), ("steps", 2**63), ("turns", [float(2**70)]), ("threshold", "no rule")],
)
def test_a_network_that_cannot_be_shown_is_refused(client, tmp_path, name, value):
    import spel

    kind = {} if name == "threshold" else {"kind": "windows"}
    network = spel.chain(grey=spel.Color("grey"))
    broken = spel.Network(network.nodes, {"decision": {**kind, name: value}})
    try:
        broken.save(tmp_path / "x.safetensors")
    except spel.errors.SpelError:
        pytest.skip("it cannot even be saved")
    answer = client.put("/api/networks?name=broken", (tmp_path / "x.safetensors").read_bytes())
    assert status(answer) == 422
    assert b"Traceback" not in answer
    assert client.is_served()


def test_uploaded_networks_count_to_the_limit(client, tmp_path, monkeypatch):
    import spel
    from spel.studio import document

    spel.chain(grey=spel.Color("grey")).save(tmp_path / "x.safetensors")
    sent = (tmp_path / "x.safetensors").read_bytes()
    assert status(client.put("/api/networks?name=last", sent)) == 200
    monkeypatch.setattr(document, "MAX_NETWORKS", 1)
    for answer in (
        client.put("/api/networks?name=more", sent),
        client.post("/api/learn-boxes", b'{"network": "boxes"}'),
        client.post("/api/do", b'{"command": {"do": "stage_lesson", "template": "grey"}}'),
    ):
        assert status(answer) == 422
        assert b"the largest number allowed; remove some first" in answer


def test_uploads_are_decoded_in_another_process(client, monkeypatch, tmp_path):
    import numpy as np

    from spel.io import write
    from spel.io.image import isolate

    calls = []
    read = isolate.Decoder.read

    def counted(self, *given, **options):
        calls.append(given)
        return read(self, *given, **options)

    monkeypatch.setattr(isolate.Decoder, "read", counted)
    folder = tmp_path
    write(folder / "a.png", np.arange(48, dtype=np.uint8).reshape(4, 4, 3))
    answer = client.put("/api/images?name=a.png", (folder / "a.png").read_bytes())
    assert status(answer) == 200
    assert len(calls) == 1


def coco(*names):
    images = [{"id": i, "file_name": n, "width": 96, "height": 64} for i, n in enumerate(names)]
    box = {"category_id": 1, "bbox": [1, 2, 3, 4]}
    found = [{**box, "id": i, "image_id": i} for i in range(len(names))]
    categories = [{"id": 1, "name": "blob"}, {"id": 2, "name": "other"}]
    return json.dumps({"images": images, "annotations": found, "categories": categories}).encode()


def test_truth_says_what_it_leaves_out(client):
    answer = client.put("/api/truth?name=t.json", coco("a/blobs 0", "elsewhere.png"))
    assert status(answer) == 200
    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert body["images"] == 1
    assert body["notes"][0] == "not in this session: 1 image of the file"
    twice = client.put("/api/truth?name=t.json", coco("a/blobs 0", "b/blobs 0"))
    assert status(twice) == 422
    assert b"twice" in twice
