"""``spel studio`` as a process: one address, one page, saved and gone at Ctrl-C."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the studio's extra is not installed")
pytest.importorskip("uvicorn", reason="the studio's extra is not installed")

import spel
from spel.io import write

from .conftest import blobs


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_it_starts_serves_and_stops(tmp_path):
    write(tmp_path / "one.png", blobs())
    env = {
        **os.environ,
        "PYTHONPATH": str(Path(spel.__file__).parents[1]),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    command = [sys.executable, "-m", "spel", "studio", "--no-browser", str(tmp_path / "one.png")]
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with opener.open(url, timeout=10) as page:
            assert b"<title>spel studio</title>" in page.read()
            address, _, token = page.url.partition("#key=")
            assert "t=" not in address
        asked = urllib.request.Request(
            address + "api/document", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:
            assert b"one.png" in answer.read()
        with pytest.raises(urllib.error.HTTPError, match="401"):
            opener.open(address + "api/document", timeout=10)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(url.partition("?")[0], timeout=10)
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode in (0, 130), said
    assert "Traceback" not in said
    assert list((tmp_path / "state").rglob("journal.jsonl")) == []


def test_a_port_in_use_is_said_in_one_line(tmp_path):
    import socket

    from spel.errors import ParameterError
    from spel.studio.session import Session
    from spel.studio.web.server import Server

    from .conftest import sources

    with socket.create_server(("127.0.0.1", 0)) as taken:
        session = Session(sources(), tmp_path)
        with pytest.raises(ParameterError, match="--port"):
            Server(session, port=taken.getsockname()[1])
        session.close()
