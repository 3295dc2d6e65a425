"""Atomic writing: whole or absent."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time

import pytest

from spel.atomic import make_folder, remove_leftovers
from spel.errors import ParameterError, SpelError, WriteError
from spel.io import replacing, write_bytes, write_text


def test_writes_and_replaces(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "one\n")
    write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_temporary_is_private_beside_and_has_the_suffix(tmp_path):
    with replacing(tmp_path / "a.tif") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".tif"
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
        assert not (tmp_path / "a.tif").exists()
        temporary.write_bytes(b"x")
    old = os.umask(0o022)
    os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.tif").stat().st_mode) == 0o666 & ~old


def test_old_mode_is_kept(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"")
    path.chmod(0o640)
    write_bytes(path, b"x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_after_an_error(tmp_path, error):
    (tmp_path / "a").write_bytes(b"old")

    def half():
        with replacing(tmp_path / "a") as temporary:
            temporary.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        half()
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_refused_places(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path, words in (
        (tmp_path, "it is a folder"),
        (tmp_path / "no" / "a", "create it first"),
        (tmp_path / "file" / "a", "no folder"),
        ("", "no file"),
        (tmp_path / "a\0b", "choose another name"),
        (tmp_path / ("x" * 300), "name"),
    ):
        with pytest.raises(ParameterError, match=words):
            write_bytes(path, b"x")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(WriteError, match="not writable"):
            write_bytes(tmp_path / "a", b"x")
    finally:
        tmp_path.chmod(0o700)


def test_full_disk():
    if not os.path.exists("/dev/full"):
        pytest.skip("/dev/full is absent")
    with pytest.raises(SpelError):
        write_bytes("/dev/full/a", b"x")


def test_failing_writer_says_what_to_do(tmp_path):
    def fill():
        with replacing(tmp_path / "a"):
            raise OSError(28, "No space left on device")

    with pytest.raises(WriteError, match="disk is full"):
        fill()
    assert os.listdir(tmp_path) == []


def test_errors_that_are_not_of_this_file_pass_through(tmp_path):
    for error in (OSError(2, "No such file", "other"), WriteError("cannot write 'other'")):
        with pytest.raises(OSError, match="other") as caught, replacing(tmp_path / "a"):
            raise error
        assert caught.value is error
    assert os.listdir(tmp_path) == []


def test_folders_are_made_with_their_parents(tmp_path):
    assert make_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "b"):
        with pytest.raises(WriteError, match=r"choose another place|choose a path"):
            make_folder(path)


def test_leftovers_of_these_files_only_are_removed(tmp_path):
    mine, other = ".a.json.0123456789ab.part.json", ".b.json.0123456789ab.part.json"
    for name in (mine, other, "a.json", ".a.json.part"):
        (tmp_path / name).touch()
    assert [path.name for path in remove_leftovers(tmp_path, {"a.json"})] == [mine]
    assert sorted(os.listdir(tmp_path)) == sorted([other, "a.json", ".a.json.part"])


def test_names_of_255_bytes(tmp_path):
    name = "é" * 125 + ".png"
    write_bytes(tmp_path / name, b"x")
    assert os.listdir(tmp_path) == [name]


def test_links_are_followed_and_devices_spared(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "real").read_bytes() == b"new"
    assert (tmp_path / "link").is_symlink()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ParameterError, match="pipe"):
        write_bytes(tmp_path / "pipe", b"x")


def test_a_short_write_of_numbers_says_that_the_disk_is_full(tmp_path):
    said = "only 5 of 9 numbers were written; the disk is full"
    with pytest.raises(WriteError, match=said), replacing(tmp_path / "a.npy"):
        raise OSError("9 requested and 5 written")


def test_kill_leaves_the_old_file(tmp_path):
    """A process that writes in a loop, killed: the file under the final name is always whole."""
    path = tmp_path / "a.bin"
    code = (
        "import sys\nfrom spel.io import write_bytes\n"
        "n = 0\nwhile True:\n    write_bytes(sys.argv[1], bytes([n % 256]) * 300000); n += 1\n"
    )
    for wait in (0.05, 0.11, 0.17):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        while not path.exists():
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        data = path.read_bytes()
        assert len(data) == 300000
        assert len(set(data)) == 1
