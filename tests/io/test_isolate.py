"""Decoding in a process of its own: dead, hung and greedy decoders cost one file."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tifffile

from spel import worker
from spel.errors import ImageReadError, ParameterError
from spel.io import Decoder, describe, read, write
from spel.io.image.reader import read_with_info

if not hasattr(socket, "send_fds"):
    pytest.skip("descriptors cannot be sent here", allow_module_level=True)


@pytest.fixture(scope="module")
def decoder():
    with Decoder(seconds=20) as one:
        yield one


def test_same_as_in_process(tmp_path, rng, decoder):
    for name, shape, dtype in (
        ("a.png", (5, 7, 3), np.uint16),
        ("b.tif", (3, 4, 5, 2), np.float32),
        ("c.npy", (4, 5, 1), bool),
    ):
        write(tmp_path / name, (rng.random(shape) * 300).astype(dtype))
        array = decoder.read(tmp_path / name)
        assert array.dtype == dtype
        assert np.array_equal(array, read(tmp_path / name))
        array[...] = 0  # it is ours


def test_option_of_read(tmp_path):
    write(tmp_path / "a.png", np.array([[3, 4]], np.uint8))
    assert read(tmp_path / "a.png", isolate=True).tolist() == [[[3], [4]]]


def test_threads_and_sizes_do_not_mix(tmp_path, decoder):
    """The process writes all arrays into one file, which each caller copies before the next."""
    for value, rows in ((1, 300), (2, 300), (3, 7)):
        write(tmp_path / f"{value}.npy", np.full((rows, 500, 3), value, np.uint8))
    with ThreadPoolExecutor(3) as threads:
        values = [1, 2, 3] * 20
        arrays = list(threads.map(lambda v: decoder.read(tmp_path / f"{v}.npy"), values))
    assert [np.unique(array).tolist() for array in arrays] == [[value] for value in values]
    assert [len(array) for array in arrays[:3]] == [300, 300, 7]


@pytest.mark.parametrize("isolate", [False, True])
def test_pixels_and_header_come_together(tmp_path, rng, isolate):
    for name, shape in (("a.png", (5, 7, 3)), ("b.tif", (3, 4, 5, 1)), ("c.jpg", (9, 8, 3))):
        write(tmp_path / name, (rng.random(shape) * 255).astype(np.uint8))
        array, info = read_with_info(tmp_path / name, isolate=isolate)
        assert np.array_equal(array, read(tmp_path / name))
        assert info == describe(tmp_path / name)
    tifffile.imwrite(tmp_path / "d.tif", np.zeros((4, 5, 2), np.uint8), planarconfig="contig")
    assert read_with_info(tmp_path / "d.tif", isolate=isolate)[0].shape == (4, 5, 2)
    with pytest.raises(ImageReadError, match="colours and alpha"):
        read_with_info(tmp_path / "d.tif", isolate=isolate, colors=True)


def test_open_files_and_bytes(tmp_path, decoder):
    write(tmp_path / "a.png", np.array([[3, 4]], np.uint8))
    data = (tmp_path / "a.png").read_bytes()
    assert decoder.read(io.BytesIO(data)).tolist() == [[[3], [4]]]
    with open(tmp_path / "a.png", "rb") as file:
        assert decoder.read(file).tolist() == [[[3], [4]]]


def test_refusals_are_the_same(tmp_path, decoder):
    (tmp_path / "junk.png").write_bytes(b"junk")
    (tmp_path / "empty.png").write_bytes(b"")
    for name in ("junk.png", "empty.png", "none.png", ""):
        with pytest.raises(ImageReadError) as inside:
            read(tmp_path / name)
        with pytest.raises(ImageReadError) as outside:
            decoder.read(tmp_path / name)
        assert str(inside.value) == str(outside.value)
    write(tmp_path / "a.png", np.zeros((2, 2), np.uint8))
    with pytest.raises(ImageReadError, match="limit of 3"):
        decoder.read(tmp_path / "a.png", max_pixels=3)


FAKE = (
    "import json, os, sys, tempfile\n"
    "from multiprocessing.connection import Connection\n"
    "from multiprocessing.reduction import recv_handle, send_handle\n"
    "wire = Connection(int(sys.argv[1])); wire.recv_bytes(); wire.send((True, None))\n"
    "wire.recv_bytes(); recv_handle(wire)\n"
    "f = tempfile.TemporaryFile(); f.write(bytes(8)); f.flush()\n"
    "def reply(shape, dtype):\n"
    "    wire.send_bytes(b'F' + json.dumps(dict(shape=shape, dtype=dtype)).encode())\n"
    "    send_handle(wire, f.fileno(), None)\n"
)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        ("os.kill(os.getpid(), 11)", "killed by SIGSEGV"),
        ("os.abort()", "killed by SIGABRT"),
        ("os._exit(3)", "ended with code 3"),
        ("os.write(wire.fileno(), b'junk')", "ended with code 0"),
        ("wire.send_bytes(b'Njunk')", "no image"),
        ("wire.send_bytes(b'N[]')", "no image"),
        ("wire.send_bytes(b'N{}')", "no image"),
        ("wire.send_bytes(b'N' + b'[' * 60000)", "no image"),
        ("wire.send_bytes(b'N' + b'x' * 70000)", "the decoder"),
        ("wire.send_bytes(b'F{}'); wire.send_bytes(b'x'); wire.recv_bytes()", "the decoder"),
        ("wire.send_bytes(b'N' + json.dumps(dict(error='x' * 500)).encode())", "^x{300}$"),
        ("reply([2, 4], 'uint8')", "no image"),
        ("reply([2, 4, 2], 'uint8')", "no image"),
        ("reply([1, 1, 1], 'O')", "no image"),
        ("reply([-2, -4, 1], 'uint8')", "no image"),
        ("reply([1 << 30, 1 << 30, 1], 'uint8')", "no image"),
        ("reply([1, 8, True], 'uint8')", "no image"),
        ("reply([1, 1, 1], ['uint8'])", "no image"),
    ],
)
def test_dying_and_lying_decoders(tmp_path, monkeypatch, act, words):
    write(tmp_path / "a.png", np.array([[3, 4]], np.uint8))
    with Decoder() as decoder:
        start = FAKE + act + "\n"
        monkeypatch.setattr(worker, "START", start.replace("{", "{{").replace("}", "}}"))
        with pytest.raises(ImageReadError, match=words) as caught:
            decoder.read(tmp_path / "a.png")
        assert len(str(caught.value)) <= 300
        monkeypatch.undo()
        decoder.close()
        assert decoder.read(tmp_path / "a.png").tolist() == [[[3], [4]]]


def test_what_a_decoder_sends_is_not_unpickled(tmp_path, monkeypatch):
    write(tmp_path / "a.png", np.array([[3, 4]], np.uint8))
    act = f"wire.send((os.mkdir, ({str(tmp_path / 'made')!r},)))\n"
    monkeypatch.setattr(worker, "START", (FAKE + act).replace("{", "{{").replace("}", "}}"))
    with Decoder() as decoder, pytest.raises(ImageReadError):
        decoder.read(tmp_path / "a.png")
    assert not (tmp_path / "made").exists()


def test_a_hung_decoder_is_ended(tmp_path):
    write(tmp_path / "a.png", np.array([[3, 4]], np.uint8))
    with Decoder(seconds=20) as decoder:
        decoder.read(tmp_path / "a.png")
        decoder._isolation.seconds = 0.3
        os.kill(decoder.pid, signal.SIGSTOP)
        start = time.monotonic()
        with pytest.raises(ImageReadError, match=r"more than 0\.3 s"):
            decoder.read(tmp_path / "a.png")
        assert time.monotonic() - start < 5
        decoder._isolation.seconds = 20
        assert decoder.read(tmp_path / "a.png").tolist() == [[[3], [4]]]


def test_a_child_forked_while_another_thread_reads_can_read(tmp_path):
    """The lock of the decoder may be held by a thread that the child does not have."""
    write(tmp_path / "a.png", np.array([[3, 4]], np.uint8))
    program = """
