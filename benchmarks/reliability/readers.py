"""Every image reader against hostile, odd, and honestly large files: does it survive, and tell?

    python benchmarks/reliability/readers.py                    # the judged corpus and the bombs
    python benchmarks/reliability/readers.py --large            # and files near the limit of pixels
    python benchmarks/reliability/readers.py --isolate          # decode in a process of its own

Each file is read in a process of its own with a limit of time; its peak memory above the start is
measured. The corpus with its manifest lies in ../shared/data/hostile-images and is described there.
A hard failure (exit status 6) is a crash; more than 5 s of processor time, or 50 s in all; more
memory than 64 MiB and four times the decoded bytes, or than 1 GiB; another exception than
ImageReadError; a message that is not one line of at most 300 characters; or the opposite of what a
test, a suite or the way a file was made says about it. The opposite of what other readers merely
agree on is soft: it is counted and listed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import numpy as np

from spel.errors import ImageReadError
from spel.io import Decoder, read, write

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "data" / "hostile-images"
FORMATS = {"png", "jpeg", "tiff", "bmp", "gif", "webp", "pnm", "npy"}
WALL = 5.0
TIFF = {"lzw": "tiff_lzw"}  # names that Pillow gives
MIB = 1 << 20


def in_child(path: Path | None, wall: float, decoder: Decoder | None) -> dict[str, Any]:
    """Read one file in a forked process; what came of it, its time and its peak memory."""
    if decoder is not None:  # it is a process of its own, whose memory is limited, not measured
        start = time.monotonic()
        outcome = outcome_of(path, decoder.read)
        return {**outcome, "seconds": time.monotonic() - start, "peak": 0}
    receiver, sender = os.pipe()
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(receiver)
        os.write(sender, json.dumps(attempt(path)).encode())
        os._exit(0)
    os.close(sender)
    data, hung = b"", False
    while True:
        left = 10 * wall - (time.monotonic() - start)
        if left <= 0 or not select.select([receiver], [], [], left)[0]:
            os.kill(child, signal.SIGKILL)
            hung = True
            break
        piece = os.read(receiver, 1 << 16)
        if not piece:
            break
        data += piece
    os.close(receiver)
    _, status, usage = os.wait4(child, 0)
    seconds = usage.ru_utime + usage.ru_stime  # of the processor: the machine may be shared
    if hung or seconds > wall:
        outcome: dict[str, Any] = {"what": "hang"}
    elif os.WIFSIGNALED(status) or not data:
        outcome = {"what": "crash"}
    else:
        outcome = json.loads(data)
    return {**outcome, "seconds": seconds, "peak": usage.ru_maxrss * 1024}


def attempt(path: Path | None) -> dict[str, Any]:
    silent = os.open(os.devnull, os.O_RDWR)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return outcome_of(path, read)


def outcome_of(path: Path | None, reader: Any) -> dict[str, Any]:
    if path is None:
        return {"what": "nothing"}
    try:
        array = reader(path)
    except ImageReadError as error:
        return {"what": "refuse", "message": str(error)}
    except BaseException as error:
        return {"what": "untyped", "message": f"{type(error).__name__}: {error}"[:300]}
    return {"what": "decode", "shape": list(array.shape), "bytes": array.nbytes}


def judge(entry: dict[str, Any], outcome: dict[str, Any], base: int) -> str:
    """The name of a failure, or nothing."""
    extra = outcome["peak"] - base
    what = outcome["what"]
    if what in ("crash", "hang", "untyped"):
        return what
    if extra > 64 * MIB + 4 * outcome.get("bytes", 0) or extra > 1024 * MIB:
        return "memory"
    if what == "refuse":
        message = outcome["message"]
        if len(message) > 300 or not message.isprintable():
            return "message"
        return "missed" if entry["expect"] == "decode" and entry["format"] in FORMATS else ""
    if entry["format"] not in FORMATS:
        return "disallowed"
    if entry["expect"] == "refuse":
        return "swallowed"
    if 0 in outcome["shape"]:
        return "shape"
    if entry["expect"] == "decode" and entry.get("ref"):
        cols, rows = entry["ref"]["size"]
        found = outcome["shape"][-3:-1]
        if found not in ([rows, cols], [cols, rows]):
            return "shape"
    return ""


def run(
    entries: list[dict[str, Any]], folder: Path, decoder: Decoder | None, wall: float = WALL
) -> list[dict[str, Any]]:
    """Read every file; rows with the outcome and the verdict."""
    base = max(in_child(None, wall, decoder)["peak"] for _ in range(5))
    rows = []
    for entry in entries:
        outcome = in_child(folder / entry["name"], wall, decoder)
        failure = judge(entry, outcome, base)
        weak = failure in ("missed", "swallowed") and not entry["strong"]
        rows.append(
            {
                "name": entry["name"],
                "format": entry["format"],
                "expect": entry["expect"],
                **outcome,
                "extra": max(0, outcome["peak"] - base),
                "failure": failure,
                "hard": bool(failure) and not weak,
            }
        )
    return rows


def bombs(corpus: Path, folder: Path) -> list[dict[str, Any]]:
    """What make_bombs.py makes, freshly."""
    program = corpus / "make_bombs.py"
    subprocess.run([sys.executable, str(program), str(folder)], check=True, capture_output=True)
    suffixes = {
        ".jpg": "jpeg",
        ".tif": "tiff",
        ".ppm": "pnm",
        ".pgm": "pnm",
        ".pfm": "pnm",
        ".svg": "svg",
    }
    made = json.loads((folder / "expect.json").read_text())
    return [
        {
            **one,
            "strong": True,
            "format": suffixes.get(Path(one["name"]).suffix) or Path(one["name"]).suffix[1:],
        }
        for one in made
    ]


def large(folder: Path) -> list[dict[str, Any]]:
    """Honest files just below the limit of 89,478,485 pixels, and of bytes."""
    from PIL import Image

    rows, cols = 9400, 9500
    grey = np.add.outer(np.arange(rows, dtype=np.uint32), np.arange(cols, dtype=np.uint32))
    grey8 = (grey >> 4).astype(np.uint8)
    color = np.stack([grey8, grey8 // 2, 255 - grey8], axis=2)
    names: list[tuple[str, str]] = []

    def save(name: str, form: str, maker: Any) -> None:
        maker(folder / name)
        names.append((name, form))

    picture, bits = Image.fromarray(color), Image.fromarray(grey8 > 99)
    square = picture.crop((0, 0, 7700, 7700))
    save("rgb8.png", "png", lambda p: picture.save(p, compress_level=1))
    save("grey1.png", "png", bits.save)
    save("rgb.jpg", "jpeg", lambda p: picture.save(p, quality=90))
    save(
        "progressive.jpg",
        "jpeg",
        lambda p: picture.save(p, quality=90, progressive=True, subsampling=0),
    )
    save("rgb.bmp", "bmp", picture.save)
    save("grey.gif", "gif", Image.fromarray(grey8).save)
    save("rgb.ppm", "pnm", picture.save)
    for name in ("lzw", "jpeg", "zstd"):
        save(f"{name}.tif", "tiff", lambda p, c=name: picture.save(p, compression=TIFF.get(c, c)))
    one_strip = {278: rows}
    save(
        "lzw-strip.tif",
        "tiff",
        lambda p: picture.save(p, compression="tiff_lzw", tiffinfo=one_strip),
    )
    save("group4.tif", "tiff", lambda p: bits.save(p, compression="group4"))
    save("deflate.tif", "tiff", lambda p: write(p, color))
    save("lossy.webp", "webp", lambda p: square.save(p, quality=50, method=0))
    save("lossless.webp", "webp", lambda p: square.save(p, lossless=True, quality=0, method=0))
    save("float64.npy", "npy", lambda p: write(p, grey[:8000, :8000].astype(np.float64)))
    deep = np.repeat((grey & 0xFFFF).astype(np.uint16)[:, :, None], 3, axis=2)
    save("rgb16.png", "png", lambda p: write(p, deep))
    save("rgb16.tif", "tiff", lambda p: write(p, deep))
    return [
        {"name": name, "format": form, "expect": "decode", "strong": True} for name, form in names
    ]


def table(title: str, rows: list[dict[str, Any]]) -> str:
    """One line per format and one for all."""
    groups = defaultdict(list)
    for row in rows:
        groups[row["format"] if row["format"] in FORMATS else "others"].append(row)
    lines = [
        f"### {title}",
        "",
        "| format | files | decoded | refused | hard failures | soft | slowest, s | "
        "most memory, MiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, some in [*sorted(groups.items()), ("**all**", rows)]:
        what = Counter(row["what"] for row in some)
        hard = Counter(row["failure"] for row in some if row["hard"])
        shown = ", ".join(f"{n} {kind}" for kind, n in sorted(hard.items())) or "0"
        soft = sum(bool(row["failure"]) and not row["hard"] for row in some)
        lines.append(
            f"| {name} | {len(some)} | {what['decode']} | {what['refuse']} | {shown} | {soft} | "
            f"{max(row['seconds'] for row in some):.2f} | "
            f"{max(row['extra'] for row in some) / MIB:.0f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--group", default="", help="only files whose name starts so")
    parser.add_argument("--large", action="store_true", help="also files near the limit of pixels")
    parser.add_argument("--isolate", action="store_true", help="decode in a process of its own")
    parser.add_argument("--out", type=Path, help="write all rows as JSON")
    given = parser.parse_args()
    decoder = Decoder() if given.isolate else None
    parts: list[tuple[str, list[dict[str, Any]]]] = []
    with tempfile.TemporaryDirectory() as place:
        if given.corpus.exists():
            manifest = json.loads((given.corpus / "manifest.json").read_text())["files"]
            some = [one for one in manifest if one["name"].startswith(given.group)]
            parts.append(("Judged corpus", run(some, given.corpus, decoder)))
            if not given.group:
                (folder := Path(place) / "bombs").mkdir()
                made = bombs(given.corpus, folder)
                parts.append(("Bombs, freshly made", run(made, folder, decoder)))
        else:
            print(f"{given.corpus} is absent: only --large can run", file=sys.stderr)
        if given.large:
            (folder := Path(place) / "large").mkdir()
            # time grows with honest pixels: the limit of 5 s is for the small files above
            parts.append(("Honest files near the limit", run(large(folder), folder, decoder, 60)))
    failures = 0
    for title, rows in parts:
        print(table(title, rows))
        for row in rows:
            if row["failure"]:
                kind = "HARD" if row["hard"] else "soft"
                print(f"{kind} {row['failure']}: {row['name']}: {row.get('message', '')}")
            failures += row["hard"]
        print()
    if given.out:
        given.out.write_text(json.dumps(parts, indent=0))
    return 6 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
