"""Coverage-guided fuzzing of every parser: only the documented errors may come out.

    pip install atheris
    python benchmarks/reliability/fuzz.py --seconds 600                  # all targets, 600 s each
    python benchmarks/reliability/fuzz.py --target images --seconds 60

Each target runs in a process of its own under libFuzzer, starts from the shared hostile data and a
few good files, may use 2 GiB and 5 s for one input. What fails is kept in --keep. Exit status 6 if
there was any. Source of the method: https://github.com/google/atheris
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import importlib
import io
import json
import os
import pkgutil
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
FORMATS = {"png", "jpeg", "tiff", "bmp", "gif", "webp", "pnm", "npy"}


def images(folder: Path) -> Callable[[bytes], None]:
    from spel.errors import ImageReadError
    from spel.io import describe, read

    def one(data: bytes) -> None:
        try:
            array = read(io.BytesIO(data), max_pixels=1 << 22)
        except ImageReadError as error:
            if len(str(error)) > 300 or not str(error).isprintable():
                raise ValueError("the message is not one short line") from error
            return
        info = describe(io.BytesIO(data), max_pixels=1 << 22)
        if (info.shape, info.dtype) != (array.shape, array.dtype.name):
            raise ValueError("described otherwise than read")

    return one


def texts(folder: Path) -> Callable[[bytes], None]:
    from spel.errors import FormatError
    from spel.io import parse_json, parse_line

    def one(data: bytes) -> None:
        for parse in (parse_json, parse_line):
            with contextlib.suppress(FormatError):
                parse(data)

    return one


def from_file(reader: str, *names: str) -> Callable[[Path], Callable[[bytes], None]]:
    """A target for ``module:function`` of a path; the file gets each of the names in turn."""

    def target(folder: Path) -> Callable[[bytes], None]:
        from spel.errors import SpelError

        module, _, function = reader.partition(":")
        call: Any = getattr(importlib.import_module(module), function)

        def one(data: bytes) -> None:
            for name in names:
                path = folder / name
                path.write_bytes(data)
                with contextlib.suppress(SpelError):
                    call(path)

        return one

    return target


def converters(folder: Path) -> Callable[[bytes], None]:
    from spel.errors import SpelError
    from spel.io import read_as

    def one(data: bytes) -> None:
        for name in ("out", "classes.txt", "images.json", "a.txt", "a.xml"):
            (folder / name).write_bytes(data)
        for form in ("csv", "coco", "geojson", "label-studio", "yolo", "voc"):
            with contextlib.suppress(SpelError):
                read_as(form, folder if form in ("yolo", "voc") else folder / "out")

    return one


def journals(folder: Path) -> Callable[[bytes], None]:
    """A journal, and an entry whose checksum is right, whatever it says; lines of a run."""
    from spel.errors import SpelError
    from spel.runs.manifest import Manifest, checksum
    from spel.runs.resume import read_lines

    os.fsync = lambda handle: None  # thousands of flushes would leave no time for the parser
    head = b'{"format":"spel.manifest","version":1,"config":{}}'
    path = folder / "manifest.jsonl"

    def framed(body: bytes) -> bytes:
        return b'{"crc":"' + checksum(body).encode() + b'","entry":' + body + b"}\n"

    def one(data: bytes) -> None:
        body = data.replace(b"\n", b" ")
        for content in (data, framed(head) + framed(body)):
            path.unlink(missing_ok=True)
            path.write_bytes(content)
            list(read_lines(path))
            with contextlib.suppress(SpelError), Manifest(path, {}):
                pass

    return one


def lists(folder: Path) -> Callable[[bytes], None]:
    from spel.errors import SpelError
    from spel.io import expand

    def one(data: bytes) -> None:
        with contextlib.suppress(SpelError):
            expand("-", stdin=io.BytesIO(data))

    return one


def classifiers(folder: Path) -> Callable[[bytes], None]:
    """A file of bytes, and one whose frame is good and whose settings are the bytes."""
    import numpy as np
    from safetensors.numpy import save

    from spel.errors import SpelError
    from spel.sklearn.store import load

    path = folder / "a.safetensors"
    tensors = {"a": np.ones(3, np.float32)}
    start = '{"format": "spel.estimator", "version": 2, "estimator": '

    def one(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        for content in (
            data,
            save(tensors, metadata={"spel": text}),
            save(tensors, metadata={"spel": start + text + "}"}),
        ):
            path.write_bytes(content)
            with contextlib.suppress(SpelError):
                load(path)

    return one


def models(folder: Path) -> Callable[[bytes], None]:
    """A model folder of the group with one file after another replaced by the bytes."""
    import spel
    from spel.errors import SpelError
    from spel.io.annotation import libift
    from spel.io.annotation.libift_write import write_model

    place = folder / "model"
    bank = spel.KernelBank.random(spel.Adjacency.box(3), kernels=2, channels=3, seed=0)
    write_model(place, spel.chain(spel.Convolution(bank), spel.Activation("relu")))
    good = {path: path.read_bytes() for path in place.iterdir()}

    def one(data: bytes) -> None:
        for path, content in good.items():
            path.write_bytes(data)
            with contextlib.suppress(SpelError):
                libift.read_model(place)
            path.write_bytes(content)

    return one


TARGETS: dict[str, Callable[[Path], Callable[[bytes], None]]] = {
    "images": images,
    "texts": texts,
    "annotations": from_file("spel.io.annotation.labels:read_coco", "a.json"),
    "converters": converters,
    "results": from_file("spel.io.annotation.results:read_results", "a.jsonl"),
    "markers": from_file("spel.io.annotation.markers:read_markers", "a.txt", "a.json"),
    "mimg": from_file("spel.io.annotation.mimg:read_mimg", "a.mimg"),
    "networks": from_file("spel.nn.load:load", "a.safetensors"),
    "arch": from_file("spel.io.annotation.libift:read_arch", "arch.json"),
    "models": models,
    "classifiers": classifiers,
    "journals": journals,
    "lists": lists,
}


def write_seeds(target: str, folder: Path) -> int:
    """Good and hostile inputs to start from; how many."""
    seeds: list[bytes] = []
    if target == "images" and (SHARED / "hostile-images").exists():
        manifest = json.loads((SHARED / "hostile-images/manifest.json").read_text())["files"]
        small = [f["name"] for f in manifest if f["format"] in FORMATS and f["bytes"] < 5000]
        seeds = [(SHARED / "hostile-images" / name).read_bytes() for name in small]
    elif target not in ("images", "networks", "mimg"):
        cases = SHARED / "hostile-text" / "cases.jsonl"
        if cases.exists():
            lines = [json.loads(line) for line in cases.read_text().splitlines()]
            seeds = [base64.b64decode(c["bytes_b64"]) for c in lines if c["format"] == "json"]
        seeds = [data for data in seeds if len(data) < 3000] + good_texts(folder)
        seeds += [b"2 9 9\n1 2 1 1\n3 4 2 0\n", b"3 9 9 9\n1 2 3 1 1\n"]
        seeds += own_texts(target, folder)
    elif target == "networks":
        import spel

        path = folder / "seed"
        for net in (
            spel.chain(edges=spel.Convolution(spel.KernelBank.sobel("col"))),
            spel.chain(a=spel.Activation("relu"), b=spel.MaxPool(spel.Adjacency.disk(2))),
        ):
            net.save(path)
            seeds.append(path.read_bytes())
    elif target == "mimg":
        import numpy as np

        from spel.io.annotation.mimg import write_mimg

        write_mimg(folder / "seed", np.ones((2, 3, 2), np.float32))
        seeds.append((folder / "seed").read_bytes())
    place = folder / "seeds"
    place.mkdir()
    for number, data in enumerate(seeds):
        (place / str(number)).write_bytes(data)
    return len(seeds)


def good_texts(folder: Path) -> list[bytes]:
    import numpy as np

    from spel.io import FORMATS as FORMS, Result, write_as

    boxes = np.array([[1, 2, 3.5, 4], [0, 0, 5, 5]])
    results = [
        Result("a.png", (6, 7), boxes, np.array([0.5, 1]), np.array([3, 4]), ("x", "y")),
        Result("b.png", (6, 7), boxes[:0], np.zeros(0), np.zeros(0)),
    ]
    found = []
    for form in FORMS:
        place = folder / f"good-{form}"
        write_as(form, place, results)
        files = place.iterdir() if place.is_dir() else [place]
        found += [path.read_bytes() for path in files]
    return found


def own_texts(target: str, folder: Path) -> list[bytes]:
    """Good texts of one target."""
    import numpy as np

    import spel

    if target in ("arch", "models"):
        from spel.io.annotation.libift_write import write_model

        bank = spel.KernelBank.random(spel.Adjacency.box(3), kernels=2, channels=3, seed=0)
        pool = spel.MaxPool(spel.Adjacency.box(3), stride=2)
        net = spel.chain(spel.Convolution(bank), spel.Activation("relu"), pool)
        write_model(folder / "seed-model", net)
        return [path.read_bytes() for path in (folder / "seed-model").iterdir()]
    if target == "classifiers":
        from sklearn.decomposition import PCA

        from spel.sklearn.encoding import encode
        from spel.sklearn.kinds import describe

        fitted = PCA(1).fit(np.random.default_rng(0).random((5, 3)))
        return [json.dumps(encode(describe(fitted, "PCA"), "PCA", {})).encode()]
    if target == "journals":
        from spel.runs import Entry, Identity

        entry = Entry("a.png", False, "cbf43926", Identity(3, 4, "ab"), 1.5)
        return [json.dumps(entry.to_dict()).encode()]
    return []


def fuzz(target: str, folder: Path, options: list[str]) -> None:
    """Inside the process of one target: never returns."""
    import atheris

    with atheris.instrument_imports(include=["spel"]):
        import spel.io

        for module in pkgutil.walk_packages(spel.io.__path__, "spel.io."):
            importlib.import_module(module.name)
        for name in ("nn.load", "sklearn.store", "runs.resume", "runs.manifest"):
            importlib.import_module(f"spel.{name}")
    atheris.Setup([sys.argv[0], *options], TARGETS[target](folder))
    atheris.Fuzz()


def run(target: str, seconds: int, keep: Path) -> tuple[str, bool]:
    """Fuzz one target; a line for people and whether it is clean."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = write_seeds(target, folder)
        (folder / "work").mkdir()
        keep.mkdir(parents=True, exist_ok=True)
        options = [
            f"-max_total_time={seconds}",
            "-timeout=5",
            "-rss_limit_mb=2048",
            "-max_len=20000",
            f"-artifact_prefix={keep}/{target}-",
            "-print_final_stats=1",
            "-verbosity=1",
            str(folder / "work"),
            str(folder / "seeds"),
        ]
        command = [sys.executable, __file__, "--inside", target, name, *options]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    runs = re.findall(r"number_of_executed_units: (\d+)", done.stderr) or ["0"]
    clean = done.returncode == 0
    took = time.monotonic() - start
    line = f"| {target} | {count} | {took:.0f} | {runs[-1]} | {'none' if clean else 'FOUND'} |"
    if not clean:
        print(done.stderr[-3000:], file=sys.stderr)
    return line, clean


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-found"))
    given = parser.parse_args()
    print("| target | seeds | seconds | inputs | findings |\n|---|---|---|---|---|")
    good = True
    for target in [given.target] if given.target else TARGETS:
        line, clean = run(target, given.seconds, given.keep)
        print(line, flush=True)
        good = good and clean
    if good and given.keep.exists() and not any(given.keep.iterdir()):
        given.keep.rmdir()
    return 0 if good else 6


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "src"))
    if sys.argv[1:2] == ["--inside"]:
        fuzz(sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
    sys.exit(main())
