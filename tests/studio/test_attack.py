"""The server refuses what it should: each attack of the plan for the web side, by number."""

import concurrent.futures
import json
import socket
import statistics
import sys
import time
from pathlib import Path

import pytest

from spel.studio.session import Session
from spel.studio.web.server import Server

from .attack import ROUTES, Client, forms, send, status
from .conftest import sources

OUTGOING = []


def _watch(event, arguments):
    if event == "socket.connect":
        OUTGOING.append(arguments[1])


sys.addaudithook(_watch)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("attacked")
    (folder / "secret.txt").write_text("the secret")
    made = Server(Session(sources(), folder / "session")).start()
    yield made
    made.stop()


@pytest.fixture
def client(server):
    return Client(server)


def good(client):
    return status(client.ask("GET /api/document HTTP/1.1")) == 200


def test_w1_no_path_reaches_a_file(client):
    count = 0
    for form in forms():
        for route in ROUTES:
            answer = client.ask(f"GET {route.format(form)} HTTP/1.1", "Connection: close")
            assert status(answer) in (0, 400, 404, 422), (route, form, answer[:200])
            assert b"the secret" not in answer
            assert b"root:" not in answer
            count += 1
    assert count >= 60 * len(ROUTES)
    assert good(client)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost:1",
        "127.0.0.1",
        "127.0.0.1:80",
        "0.0.0.0",
        "[::1]",
        "127.1",
        "2130706433",
    ],
)
def test_w3_another_host_is_not_served(client, host):
    answer = client.ask("GET /api/document HTTP/1.1", host=host)
    assert status(answer) in (400, 421)


def test_w3_no_host_two_hosts_or_an_address_as_target(client):
    token = f"Authorization: Bearer {client.token}"
    assert status(send(client.port, f"GET / HTTP/1.1\r\n{token}\r\n\r\n".encode())) == 400
    two = client.ask("GET /api/document HTTP/1.1", f"Host: {client.host}")
    assert status(two) == 400
    absolute = client.ask(f"GET http://{client.host}/api/document HTTP/1.1")
    assert status(absolute) in (400, 404)


@pytest.mark.parametrize(
    "headers",
    [
        ["Origin: http://evil.example"],
        ["Origin: null"],
        ["Origin: http://127.0.0.1:1"],
        ["Origin: https://127.0.0.1"],
        ["Sec-Fetch-Site: cross-site"],
        ["Sec-Fetch-Site: same-site"],
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_w4_other_origins_neither_read_nor_write(client, method, headers):
    body = b'{"command": {"do": "clear_strokes", "image": "image0"}}'
    target = {"GET": "/api/document", "POST": "/api/do", "PUT": "/api/images"}[method]
    answer = client.ask(
        f"{method} {target} HTTP/1.1",
        *headers,
        "Content-Type: application/json",
        f"Content-Length: {0 if method == 'GET' else len(body)}",
        body=b"" if method == "GET" else body,
    )
    assert status(answer) == 403
    assert b"access-control" not in answer.lower()


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
    ],
)
def test_w4_forms_are_no_commands(client, kind):
    answer = client.ask(
        "POST /api/do HTTP/1.1",
        f"Origin: http://{client.host}",
        f"Content-Type: {kind}",
        "Content-Length: 2",
        body=b"{}",
    )
    assert status(answer) == 415


def test_w4_a_preflight_gets_nothing(client):
    answer = client.ask(
        "OPTIONS /api/do HTTP/1.1",
        "Origin: http://evil.example",
        "Access-Control-Request-Method: POST",
        signed=False,
    )
    assert status(answer) in (401, 405)
    assert b"access-control" not in answer.lower()


def test_w4_a_change_needs_the_token_in_the_head(client):
    body = b'{"page": "chain"}'
    head = ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    assert status(client.ask("POST /api/view HTTP/1.1", *head, body=body)) == 200
    wrong = "Authorization: Bearer wrong"
    for more in ([], [cookie_of(client)], [wrong], [wrong, cookie_of(client)]):
        answer = client.ask("POST /api/view HTTP/1.1", *more, *head, body=body, signed=False)
        assert status(answer) == 401


def cookie_of(client):
    """The cookie that the page gets: other servers on this machine receive it too."""
    answer = client.ask(f"GET /?t={client.token} HTTP/1.1", signed=False)
    line = next(x for x in answer.split(b"\r\n") if x.lower().startswith(b"set-cookie: "))
    return "Cookie: " + line.partition(b": ")[2].partition(b";")[0].decode()


