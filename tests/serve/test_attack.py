"""The server refuses what it should: heads, bodies, connections, hosts, origins, tokens, bombs."""

import json
import select
import socket
import struct
import time
import zlib
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the studio's extra is not installed")
pytest.importorskip("uvicorn", reason="the studio's extra is not installed")

from tests.studio.attack import forms, send, status

from .conftest import ask, error
from .models import detector

TOKEN = "a-token-of-sixteen-or-more"


@pytest.fixture(scope="module")
def server(serving):
    return serving(detector(), queue=2)


def head(server, line, *headers, host=None):
    lines = [line, f"Host: {host or f'127.0.0.1:{server.port}'}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def post(server, data, *headers, **more):
    sizes = [] if any(h.startswith(("Content-Len", "Transfer")) for h in headers) else [len(data)]
    lengths = [f"Content-Length: {n}" for n in sizes]
    kind = "Content-Type: application/octet-stream"
    return send(
        server.port, head(server, "POST / HTTP/1.1", kind, *lengths, *headers, **more) + data
    )


def good(server):
    return ask(server, "/health")[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost:1", "127.0.0.1", "[::1]", "127.1"])
def test_another_host_is_not_served(server, host):
    assert status(post(server, b"", host=host)) == 421


@pytest.mark.parametrize(
    "header",
    ["Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"],
)
def test_pages_of_others_neither_read_nor_post(server, header):
    for answer in (
        post(server, b"", header),
        send(server.port, head(server, "GET / HTTP/1.1", header)),
    ):
        assert status(answer) == 403
        assert b"access-control" not in answer.lower()


def test_a_preflight_gets_nothing(server):
    asked = head(server, "OPTIONS / HTTP/1.1", "Access-Control-Request-Method: POST")
    answer = send(server.port, asked)
    assert status(answer) == 405
    assert b"access-control" not in answer.lower()


def test_no_path_reaches_a_file(server):
    for form in list(forms())[::3]:
        answer = send(server.port, head(server, f"GET /{form} HTTP/1.1", "Connection: close"))
        assert status(answer) in (0, 200, 400, 404), form  # 200 is "/", the description
        assert b"root:" not in answer
    assert good(server)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        b"GET /\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0",
        b"GET / HTTP/1.1\nHost: x\n\n" + b"\x00" * 64,
    ],
)
def test_broken_requests_are_refused(server, data, caplog):
    assert status(send(server.port, data)) in (0, 400, 403, 421, 431)
    assert good(server)
    assert not caplog.records  # which would fill a log


def test_a_body_that_breaks_off_fills_no_log(server, caplog):
    kinds = "Content-Type: image/png", "Transfer-Encoding: chunked"
    send(server.port, head(server, "POST / HTTP/1.1", *kinds) + b"4\r\nabcd\r\nzz\r\n")
    assert good(server)
    assert not caplog.records


def test_a_wrong_method_is_told_which_are_served(server):
    answer = send(server.port, head(server, "PUT / HTTP/1.1", "Connection: close"))
    assert status(answer) == 405
    assert b"expected one of GET, HEAD, POST" in answer


def test_long_heads_are_refused(server):
    assert status(send(server.port, head(server, "GET / HTTP/1.1", "X: " + "y" * 60_000))) in (
        400,
        431,
    )
    assert status(send(server.port, head(server, "GET / HTTP/1.1", *["X: y"] * 200))) == 431
    assert status(send(server.port, head(server, f"GET /?{'a=1&' * 7000} HTTP/1.1"))) in (
        200,
        400,
        431,
    )
    assert good(server)


def test_large_bodies_are_refused_before_they_are_read(server):
    assert status(post(server, b"", "Content-Length: 10737418240")) == 413
    assert status(post(server, b"", "Content-Length: -1")) in (0, 400, 413)
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    answer = post(server, chunk * 6, "Transfer-Encoding: chunked")
    assert status(answer) in (0, 413)  # 0: closed while we still send
    assert good(server)


def test_idle_connections_keep_nobody_out(server):
    lines = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(420)]
    try:
        for _ in range(10):
            assert good(server)
    finally:
        for line in lines:
            line.close()


@pytest.mark.slow
def test_slow_requests_are_closed_and_hold_no_place(server, png):
    lines = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(30)]
    start = time.monotonic()
    try:
        for line in lines[::2]:
            line.sendall(b"GET / HTTP/1.1\r\nX: ")
        for line in lines[1::2]:
            kind = "Content-Type: application/octet-stream"
            line.sendall(head(server, "POST / HTTP/1.1", kind, "Content-Length: 50000") + b"x")
        assert ask(server, "/", png([[3]]))[0] == 200
        for line in lines:
            line.settimeout(max(0.1, 25 - (time.monotonic() - start)))
            while line.recv(4096):
                pass
    finally:
        for line in lines:
            line.close()
    assert time.monotonic() - start < 22


def test_bodies_together_take_no_more_than_the_queue_may_hold(server, png):
    """Three places of 4 MiB: what arrives beyond them is refused with a time to come again."""
    lines = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(4)]
    try:
        for line in lines:
            kind = "Content-Type: application/octet-stream"
            line.sendall(head(server, "POST / HTTP/1.1", kind, "Content-Length: 4194304"))
            line.sendall(b"x" * 4_000_000)
        answered, _, _ = select.select(lines, [], [], 30)  # any of them may be the last to arrive
        assert status(answered[0].recv(4096)) == 503
    finally:
        for line in lines:
            line.close()
    for _ in range(50):
        if server.service.receiving_bytes == 0:
            break
        time.sleep(0.1)
    assert ask(server, "/", png([[3]]))[0] == 200


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def declared(cols, rows):
    """A PNG that declares a size and holds hardly anything."""
    size = chunk(b"IHDR", struct.pack(">IIBBBBB", cols, rows, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + size + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(1 << 31) - 1, 1 << 20, 100_000])
def test_a_huge_declared_size_costs_nothing(server, size):
    start = time.monotonic()
    code, text = error(ask(server, "/", declared(size, size)))
    assert code == 422
    assert time.monotonic() - start < 5
    assert "Traceback" not in text


def test_damaged_images_are_refused_and_the_server_stays(server):
    folder = Path(__file__).parents[2].parent / "shared" / "data" / "hostile-images"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.stat().st_size < 1 << 20)
    answers = {}
    for path in files[:: max(1, len(files) // 100)]:
        start = time.monotonic()
        code, _, body = ask(server, "/", path.read_bytes())
        assert time.monotonic() - start < 10, path
        assert code in (200, 413, 422), (path, body[:300])
        assert b"Traceback" not in body
        answers[code] = answers.get(code, 0) + 1
    assert answers[422] > 20
    assert good(server)


def test_a_token_opens_all_but_health(serving, png):
    server = serving(detector(), token=TOKEN)
    assert good(server)
    for path in ("/", "/metrics", "/nothing"):
        for sent in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": "Basic eDp5"}):
            assert error(ask(server, path, **sent))[0] == 401
    assert error(ask(server, f"/?token={TOKEN}", png([[3]])))[0] == 401
    sent = {"Authorization": f"Bearer {TOKEN}"}
    assert ask(server, "/metrics", **sent)[0] == 200
    assert json.loads(ask(server, "/", png([[3]]), **sent)[2])["images"]