import os, signal, sys, threading, time, warnings
from spel import read
warnings.simplefilter("ignore")
name = sys.argv[1]
read(name, isolate=True)
stop = threading.Event()
def work():
    while not stop.is_set():
        read(name, isolate=True)
threading.Thread(target=work, daemon=True).start()
for _ in range(10):
    time.sleep(0.01)
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        os._exit(read(name, isolate=True).tolist() != [[[3], [4]]])
    assert os.waitpid(child, 0)[1] == 0
stop.set()
"""
    command = [sys.executable, "-c", program, str(tmp_path / "a.png")]
    subprocess.run(command, check=True, timeout=300)


def test_memory_is_limited(tmp_path):
    write(tmp_path / "a.png", np.zeros((9000, 9000), np.uint16))
    with Decoder(memory=64 << 20) as decoder, pytest.raises(ImageReadError, match="memory"):
        decoder.read(tmp_path / "a.png")


def test_no_descriptor_leaks(tmp_path, decoder):
    write(tmp_path / "a.png", np.array([[3, 4]], np.uint8))
    (tmp_path / "b.png").write_bytes(b"junk")
    decoder.read(tmp_path / "a.png")
    before = len(os.listdir("/dev/fd"))
    for _ in range(20):
        decoder.read(tmp_path / "a.png")
        with pytest.raises(ImageReadError):
            decoder.read(tmp_path / "b.png")
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.parametrize("options", [{"seconds": 0}, {"seconds": float("nan")}, {"memory": 5}])
def test_options(options):
    with pytest.raises(ParameterError):
        Decoder(**options)