def test_w5_the_cookie_opens_the_page_s_own_files_and_nothing_else(client):
    cookie = cookie_of(client)
    assert client.token not in cookie
    for path in ("/", "/static/main.js", "/static/mark.svg"):
        assert status(client.ask(f"GET {path} HTTP/1.1", cookie, signed=False)) == 200
    for path in ("/api/document", "/api/images/image0", "/api/constants", "/static", "//"):
        assert status(client.ask(f"GET {path} HTTP/1.1", cookie, signed=False)) == 401
    forged = f"Cookie: spel-{client.port}={client.token}"
    assert status(client.ask("GET /api/document HTTP/1.1", forged, signed=False)) == 401


def test_w8_a_long_cookie_header_holds_up_nobody(client):
    for text in ("a=b;" * 7_900, "a" * 31_000, '="' * 15_500, "\\" * 15_500, ";" * 31_000):
        start = time.monotonic()
        answer = client.ask("GET /api/document HTTP/1.1", f"Cookie: {text}", signed=False)
        assert time.monotonic() - start < 0.5, text[:10]
        assert status(answer) in (401, 431)
    assert good(client)


def test_w8_idle_connections_do_not_keep_others_out(client):
    lines = [socket.create_connection(("127.0.0.1", client.port)) for _ in range(420)]
    try:
        for _ in range(20):
            assert good(client)
        assert status(client.ask("GET / HTTP/1.1")) == 200
    finally:
        for line in lines:
            line.close()
    assert good(client)


def test_w5_the_token_is_needed_and_leaves_the_address_at_once(client, server):
    assert status(client.ask("GET /api/document HTTP/1.1", signed=False)) == 401
    assert status(client.ask("GET / HTTP/1.1", signed=False)) == 401
    assert status(client.ask("GET /?t=wrong HTTP/1.1", signed=False)) == 401
    assert status(client.ask(f"GET /api/document?t={server.token} HTTP/1.1", signed=False)) == 401
    referer = f"Referer: http://{client.host}/?t={server.token}"
    assert status(client.ask("GET /api/document HTTP/1.1", referer, signed=False)) == 401
    answer = client.ask(f"GET /?t={server.token} HTTP/1.1", signed=False)
    assert status(answer) == 303
    assert f"location: /#key={server.token}\r\n".encode() in answer  # a fragment: never sent
    assert b"HttpOnly" in answer
    assert b"SameSite=Strict" in answer
    assert len(server.token) >= 32


def test_w5_guessing_the_token_tells_nothing_by_its_time(client, server):
    from spel.http.guard import same
    from spel.studio.web.security import Guard

    guard = Guard(None, token=server.token, hosts=(client.host,))
    near = server.token[:-1] + ("a" if server.token[-1] != "a" else "b")
    far = "x" * len(server.token)
    times = {near: [], far: []}
    for _ in range(5000):
        for guess, kept in times.items():
            start = time.perf_counter_ns()
            assert not same(guess, guard.token)
            kept.append(time.perf_counter_ns() - start)
    first, second = (statistics.median(kept) for kept in times.values())
    assert abs(first - second) < 0.25 * max(first, second)


def test_w6_it_listens_on_this_machine_alone(server):
    assert server._http._socket.getsockname()[0] == "127.0.0.1"


def test_w7_large_bodies_are_refused_before_they_are_read(client):
    origin = f"Origin: http://{client.host}"
    raw, text = "Content-Type: application/octet-stream", "Content-Type: application/json"
    assert (
        status(
            client.ask(
                "PUT /api/images?name=a HTTP/1.1", origin, raw, "Content-Length: 10737418240"
            )
        )
        == 413
    )
    assert (
        status(client.ask("POST /api/do HTTP/1.1", origin, text, "Content-Length: 1048577")) == 413
    )
    zipped = client.ask(
        "POST /api/do HTTP/1.1",
        origin,
        text,
        "Content-Encoding: gzip",
        "Content-Length: 2",
        body=b"{}",
    )
    assert status(zipped) == 415
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    endless = client.ask(
        "POST /api/do HTTP/1.1", origin, text, "Transfer-Encoding: chunked", body=chunk * 3
    )
    assert status(endless) in (0, 413)
    assert good(client)


def test_w7_deep_and_odd_json(client):
    origin, text = f"Origin: http://{client.host}", "Content-Type: application/json"
    for body in (
        b"[" * 100_000,
        b'{"a": NaN}',
        b'{"command": 1}',
        b"\xff",
        b"",
        b"[]",
        b"null",
        b'{"command": {"do": "add_stroke"}}',
        b'{"command": {"do": ["x"]}}',
        b'{"command": {"do": "set_kernel", "network": {}, "node": []}, "revision": "x"}',
    ):
        answer = client.ask(
            "POST /api/do HTTP/1.1", origin, text, f"Content-Length: {len(body)}", body=body
        )
        assert status(answer) in (404, 409, 422), body[:60]
    assert good(client)


