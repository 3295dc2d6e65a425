import http.client
import json

import numpy as np
import pytest

from spel.io import write


@pytest.fixture(scope="module")
def serving():
    """Starts servers, and stops them at the end: `serving(model, workers=1, ...)`."""
    pytest.importorskip("starlette", reason="the studio's extra is not installed")
    pytest.importorskip("uvicorn", reason="the studio's extra is not installed")
    from spel.serve.app import Limits, Service
    from spel.serve.server import Server
    from spel.serve.workers import MIB, Workers

    started = []

    def start(model, *, workers=1, queue=16, seconds=30.0, token=None, max_bytes=4 * MIB, **limits):
        bounds = Limits(max_bytes, limits.get("max_pixels", 1 << 24), seconds, 2048 * MIB)
        pool = Workers(model, count=workers, queue=queue, seconds=seconds, memory=bounds.memory)
        started.append(Server(Service(model, "model", bounds, pool, 1), token=token).start())
        return started[-1]

    yield start
    for server in started:
        if server.service.is_stopping is False:
            server.stop()


@pytest.fixture
def png(tmp_path):
    """The bytes of a PNG of given numbers."""

    def make(values):
        write(tmp_path / "made.png", np.array(values, np.uint8))
        return (tmp_path / "made.png").read_bytes()

    return make


def ask(server, path="/", body=None, method=None, **headers):
    """Status, headers and body of one request."""
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            names.setdefault("Content-Type", "image/png")
        line.request(method or ("GET" if body is None else "POST"), path, body, names)
        answer = line.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        line.close()


def error(answer):
    """The one line of a refusal."""
    status, headers, body = answer
    assert headers["Content-Type"] == "application/json"
    text = json.loads(body)["error"]
    assert "\n" not in text
    assert "Traceback" not in text
    return status, text
