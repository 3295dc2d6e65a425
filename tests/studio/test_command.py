"""``spel studio`` as a process: one address, one page, saved and gone at Ctrl-C."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

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


@pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX")
def test_demo_in_front_of_a_terminal_ends_in_the_page(tmp_path):
    import pty
    import time

    # A browser that writes down what it was asked to open.
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    env = {
        **os.environ,
        "PYTHONPATH": str(Path(spel.__file__).parents[1]),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "BROWSER": f"{browser} %s",
        "DISPLAY": ":99",
    }
    terminal, screen = pty.openpty()
    command = [sys.executable, "-m", "spel", "demo", "--out", str(tmp_path / "demo")]
    process = subprocess.Popen(command, env=env, stdin=screen, stdout=screen, stderr=screen)
    os.close(screen)
    try:
        end = time.monotonic() + 60
        while not (opened.exists() and opened.read_text().strip()):
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.05)
        with urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open(
            opened.read_text().strip(), timeout=10
        ) as page:
            assert b"<title>spel studio</title>" in page.read()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        os.close(terminal)


def test_without_a_screen_demo_opens_nothing(monkeypatch):
    from spel.cli.demo import has_browser

    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert has_browser() is (sys.platform in ("darwin", "win32"))
