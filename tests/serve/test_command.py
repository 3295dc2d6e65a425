"""``spel serve`` as a process: one address, answers, and a stop that finishes what it took."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the studio's extra is not installed")
pytest.importorskip("uvicorn", reason="the studio's extra is not installed")

import spel
from spel.cli.main import run

from .models import detector


@pytest.fixture
def started(tmp_path):
    """Starts ``spel serve`` with options; gives the process and its port."""
    detector().save(tmp_path / "net.safetensors")
    env = {**os.environ, "PYTHONPATH": str(Path(spel.__file__).parents[1])}
    processes = []

    def start(*options):
        command = [sys.executable, "-m", "spel", "serve", str(tmp_path / "net.safetensors")]
        process = subprocess.Popen(
            [*command, "--port", "0", *options],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        processes.append(process)
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), process.stderr.read()
        return process, int(address.rstrip("/").rpartition(":")[2])

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def get(port, path, image=None):
    """The body of the answer; an image is posted."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Content-Type": "image/x-portable-graymap"}
        line.request("GET" if image is None else "POST", path, image, headers)
        return line.getresponse().read()
    finally:
        line.close()


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_sigterm_finishes_what_was_accepted(started):
    process, port = started("-v")
    image = b"P5 2000 2000 255\n" + bytes(4_000_000)
    answers = []

    def ask():
        with contextlib.suppress(OSError, http.client.HTTPException):  # came too late
            answers.append(json.loads(get(port, "/", image)))

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    while not answers and b"spel_busy_workers 0" in get(port, "/metrics"):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    for client in clients:
        client.join(60)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert len(answers) == said.count("POST / 200") >= 1
    assert all(answer["images"][0]["width"] == 2000 for answer in answers)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_port_in_use_is_said_in_one_line(tmp_path, capsys):
    detector().save(tmp_path / "net.safetensors")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert run(["serve", str(tmp_path / "net.safetensors"), "--port", port]) == 3
    assert "--port" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--host", "0.0.0.0"], "SPEL_SERVE_TOKEN"),
        (["--token", "short"], "16"),
        (["--token", "a-token-of-sixteen-or-more", "--no-token"], "exclude"),
    ],
)
def test_other_machines_need_a_token(options, part, capsys):
    assert run(["serve", "plate-lecture", *options]) == 2
    assert part in capsys.readouterr().err


def test_a_model_that_is_none_is_refused(tmp_path, capsys):
    (tmp_path / "net.safetensors").write_bytes(b"nothing")
    assert run(["serve", str(tmp_path / "net.safetensors")]) == 3
    assert run(["serve", str(tmp_path / "absent.safetensors")]) == 3
    assert "Traceback" not in capsys.readouterr().err
