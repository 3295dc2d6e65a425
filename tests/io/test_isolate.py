"""Decoding in a process of its own: dead, hung and greedy decoders cost one file."""

from __future__ import annotations

import io
import os
import signal
import socket
import time

import numpy as np
import pytest

from spel.errors import ImageReadError, ParameterError
from spel.io import Decoder, read, write
from spel.io.image import isolate

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
    "import json, os, socket, sys, tempfile; s = socket.socket(fileno=int(sys.argv[1])); "
    "s.recv(65536); f = tempfile.TemporaryFile(); f.write(bytes(8)); f.flush(); {act}"
)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        ("os.kill(os.getpid(), 11)", "died .signal 11"),
        ("os.abort()", "died .signal 6"),
        ("os._exit(3)", "died .exit status 3"),
        ("s.send(b'junk' + bytes([10]))", "died"),
        ("s.send(b'[]' + bytes([10]))", "died"),
        ("s.send(b'{{}}' + bytes([10]))", "no image"),
        ("s.send(b'x' * 70000); s.close(); os._exit(0)", "died"),
        ("s.send(json.dumps(dict(error='x' * 500)).encode() + bytes([10]))", "^x{300}$"),
        *[
            (
                f"socket.send_fds(s, [json.dumps(dict(shape={shape}, dtype={dtype!r})).encode() + "
                "bytes([10])], [f.fileno()])",
                "no image",
            )
            for shape, dtype in (
                ([2, 4], "uint8"),
                ([2, 4, 2], "uint8"),
                ([1, 1, 1], "O"),
                ([-2, -4, 1], "uint8"),
                ([1 << 30, 1 << 30, 1], "uint8"),
                ([1, 8, True], "uint8"),
                ([1, 1, 1], ["uint8"]),
            )
        ],
    ],
)
def test_dying_and_lying_decoders(tmp_path, monkeypatch, act, words):
    write(tmp_path / "a.png", np.array([[3, 4]], np.uint8))
    with Decoder() as decoder:
        monkeypatch.setattr(isolate, "_START", FAKE.format(act=act) + "#{path}")
        with pytest.raises(ImageReadError, match=words) as caught:
            decoder.read(tmp_path / "a.png")
        assert len(str(caught.value)) <= 300
        monkeypatch.undo()
        decoder.close()
        assert decoder.read(tmp_path / "a.png").tolist() == [[[3], [4]]]


def test_a_hung_decoder_is_ended(tmp_path):
    write(tmp_path / "a.png", np.array([[3, 4]], np.uint8))
    with Decoder(seconds=20) as decoder:
        decoder.read(tmp_path / "a.png")
        decoder.seconds = 0.3
        os.kill(decoder._process.pid, signal.SIGSTOP)
        start = time.monotonic()
        with pytest.raises(ImageReadError, match=r"more than 0\.3 s"):
            decoder.read(tmp_path / "a.png")
        assert time.monotonic() - start < 5
        decoder.seconds = 20
        assert decoder.read(tmp_path / "a.png").tolist() == [[[3], [4]]]


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
