"""Attacks on the studio's server, over raw sockets: what was sent, what must come back."""

from __future__ import annotations

import socket
from urllib.parse import quote

PATHS = (
    "..",
    "../..",
    "../../../../../../etc/passwd",
    "/etc/passwd",
    "..\\secret.txt",
    "C:\\secret.txt",
    "\\\\host\\share\\secret.txt",
    "file:///etc/passwd",
    "....//....//x",
    "secret.txt\x00.png",
    ".",
    "~/secret.txt",
    "..;/secret.txt",
    "/proc/self/environ",
)


def forms():
    """Path tricks, each plain and encoded once, twice, by half and overlong: 60 and more."""
    for path in PATHS:
        yield quote(path, safe="/")
        yield quote(path, safe="")
        yield quote(quote(path, safe=""), safe="")
        yield quote(path, safe="").replace(".", "%2e")
        yield quote(path, safe="").replace("%2F", "%c0%af").replace("%5C", "%c1%9c")


ROUTES = (
    "/static/{}",
    "/api/images/{}",
    "/api/arrays/{}/0",
    "/api/export/{}",
    "/{}",
    "/api/markers/{}",
    "/api/run?network=plate&image={}",
    "/api/code?page={}&network=plate",
    "/api/histogram?id={}",
    "/api/kernels?network={}&node=x&images=y",
)


def send(port, data, timeout=5.0):
    """The answer to raw bytes; what came of it if the connection is closed."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as line:
        try:
            line.sendall(data)
            while not whole(answer):
                piece = line.recv(65536)
                if not piece:
                    break
                answer += piece
        except (ConnectionError, TimeoutError):
            pass
    return answer


def whole(answer):
    """Whether head and body have arrived."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return bool(end) and len(body) >= int(length or 0)


def status(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


class Client:
    """Requests with a chosen head."""

    def __init__(self, server):
        self.port, self.token = server.port, server.token
        self.host = f"127.0.0.1:{server.port}"

    def head(self, line, *headers, host=None, signed=True):
        lines = [line, f"Host: {self.host if host is None else host}", *headers]
        if signed:
            lines.append(f"Authorization: Bearer {self.token}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def ask(self, line, *headers, body=b"", **more):
        return send(self.port, self.head(line, *headers, **more) + body)

    def put(self, path, data):
        """Send a file, as the page does."""
        return self._send_body("PUT", path, "application/octet-stream", data)

    def post(self, path, text):
        """Send JSON, as the page does."""
        return self._send_body("POST", path, "application/json", text)

    def _send_body(self, method, path, kind, data):
        return self.ask(
            f"{method} {path} HTTP/1.1",
            f"Origin: http://{self.host}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(data)}",
            body=data,
        )

    def is_served(self):
        """Whether the server still answers somebody else."""
        return status(self.ask("GET /api/document HTTP/1.1")) == 200