def test_w8_slow_requests_are_closed_and_others_are_served(client):
    lines = [socket.create_connection(("127.0.0.1", client.port)) for _ in range(150)]
    start = time.monotonic()
    waits = []
    body = [socket.create_connection(("127.0.0.1", client.port)) for _ in range(5)]
    try:
        for line in lines:
            line.sendall(b"GET / HTTP/1.1\r\nX: ")
        for line in body:
            line.sendall(
                client.head(
                    "POST /api/do HTTP/1.1",
                    f"Origin: http://{client.host}",
                    "Content-Type: application/json",
                    "Content-Length: 500",
                )
            )
        closed = 0
        while closed < len(lines) + len(body) and time.monotonic() - start < 25:
            asked = time.monotonic()
            assert good(client)
            waits.append(time.monotonic() - asked)
            closed = 0
            for line in lines + body:
                line.settimeout(0.0)
                try:
                    while line.recv(4096):
                        pass
                    closed += 1
                except BlockingIOError:
                    try:
                        line.sendall(b"a")
                    except OSError:
                        closed += 1
                except OSError:
                    closed += 1
            time.sleep(0.5)
        took = time.monotonic() - start
    finally:
        for line in lines + body:
            line.close()
    assert took <= 20
    assert max(waits) < 2


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        b"GET /\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /api/do HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0",
        b"GET / HTTP/1.1\nHost: x\n\n" + b"\x00" * 64,
    ],
)
def test_w9_broken_requests_are_refused(client, data):
    answer = send(client.port, data)
    assert status(answer) in (0, 400, 401, 403, 404, 421, 431)
    assert good(client)


def test_w9_long_heads_are_refused_for_those_who_are_signed_in(client):
    assert status(client.ask("GET / HTTP/1.1", "X: " + "y" * 60_000)) in (400, 431)
    assert status(client.ask("GET / HTTP/1.1", *["X: y"] * 200)) == 431


def test_w11_what_is_uploaded_never_comes_back_as_a_page(client):
    origin, raw = f"Origin: http://{client.host}", "Content-Type: application/octet-stream"
    for data in (
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<html>1",
        b"GIF89a<script>alert(1)</script>",
        b"%PDF-1.4",
        b"\x7fELF",
        b"",
    ):
        name = "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E.png"
        answer = client.ask(
            f"PUT /api/images?name={name} HTTP/1.1",
            origin,
            raw,
            f"Content-Length: {len(data)}",
            body=data,
        )
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


def test_w13_nothing_is_fetched(client):
    before = len(OUTGOING)
    for url in (
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "\\\\host\\share",
        "http://127.0.0.1:1",
    ):
        body = json.dumps({"command": {"do": "add_network", "name": url, "copy": url}}).encode()
        answer = client.ask(
            "POST /api/do HTTP/1.1",
            f"Origin: http://{client.host}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            body=body,
        )
        assert status(answer) == 422
    foreign = [a for a in OUTGOING[before:] if a != ("127.0.0.1", client.port)]
    assert foreign == []


def test_w14_ranges_are_ignored(client):
    many = "Range: bytes=" + ",".join(f"{i}-{i + 5}" for i in range(2000))
    start = time.monotonic()
    assert status(client.ask("GET /static/main.js HTTP/1.1", many)) == 200
    assert time.monotonic() - start < 1


def test_w15_two_tabs_that_write_at_once_make_no_mixture(client):
    def write(value):
        body = json.dumps(
            {
                "revision": json.loads(revision),
                "command": {
                    "do": "set_kernel",
                    "network": "plate",
                    "node": "edges",
                    "kernel": 0,
                    "bias": value,
                },
            }
        ).encode()
        return status(
            client.ask(
                "POST /api/do HTTP/1.1",
                f"Origin: http://{client.host}",
                "Content-Type: application/json",
                f"Content-Length: {len(body)}",
                body=body,
            )
        )

    document = client.ask("GET /api/document HTTP/1.1", "Connection: close")
    revision = document.partition(b'"revision": ')[2].partition(b",")[0]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(write, range(8)))
    assert sorted(answers) == [200] + [409] * 7


def test_w16_a_million_points_are_refused_by_name(client):
    body = json.dumps(
        {
            "command": {
                "do": "add_stroke",
                "image": "image0",
                "stroke": {
                    "id": "x",
                    "label": 1,
                    "tool": "brush",
                    "radius": 1,
                    "points": [[1, 1]] * 100_000,
                },
            }
        }
    ).encode()
    answer = client.ask(
        "POST /api/do HTTP/1.1",
        f"Origin: http://{client.host}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        body=body,
    )
    assert status(answer) in (413, 422)
    assert good(client)


