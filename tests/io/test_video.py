"""Videos: which frames, when, upright, one at a time; and what ends badly ends in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import spel.io.video.process as process
from spel.errors import BackendMissingError, ImageReadError, ParameterError
from spel.io import video
from spel.io.video import Every, container, describe, frames, is_video
from spel.io.video.decoder import first_loss

from .video_clips import changed, clip, levels, needs_ffmpeg, stand_in


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
    ("log", "words"),
    [
        ([(32, "mov", "Input #0")], ""),
        ([(24, "swscaler", "deprecated pixel format")], ""),
        ([(24, "mov", "Packet corrupt (stream = 0)\n")], "mov: Packet corrupt (stream = 0)"),
        ([(24, "matroska,webm", "File ended prematurely at pos. 9")], "matroska,webm: File ended"),
        ([(32, "x", "y"), (16, "h264", "no frame!"), (16, "h264", "again")], "h264: no frame!"),
    ],
)
def test_the_first_loss_that_the_log_of_ffmpeg_names(log, words):
    pytest.importorskip("av")
    assert first_loss(log)[: len(words) or None] == words


def test_no_av_says_what_to_install(tmp_path, monkeypatch):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))
    monkeypatch.setitem(sys.modules, "av", None)
    for call in (describe, lambda p: list(frames(p))):
        with pytest.raises(BackendMissingError, match=r"spel\[video\]"):
            call(path)


def test_what_is_no_video_never_reaches_the_decoder(tmp_path, monkeypatch):
    stand_in(monkeypatch, f"open({str(tmp_path / 'decoded')!r}, 'w')")
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
    assert not (tmp_path / "decoded").exists()


# ------------------------------------------------ LITERAL: a stand-in for the decoder fails


@pytest.fixture
def failing(tmp_path, monkeypatch):
    pytest.importorskip("av")
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))

    def made(body: str = "", **info: str) -> Path:
        stand_in(monkeypatch, body, **info)
        return path

    return made


def test_exact_reads_of_each_frame(failing):
    path = failing("frame(0); frame(1, 6, 4); frame(2); end()")
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
        ("frame(0); end('x: boom')", 1, "after 1 frames: x: boom"),
        ("frame(0); sys.exit(3)", 1, "after 1 frames: the decoder ended with code 3"),
        ("frame(0); frame(1, cut=5)", 1, "after 1 frames: the decoder sent no frame"),
        ("frame(0); os.kill(os.getpid(), 9)", 1, "killed by SIGKILL"),
        ("end()", 0, "no frame"),
        ("frame(0); frame(1, 4000, 4000)", 1, "above max_pixels"),
        ("frame(0); frame(1, -4, 4000)", 1, "above max_pixels"),
        ("frame(0); frame(1, 10**40, 1)", 1, "above max_pixels"),
        ("frame(0); say(index=1, rows='4', cols=None, seconds='x')", 1, "above max_pixels"),
        ("frame(0); print('[1, 2]', flush=True); time.sleep(9)", 1, "sent no frame"),
        ("frame(0); print('x' * 3000000, flush=True); frame(1)", 1, "after 1 frames: the decoder"),
    ],
)
def test_a_dying_decoder_is_one_line(failing, body, count, words):
    found, said = told(failing(body), max_pixels=1 << 20)
    assert len(found) == count
    assert words in said
    assert len(said) <= 300
    assert "\n" not in said


def test_a_hanging_decoder_is_ended(failing):
    found, said = told(failing("frame(0); time.sleep(600)"), seconds=3.0)
    assert [index for index, _ in found] == [0]
    assert "silent for 3" in said
    found, said = told(failing("frame(0); frame(1, cut=9); time.sleep(600)"), seconds=3.0)
    assert [index for index, _ in found] == [0]
    assert "silent" in said


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ("say(codec='x', rows=4, cols=100000)", "max_pixels"),
        ("end('it holds no video stream')", "no video stream"),
        ("print('[' * 100000, flush=True)", "sent no frame"),
        ("end('no moov')", "no moov"),
        ("say(rows='x', cols=1e99)", "pixels"),
    ],
)
def test_a_description_is_checked_before_any_frame(failing, info, words):
    with pytest.raises(ImageReadError, match=words):
        list(frames(failing("frame(0)", info=info), max_pixels=1000))


def test_the_process_ends_with_its_reader(failing, monkeypatch):
    begun = []

    class Noted(subprocess.Popen):
        def __init__(self, command, **options):
            super().__init__(command, **options)
            begun.append(self)

    path = failing("while True: frame(0)")
    monkeypatch.setattr(process.subprocess, "Popen", Noted)
    reader = frames(path)
    next(reader)
    assert begun[-1].poll() is None
    reader.close()
    assert begun[-1].poll() is not None


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
def test_the_decoder_may_write_no_file_and_fill_no_memory(tmp_path):
    target = tmp_path / "written"
    start = "from spel.io.video.decoder import limit_process; limit_process(1 << 30); "
    for body in (f"print('x', file=open({str(target)!r}, 'w'), flush=True)", "bytes(2 << 30)"):
        done = subprocess.run([sys.executable, "-c", start + body], capture_output=True)
        assert done.returncode != 0
    assert not target.exists() or target.read_text() == ""


# --------------------------------------------------------------------------- LAW: real videos


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
def test_too_large_frames_are_never_decoded(plain):
    with pytest.raises(ImageReadError, match="24 x 32 pixels; at least one and at most 700"):
        list(frames(plain, max_pixels=700))


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
