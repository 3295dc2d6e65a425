"""Videos: which frames, when, upright, one at a time; and what ends badly ends in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from spel.errors import BackendMissingError, ImageReadError, ParameterError
from spel.io import video
from spel.io.video import Every, describe, frames, is_video, player as video_player
from spel.io.video.ffmpeg import container, meaning

from .video_clips import PROBE, changed, clip, fake, levels, needs_ffmpeg


def told(path: Path, **options: object) -> tuple[list[tuple[int, float]], str]:
    """Frames as (index, seconds), and how it ended."""
    found = []
    try:
        for frame in frames(path, **options):  # type: ignore[arg-type]
            found.append((frame.index, frame.seconds))  # noqa: PERF401
    except ImageReadError as error:
        return found, str(error)
    return found, ""


# ---------------------------------------------------------------- LITERAL: what needs no ffmpeg


@pytest.mark.parametrize("text", ["0", "-1", "2x", "s", "0s", "nans", "1e9s", "", "1.5"])
def test_every_is_frames_or_seconds(text):
    with pytest.raises(ParameterError, match="seconds such as 2s"):
        Every.of(text)


def test_the_first_bytes_choose_the_demuxer():
    assert container(b"\0\0\0\x20ftypisom") == "mov"
    assert container(b"\0\0\0\x20ftypheic") is None
    assert container(b"\x1aE\xdf\xa3") == "matroska"
    assert container(b"G" + bytes(187) + b"G") == "mpegts"
    for playlist in (b"#EXTM3U", b"ffconcat version 1.0", b"v=0\r\n", b"<?xml", b"[playlist]", b""):
        assert container(playlist) is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"[info] Input #0", ""),
        (b"[h264 @ 0x1] [error] no frame!", "h264: no frame!"),
        (b"[error] file:/a b/c.mp4: Invalid data found", "Invalid data found"),
        (b"sh: boom", "sh: boom"),
        (b"[mov @ 0x1] [warning] Packet corrupt (stream = 0), dropping it.", "mov: Packet corrupt"),
        (b"[swscaler @ 0x1] [warning] deprecated pixel format", ""),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_a_line_of_the_log_in_words(line, words):
    assert meaning([line])[: len(words) or None] == words


def test_no_ffmpeg_says_how_to_get_it(tmp_path, monkeypatch):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))
    monkeypatch.setenv("PATH", str(tmp_path))
    for call in (describe, lambda p: list(frames(p))):
        with pytest.raises(BackendMissingError, match="apt-get install ffmpeg"):
            call(path)


def test_what_is_no_video_never_reaches_ffmpeg(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # without any program
    for name, data in (("a.mp4", b"#EXTM3U\nfile:///etc/passwd\n"), ("b.mp4", b"ffconcat")):
        path = tmp_path / name
        path.write_bytes(data)
        assert not is_video(path)
        with pytest.raises(ImageReadError, match="no video"):
            list(frames(path))
    with pytest.raises(ImageReadError, match="no such file"):
        list(frames(tmp_path / "absent.mp4"))
    with pytest.raises(ImageReadError, match="folder"):
        list(frames(tmp_path))


# ----------------------------------------------------------- LITERAL: a stand-in for ffmpeg fails


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))

    def made(body: str = "", **probe: str) -> Path:
        monkeypatch.setenv("PATH", str(fake(tmp_path, body, **probe)))
        return path

    return made


def test_exact_reads_of_each_frame(stand_in):
    path = stand_in("frame(0); frame(1, 6, 4); frame(2)")
    found = list(frames(path))
    assert [(f.index, f.seconds, f.image.shape) for f in found] == [
        (0, 0.0, (4, 8, 3)),
        (1, 0.1, (6, 4, 3)),  # a stream may change its size
        (2, 0.2, (4, 8, 3)),
    ]
    assert [set(np.unique(f.image)) for f in found] == [{0}, {1}, {2}]


@pytest.mark.parametrize(
    ("body", "count", "words"),
    [
        ("frame(0); print('[x @ 0x1] [error] boom', file=log)", 1, "after 1 frames: x: boom"),
        ("frame(0); log.flush(); sys.exit(3)", 1, "after 1 frames: ffmpeg: it ended with exit"),
        ("frame(0); frame(1, cut=5)", 1, "cut"),
        ("frame(0); import os; os.kill(os.getpid(), 9)", 1, "signal 9"),
        ("pass", 0, "no frame"),
        ("frame(0); frame(1, 4000, 4000)", 1, "above max_pixels"),
        ("print('x' * 3000000, file=log, flush=True); frame(0)", 1, "after 1 frames: xxx"),
    ],
)
def test_a_dying_ffmpeg_is_one_line(stand_in, body, count, words):
    if words == "cut":
        body, words = body + "; print('[error] File ended prematurely', file=log)", "prematurely"
    found, said = told(stand_in(body), max_pixels=1 << 20)
    assert len(found) == count
    assert words in said
    assert len(said) <= 300
    assert "\n" not in said


def test_a_hanging_ffmpeg_is_ended(stand_in):
    found, said = told(stand_in("frame(0); time.sleep(600)"), seconds=3.0)
    assert [index for index, _ in found] == [0]
    assert "silent for 3" in said
    found, said = told(stand_in("frame(0); frame(1, cut=9); time.sleep(600)"), seconds=3.0)
    assert [index for index, _ in found] == [0]
    assert "silent" in said


def test_ffprobe_is_asked_before_anything_is_decoded(stand_in):
    wide = PROBE.replace('"width": 8', '"width": 100000')
    with pytest.raises(ImageReadError, match="max_pixels"):
        list(frames(stand_in("open('decoded', 'w')", ffprobe=wide), max_pixels=1000))
    assert not os.path.exists("decoded")
    for answer, words in (
        ("print('{}')", "no video stream"),
        ("print('[' * 100000)", "no answer"),
        ("print('no moov', file=log); sys.exit(1)", "ffprobe: no moov"),
        ('print(\'{"streams": [{"width": "x", "height": 1e99}]}\')', "pixels"),
    ):
        with pytest.raises(ImageReadError, match=words):
            list(frames(stand_in(ffprobe=answer)))


def test_the_process_ends_with_its_reader(stand_in, monkeypatch):
    begun = []

    class Noted(subprocess.Popen):
        def __init__(self, command, **options):
            super().__init__(command, **options)
            begun.append(self)

    path = stand_in("while True: frame(0)")
    monkeypatch.setattr(video_player.subprocess, "Popen", Noted)
    reader = frames(path)
    next(reader)
    assert begun[-1].poll() is None
    reader.close()
    assert begun[-1].poll() is not None


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
def test_ffmpeg_may_write_no_file(stand_in, tmp_path):
    target = tmp_path / "written"
    body = f"time.sleep(2); file = open({str(target)!r}, 'w'); file.write('x'); file.close()"
    _, said = told(stand_in(body))
    assert said
    assert not target.exists() or target.read_text() == ""


# --------------------------------------------------------------------------- LAW: a real ffmpeg


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return clip(tmp_path_factory.mktemp("clips") / "a.mkv", levels(21))


@needs_ffmpeg
def test_frames_carry_their_numbers_times_and_pixels(plain):
    found = list(frames(plain))
    assert [f.index for f in found] == list(range(21))
    assert [f.seconds for f in found] == [round(k / 10, 6) for k in range(21)]
    assert [int(np.median(f.image)) for f in found] == [10 + 3 * k for k in range(21)]
    assert found[0].image.shape == (24, 32, 3)
    info = describe(plain)
    assert (info.rows, info.cols, info.rate, info.format) == (24, 32, 10.0, "MATROSKA")
    assert info.chosen(Every.of(5)) == 5


@needs_ffmpeg
@pytest.mark.parametrize(
    ("every", "expected"),
    [("5", [0, 5, 10, 15, 20]), ("0.5s", [0, 5, 10, 15, 20]), ("0.7s", [0, 7, 14]), (21, [0])],
)
def test_every(plain, every, expected):
    assert [f.index for f in frames(plain, every=every)] == expected


@needs_ffmpeg
def test_a_variable_rate_keeps_the_times_of_the_stream(plain, tmp_path):
    times = "setpts='if(lt(N,10),N/10,1+(N-10)*0.35)/TB'"
    path = changed(plain, tmp_path / "v.mkv", "-vf", times, "-fps_mode", "vfr", "-c:v", "ffv1")
    command = "ffprobe -v error -show_entries packet=pts_time -of csv=p=0 -select_streams v:0"
    said = subprocess.run([*command.split(), str(path)], capture_output=True, check=True).stdout
    packets = sorted(float(line.strip(b",")) for line in said.split())
    found = list(frames(path))
    assert [f.seconds for f in found] == pytest.approx(packets, abs=1e-6)
    assert found[-1].seconds == pytest.approx(1 + 10 * 0.35, abs=1e-3)
    assert [f.index for f in frames(path, every="1s")] == [0, 10, 13, 16, 19]


@needs_ffmpeg
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "webm", "ts"])
def test_containers(tmp_path, suffix):
    codec = {"webm": ("-c:v", "libvpx"), "avi": ("-c:v", "mjpeg")}.get(suffix, ("-c:v", "mpeg4"))
    path = clip(tmp_path / f"a.{suffix}", levels(12), *codec, "-q:v", "2")
    found = list(frames(path, every=4))
    assert [f.index for f in found] == [0, 4, 8]
    assert [f.seconds for f in found] == pytest.approx([0.0, 0.4, 0.8], abs=1e-3)
    assert [int(np.median(f.image)) for f in found] == pytest.approx([10, 22, 34], abs=3)


@needs_ffmpeg
def test_a_rotation_is_done(tmp_path):
    images = levels(3)
    for image in images:
        image[:8] = 250  # a bright top
    path = clip(tmp_path / "a.mp4", images, "-c:v", "mpeg4", "-q:v", "2")
    try:
        turned = changed(path, tmp_path / "b.mp4", "-c", "copy", "-metadata:s:v:0", "rotate=90")
        if describe(turned).rotation == 0:
            raise ValueError
    except (subprocess.CalledProcessError, ValueError):
        command = ["ffmpeg", "-v", "error", "-y", "-display_rotation", "90", "-i", str(path)]
        turned = tmp_path / "c.mp4"
        subprocess.run([*command, "-c", "copy", str(turned)], check=True, timeout=60)
    (first, *_) = frames(turned)
    assert first.image.shape == (32, 24, 3)
    assert (describe(turned).rows, describe(turned).cols) == (32, 24)
    sides = first.image[:, :6].mean(), first.image[:, -6:].mean()
    assert max(sides) > 200 > 60 > min(sides)


@needs_ffmpeg
def test_frames_may_change_their_size(tmp_path):
    codec = ("-c:v", "mpeg2video", "-q:v", "2")
    parts = [clip(tmp_path / f"{i}.ts", levels(6, size), *codec) for i, size in enumerate(SIZES)]
    path = tmp_path / "a.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    found = []
    with pytest.raises(ImageReadError, match=r"after \d+ frames"):  # noqa: PT012
        for frame in frames(path):
            found.append(frame)  # noqa: PERF402
    assert [f.index for f in found] == list(range(len(found)))
    assert len(found) >= 12  # where they were put together, some are lost, and that is said
    assert {f.image.shape[:2] for f in found} == set(SIZES)
    for frame in found:
        assert np.ptp(frame.image.astype(int)) <= 12  # each of one grey: none holds two frames
    seconds = [f.seconds for f in found]
    assert seconds == sorted(seconds)


SIZES = ((48, 64), (96, 128), (32, 48))


@needs_ffmpeg
def test_a_cut_video_gives_what_exists_and_says_so(tmp_path):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(20)]
    whole = clip(tmp_path / "a.mkv", images)
    size = whole.stat().st_size
    whole.write_bytes(whole.read_bytes()[: size // 2])
    found, said = told(whole)
    assert 5 < len(found) < 15
    assert f"after {len(found)} frames" in said
    assert told(whole) == (found, said)
    for frame, image in zip(frames_of(whole), images):
        assert np.abs(frame.astype(int) - image).max() <= 1


def frames_of(path: Path):
    try:
        for frame in frames(path):
            yield frame.image
    except ImageReadError:
        return


@needs_ffmpeg
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_damage_ends_in_one_line(tmp_path, suffix):
    path = clip(tmp_path / f"a.{suffix}", levels(30, (120, 160)), "-c:v", "mpeg4")
    rng = np.random.default_rng(1)
    good = path.read_bytes()
    for _ in range(6):
        bad = bytearray(good)
        for at in rng.integers(len(bad) // 8, len(bad), 40):
            bad[at] = rng.integers(256)
        path.write_bytes(bad)
        found, said = told(path, seconds=30)
        assert len(found) <= 31
        assert "\n" not in said
        assert len(said) <= 300


@needs_ffmpeg
def test_a_strange_name_is_only_a_name(plain, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("-i concat:x", "http:__x%20|y;z'", "pipe:0", "a\nb.mp4"):
        Path(name).write_bytes(plain.read_bytes())
        assert len(told(Path(name), every=10)[0]) == 3


@needs_ffmpeg
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_stays_flat(tmp_path):
    path = clip(tmp_path / "a.mp4", levels(3, (720, 1280)), "-c:v", "mpeg4")
    long = changed(path, tmp_path / "b.mp4", "-vf", "loop=loop=60:size=3", "-c:v", "mpeg4")
    code = (
        "import sys, resource; from spel.io.video import frames\n"
        "peaks = []\n"
        "for frame in frames(sys.argv[1]):\n"
        "    del frame\n"
        "    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
        "print(len(peaks), peaks[-1] - peaks[20])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(long)], capture_output=True, check=True, timeout=120
    )
    count, growth = map(int, done.stdout.split())
    assert count > 100
    assert growth < 3 * 2765  # KiB of three frames


def test_the_module_is_reached_from_io():
    import spel.io

    assert spel.io.video is video