def test_w12_hostile_images_are_refused_and_the_page_stays_alive(client):
    folder = Path(__file__).parents[2].parent / "shared" / "data" / "hostile-images"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.stat().st_size < 1 << 20)
    origin, raw = f"Origin: http://{client.host}", "Content-Type: application/octet-stream"
    answers, waits = {}, []
    for path in files[:: max(1, len(files) // 150)]:
        data = path.read_bytes()
        start = time.monotonic()
        told = client.ask(
            "PUT /api/images?name=x HTTP/1.1",
            origin,
            raw,
            f"Content-Length: {len(data)}",
            body=data,
        )
        waits.append(time.monotonic() - start)
        assert status(told) in (200, 422), (path, told[:300])
        answers[status(told)] = answers.get(status(told), 0) + 1
        assert b"Traceback" not in told
    assert answers[422] > 20
    assert max(waits) < 5
    assert good(client)


def put(client, path, data):
    return client.ask(
        f"PUT {path} HTTP/1.1",
        f"Origin: http://{client.host}",
        "Content-Type: application/octet-stream",
        f"Content-Length: {len(data)}",
        body=data,
    )


def post(client, path, text):
    return client.ask(
        f"POST {path} HTTP/1.1",
        f"Origin: http://{client.host}",
        "Content-Type: application/json",
        f"Content-Length: {len(text)}",
        body=text,
    )


def test_w7_many_fields_in_the_query_are_no_fault_of_the_server(client):
    query = "&".join(f"f{i}=1" for i in range(500))
    assert status(client.ask(f"GET /?{query} HTTP/1.1", signed=False)) in (400, 401)
    assert status(client.ask(f"GET /?t={client.token}&{query} HTTP/1.1", signed=False)) == 400
    assert status(client.ask(f"GET /api/document?{query} HTTP/1.1")) == 200
    path = f"GET /api/code?network=plate&image=image0&{query} HTTP/1.1"
    assert status(client.ask(path)) == 200


def test_w7_text_that_is_no_unicode_is_no_fault_of_the_server(client):
    lone = b'"\\ud800"'
    for body in (
        b'{"command": {"do": %s}}' % lone,
        b'{"command": {"do": "clear_strokes", "image": %s}}' % lone,
        b'{"command": {"do": "rename_network", "network": %s, "name": "x"}}' % lone,
        b'{"command": {"do": "add_network", "template": "grey", "name": %s}}' % lone,
        b'{"command": {"do": "learn", "network": "plate", "start": %s}}' % lone,
        b'{"command": {"do": "set_pins", "images": [%s]}}' % lone,
    ):
        assert status(post(client, "/api/do", body)) in (200, 422), body
    boxes = b'{"network": %s, "image": "image0"}' % lone
    assert status(post(client, "/api/boxes", boxes)) == 422
    for path in ("/api/images/%ED%A0%80", "/api/code?page=%ED%A0%80", "/api/export/%ED%A0%80"):
        assert status(client.ask(f"GET {path} HTTP/1.1")) in (404, 422)
    assert good(client)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_said_and_nothing_stays(client, server, monkeypatch):
    from spel.studio.web import uploads

    folder = server.session.uploads
    (folder / "full.part").symlink_to("/dev/full")
    monkeypatch.setattr(uploads.secrets, "token_hex", lambda n: "full")
    answer = put(client, "/api/images?name=x", b"x" * 100_000)
    assert status(answer) == 507
    assert b"No space left" in answer
    assert not list(folder.glob("*.part"))
    assert good(client)


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
    answer = put(client, "/api/networks?name=broken", (tmp_path / "x.safetensors").read_bytes())
    assert status(answer) == 422
    assert b"Traceback" not in answer
    assert good(client)


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
    answer = put(client, "/api/images?name=a.png", (folder / "a.png").read_bytes())
    assert status(answer) == 200
    assert len(calls) == 1


def coco(*names):
    images = [{"id": i, "file_name": n, "width": 96, "height": 64} for i, n in enumerate(names)]
    box = {"category_id": 1, "bbox": [1, 2, 3, 4]}
    found = [{**box, "id": i, "image_id": i} for i in range(len(names))]
    categories = [{"id": 1, "name": "blob"}, {"id": 2, "name": "other"}]
    return json.dumps({"images": images, "annotations": found, "categories": categories}).encode()


def test_truth_says_what_it_leaves_out(client):
    answer = put(client, "/api/truth?name=t.json", coco("a/blobs 0", "elsewhere.png"))
    assert status(answer) == 200
    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert body["images"] == 1
    assert body["notes"][0] == "not in this session: 1 image of the file"
    twice = put(client, "/api/truth?name=t.json", coco("a/blobs 0", "b/blobs 0"))
    assert status(twice) == 422
    assert b"twice" in twice
