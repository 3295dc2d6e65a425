"""Requests that are too large, too slow, broken or at once; numbered as in `test_attack`."""

import concurrent.futures
import json
import socket
import time

import pytest

from .attack import send, status


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
    assert client.is_served()


def test_w7_deep_and_odd_json(client):
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
        answer = client.post("/api/do", body)
        assert status(answer) in (404, 409, 422), body[:60]
    assert client.is_served()


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
        assert status(client.post("/api/do", body)) in (200, 422), body
    boxes = b'{"network": %s, "image": "image0"}' % lone
    assert status(client.post("/api/boxes", boxes)) == 422
    for path in ("/api/images/%ED%A0%80", "/api/code?page=%ED%A0%80", "/api/export/%ED%A0%80"):
        assert status(client.ask(f"GET {path} HTTP/1.1")) in (404, 422)
    assert client.is_served()


def test_w8_a_long_cookie_header_holds_up_nobody(client):
    for text in ("a=b;" * 7_900, "a" * 31_000, '="' * 15_500, "\\" * 15_500, ";" * 31_000):
        start = time.monotonic()
        answer = client.ask("GET /api/document HTTP/1.1", f"Cookie: {text}", signed=False)
        assert time.monotonic() - start < 0.5, text[:10]
        assert status(answer) in (401, 431)
    assert client.is_served()


def test_w8_idle_connections_do_not_keep_others_out(client):
    lines = [socket.create_connection(("127.0.0.1", client.port)) for _ in range(420)]
    try:
        for _ in range(20):
            assert client.is_served()
        assert status(client.ask("GET / HTTP/1.1")) == 200
    finally:
        for line in lines:
            line.close()
    assert client.is_served()


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
            assert client.is_served()
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
    assert client.is_served()


def test_w9_long_heads_are_refused_for_those_who_are_signed_in(client):
    assert status(client.ask("GET / HTTP/1.1", "X: " + "y" * 60_000)) in (400, 431)
    assert status(client.ask("GET / HTTP/1.1", *["X: y"] * 200)) == 431


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
        return status(client.post("/api/do", body))

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
    answer = client.post("/api/do", body)
    assert status(answer) in (413, 422)
    assert client.is_served()
