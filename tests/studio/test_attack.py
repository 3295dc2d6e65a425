"""Who may reach the studio: paths, hosts, origins, tokens. Attacks have the numbers of the plan."""

import statistics
import time

import pytest

from .attack import ROUTES, forms, send, status


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
    assert client.is_served()


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
