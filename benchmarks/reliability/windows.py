"""Images that are read by windows, damaged and whole: does the reader survive, and say so?

    python benchmarks/reliability/windows.py                  # corpus, mutants of TIFF and Zarr
    python benchmarks/reliability/windows.py --isolate        # decode in a worker process

Three sets: the TIFF and NumPy files of the judged corpus (see readers.py), each read as one window;
seeded mutants of its TIFF files; and seeded mutants of OME-Zarr images (metadata, chunks, shards).
A hard failure (exit status 6) is a crash, more than 5 s, another exception than ImageReadError, or
a message that is not one line of at most 300 characters. `differs` counts files of the corpus whose
window has other pixels than `spel.read`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import mutants
import numpy as np
import readers

import spel
from spel.errors import ImageReadError

try:
    from spel.io.large import LargeImage
except ImportError:  # version 0.1
    from spel.io.lazy import LargeImage

OPTIONS: dict[str, Any] = {}


def whole(path: Any) -> np.ndarray:
    """An image, read as one window under the limit of `spel.read`."""
    with LargeImage(path, max_pixels=1 << 26, **OPTIONS) as image:
        return image[:]


def attempt(path: Path | None) -> dict[str, Any]:
    """As readers.attempt, by windows."""
    readers.read = whole
    return readers.outcome_of(path, whole)


def corpus(folder: Path) -> Counter[str]:
    """The TIFF and NumPy files of the judged corpus."""
    counts: Counter[str] = Counter()
    for entry in json.loads((folder / "manifest.json").read_text())["files"]:
        if entry["format"] not in ("tiff", "npy"):
            continue
        counts.update(files=1)
        outcome = _in_child(folder / entry["name"], counts)
        failure = readers.judge(entry, {**outcome, "peak": 0}, 0)
        if failure and (entry["strong"] or failure not in ("missed", "swallowed")):
            print(f"  {failure}: {entry['name']}: {outcome.get('message', '')[:160]}")
            counts.update(wrong=1)
        if outcome["what"] == "decode":
            try:
                same = _same(whole(folder / entry["name"]), spel.read(folder / entry["name"]))
            except ImageReadError:
                continue
            if not same:
                print(f"  differs: {entry['name']}")
                counts.update(differs=1)
    return counts


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def tiff_mutants(folder: Path, count: int, place: Path) -> Counter[str]:
    """Damaged copies of small TIFF files of the corpus."""
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    pool = [
        (folder / f["name"]).read_bytes()
        for f in listed
        if f["format"] == "tiff" and f["bytes"] < 40_000 and f["expect"] != "refuse"
    ]
    counts: Counter[str] = Counter()
    for number in range(count):
        data = mutants.mutant(np.random.default_rng((5, number)), pool)
        (place / "mutant.tif").write_bytes(data)
        counts.update(files=1)
        _in_child(place / "mutant.tif", counts)
    return counts


def zarr_mutants(count: int, place: Path) -> Counter[str]:
    """Damaged copies of OME-Zarr images, packed in several ways."""
    rng = np.random.default_rng(7)
    seeds = _zarr_seeds(place / "seeds", rng)
    counts: Counter[str] = Counter()
    for _ in range(count):
        copy = place / "copy.zarr"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(seeds[rng.integers(len(seeds))], copy)
        files = sorted(p for p in copy.rglob("*") if p.is_file())
        victim = files[rng.integers(len(files))]
        victim.write_bytes(mutants.mutant(rng, [victim.read_bytes()]))
        counts.update(files=1)
        _in_child(copy, counts)
    return counts


def _zarr_seeds(folder: Path, rng: np.random.Generator) -> list[Path]:
    import numcodecs
    import zarr

    image = rng.integers(0, 9, (40, 50), np.uint16)
    packers = {
        2: [None, numcodecs.Blosc(), numcodecs.GZip(), numcodecs.Zstd(), numcodecs.LZ4()],
        3: [None, zarr.codecs.BloscCodec(), zarr.codecs.GzipCodec(), zarr.codecs.ZstdCodec()],
    }
    paths = []
    for version, some in packers.items():
        for number, packer in enumerate(some):
            for shards in (None, (32, 32)) if version == 3 else (None,):
                path = folder / f"{version}-{number}-{bool(shards)}.zarr"
                array = zarr.create_array(
                    str(path),
                    shape=image.shape,
                    dtype=image.dtype,
                    chunks=(16, 16),
                    shards=shards,
                    compressors=packer,
                    zarr_format=version,
                )
                array[...] = image
                paths.append(path)
    return paths


def _in_child(path: Path, counts: Counter[str]) -> dict[str, Any]:
    outcome = readers.in_child(path, readers.WALL, None)
    counts.update([outcome["what"]])
    message = outcome.get("message", "")
    if outcome["what"] in ("crash", "hang", "untyped") or (
        outcome["what"] == "refuse" and (len(message) > 300 or not message.isprintable())
    ):
        print(f"  HARD {outcome['what']}: {path.name}: {message[:200]}")
        counts.update(hard=1)
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, default=readers.CORPUS)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--isolate", action="store_true", help="decode in a worker process")
    given = parser.parse_args()
    if given.isolate:
        OPTIONS["isolate"] = True
    readers.attempt = attempt
    parts = []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        if given.corpus.exists():
            parts.append(("corpus, by windows", corpus(given.corpus)))
            parts.append(("mutants of TIFF", tiff_mutants(given.corpus, given.count, place)))
        parts.append(("mutants of OME-Zarr", zarr_mutants(given.count, place)))
    print("| set | files | decoded | refused | wrong | differs | hard failures |")
    print("|---|---|---|---|---|---|---|")
    for title, c in parts:
        words = ("files", "decode", "refuse", "wrong", "differs", "hard")
        print(f"| {title} | " + " | ".join(str(c[word]) for word in words) + " |")
    return 6 if any(c["hard"] for _, c in parts) else 0


if __name__ == "__main__":
    sys.exit(main())
