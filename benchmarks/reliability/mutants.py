"""Seeded mutants of real images through the readers: no crash, hang, greed or foreign exception.

    python benchmarks/reliability/mutants.py --count 50000 --seed 1

A mutant is an image of the corpus (or one of a few made here) with some bytes changed, cut, doubled
or swapped with those of another, and, for PNG, checksums put right again half of the time, so that
the damage gets past them. Workers read them one after another; when one dies or takes more than 5 s
the mutant is kept in --keep. Exit status 6 if there was any.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import select
import signal
import struct
import sys
import time
import zlib
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import numpy as np

from spel.errors import ImageReadError
from spel.io import describe, read

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "data" / "hostile-images"
WALL, BATCH, MIB = 5.0, 500, 1 << 20
FORMATS = {"png", "jpeg", "tiff", "bmp", "gif", "webp", "pnm", "npy"}
EDGES = (
    0,
    1,
    2,
    4,
    7,
    8,
    0x7F,
    0x80,
    0xFF,
    0xFFFF,
    0x7FFF,
    0x8000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    0xFFFFFFFE,
)


def seeds(corpus: Path) -> list[bytes]:
    """Small files of the allowed formats."""
    found = []
    if corpus.exists():
        manifest = json.loads((corpus / "manifest.json").read_text())["files"]
        small = [f for f in manifest if f["format"] in FORMATS and f["bytes"] < 40_000]
        found = [(corpus / f["name"]).read_bytes() for f in small if f["expect"] != "refuse"]
    rng = np.random.default_rng(0)
    for dtype in (np.uint8, np.uint16, bool, np.float32):
        out = io.BytesIO()
        np.save(out, rng.random((6, 5, 3)).astype(dtype))
        found.append(out.getvalue())
    return found


def mutant(rng: np.random.Generator, pool: list[bytes]) -> bytes:
    """One damaged file."""
    data = bytearray(pool[rng.integers(len(pool))])
    for _ in range(int(rng.integers(1, 4))):
        if len(data) < 8:
            break
        near = min(len(data), 256) if rng.random() < 0.5 else len(data)  # headers break more
        place = int(rng.integers(near))
        way = rng.integers(7)
        if way == 0:
            data[place] ^= 1 << int(rng.integers(8))
        elif way == 1:
            data[place] = int(rng.integers(256))
        elif way == 2:
            width = int(rng.choice([1, 2, 4]))
            code = "<>"[rng.integers(2)] + {1: "B", 2: "H", 4: "I"}[width]
            value = EDGES[rng.integers(len(EDGES))] & ((1 << 8 * width) - 1)
            data[place : place + width] = struct.pack(code, value)
        elif way == 3:
            del data[place:]
        elif way == 4:
            del data[place : place + int(rng.integers(1, 64))]
        elif way == 5:
            piece = data[place : place + int(rng.integers(1, 256))]
            data[place:place] = piece * int(rng.integers(1, 4))
        else:
            other = pool[rng.integers(len(pool))]
            start = int(rng.integers(max(1, len(other))))
            data[place : place + 32] = other[start : start + int(rng.integers(1, 64))]
    if data[:4] == b"\x89PNG" and rng.random() < 0.5:
        data = mended(data)
    return bytes(data)


def mended(data: bytearray) -> bytearray:
    """A PNG with right checksums, as far as its chunks can be walked."""
    place = 8
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        end = place + 8 + length
        if end + 4 > len(data):
            break
        struct.pack_into(">I", data, end, zlib.crc32(data[place + 4 : end]))
        place = end + 4
    return data


def work(sender: int, seed: int, first: int, last: int, pool: list[bytes]) -> None:
    """Read mutants; for each a line: number before, outcome after."""
    silent = os.open(os.devnull, os.O_RDWR)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in range(first, last):
        os.write(sender, f"{number} ".encode())
        data = mutant(np.random.default_rng((seed, number)), pool)
        outcome = "decode"
        try:
            array = read(io.BytesIO(data))
            info = describe(io.BytesIO(data))
            if (info.shape, info.dtype) != (array.shape, array.dtype.name):
                outcome = "described-otherwise"
            if 0 in array.shape:
                outcome = "empty"
        except ImageReadError as error:
            outcome = "refuse" if len(str(error)) <= 300 and str(error).isprintable() else "message"
        except BaseException as error:
            outcome = f"untyped-{type(error).__name__}"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if peak > 1200 * MIB:
            outcome = "memory"
        os.write(sender, f"{outcome}\n".encode())
        if peak > 1200 * MIB:
            break


def batch(seed: int, first: int, last: int, pool: list[bytes]) -> tuple[int, list[tuple[int, str]]]:
    """Run a worker over some mutants; the next number and what happened to each."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receiver)
        work(sender, seed, first, last, pool)
        os._exit(0)
    os.close(sender)
    text, hung, since = b"", False, time.monotonic()
    while True:
        left = WALL - (time.monotonic() - since)
        if left <= 0 or not select.select([receiver], [], [], left)[0]:
            os.kill(child, signal.SIGKILL)
            hung = True
            break
        piece = os.read(receiver, 1 << 16)
        if not piece:
            break
        text, since = text + piece, time.monotonic()
    os.close(receiver)
    _, status = os.waitpid(child, 0)
    rows = []
    for line in text.decode().splitlines():
        number, _, outcome = line.partition(" ")
        if not outcome:
            sign = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            outcome = "hang" if hung else f"crash-{sign}"
        rows.append((int(number), outcome))
    return (rows[-1][0] + 1 if rows else last), rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the mutants that failed")
    given = parser.parse_args()
    pool, counts, start = seeds(CORPUS), Counter[str](), time.monotonic()
    bad, number = 0, 0
    while number < given.count:
        number, rows = batch(given.seed, number, min(number + BATCH, given.count), pool)
        for one, outcome in rows:
            counts[outcome] += 1
            if outcome in ("decode", "refuse"):
                continue
            bad += 1
            print(f"FAILED {outcome}: mutant {one} of seed {given.seed}", flush=True)
            if given.keep:
                given.keep.mkdir(parents=True, exist_ok=True)
                data = mutant(np.random.default_rng((given.seed, one)), pool)
                (given.keep / f"{outcome}-{given.seed}-{one}.bin").write_bytes(data)
    seconds = time.monotonic() - start
    print(
        f"{given.count} mutants of {len(pool)} files, seed {given.seed}, {seconds:.0f} s: "
        f"{counts['decode']} decoded, {counts['refuse']} refused, {bad} failed"
    )
    return 6 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
