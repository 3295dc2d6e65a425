"""Seeded mutants of files of networks, classifiers and restorers: refused on loading, or they work.

    python -m benchmarks.reliability.models --networks 3000 --classifiers 1660 --restorers 500

Mutants have odd values in their settings, fewer numbers in their tensors, changed bytes, or an end
cut off. Each is loaded, and what loads answers for a small image, in a process that may take 3 GiB
and 20 s for it. Bad are a crash, a hang, an error of another type than SpelError, any warning, and
an error after loading other than that of memory. Exit status 6 if there was any; --keep keeps them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import select
import signal
import struct
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import spel
from spel import zoo
from spel.errors import FormatError, NotLearnedError, SpelError

ROOT = Path(__file__).resolve().parents[2]
SECONDS, MEMORY, BATCH = 20.0, 3 << 30, 200
SIZES = {"U8": 1, "BOOL": 1, "F64": 8, "F32": 4, "I64": 8, "I32": 4, "U32": 4}
ODD = (
    *(None, True, False, -1, 0, 7, 0.5, 1e-300, 1e308, 1e40, 1e9, 1 << 40, 1 << 70, "x", ""),
    *([], {}, [1, 2], [1, "2"], [[1]], [0, 0, 0], [1e9, 1e9], "zero", "valid", {"a": 1}),
    *({"float": "nan"}, {"float": "1e308"}, {"float": "-inf"}, {"tensor": "none"}),
    *({"texts": [], "shape": [0]}, {"list": []}, {"keys": [], "values": []}, {"estimator": "SVC"}),
)
IMAGE = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)


def parts(data: bytes) -> tuple[dict[str, Any], Any, bytes]:
    """The header and the tensors of a safetensors file, and the settings in the header."""
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    return header, json.loads(header["__metadata__"]["spel"]), data[8 + length :]


def whole(header: dict[str, Any], settings: Any, tensors: bytes) -> bytes:
    header = {**header, "__metadata__": {"spel": json.dumps(settings)}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + tensors


def place(value: Any, draw: random.Random) -> tuple[Any, ...]:
    """A place in the settings, by a walk from the top: long lists are not hit more often."""
    path: tuple[Any, ...] = ()
    while isinstance(value, dict | list) and value and (not path or draw.random() > 0.1):
        key = draw.choice(list(value) if isinstance(value, dict) else range(len(value)))
        path, value = (*path, key), value[key]
    return path


def with_value(settings: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = json.loads(json.dumps(settings))
    spot = changed
    for key in path[:-1]:
        spot = spot[key]
    spot[path[-1]] = value
    return changed


def mutant(data: bytes, draw: random.Random) -> bytes:
    """One damaged file: mostly an odd value in the settings, else tensors, bytes or the end."""
    header, settings, tensors = parts(data)
    names = [name for name in header if name != "__metadata__"]
    way = draw.randrange(10)
    if way < 7:
        changed = with_value(settings, place(settings, draw), draw.choice(ODD))
        return whole(header, changed, tensors)
    if way == 7 and names:
        name = draw.choice(names)
        start, end = header[name]["data_offsets"]
        size = SIZES[header[name]["dtype"]]
        count = draw.randrange(0, (end - start) // size + 1)
        cut = {**header[name], "shape": [count], "data_offsets": [start, start + count * size]}
        return whole({**header, name: cut}, settings, tensors)
    if way == 8:
        return data[: draw.randrange(len(data))]
    changed = bytearray(data if draw.random() < 0.5 else tensors)
    for _ in range(draw.randrange(1, 20)):
        if changed:
            changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed) if len(changed) == len(data) else whole(header, settings, bytes(changed))


# -- files to damage, and what they are asked -----------------------------------------------------


def network_files(folder: Path) -> list[bytes]:
    """Networks of the zoo, one with every kind of simple layer, one of several classes."""
    nets = [zoo.get(name) for name in zoo.names()]
    box = spel.Adjacency.box(3)
    bank = spel.KernelBank.random(box, kernels=2, channels=3, seed=0)
    nets.append(
        spel.chain(
            spel.Convolution(bank, stride=2),
            spel.Activation("relu"),
            spel.nn.MeanPool(box),
            spel.nn.DivisiveNormalize(box),
            spel.nn.MaxPool(box, 2),
            spel.nn.Upsample(2),
        )
    )
    found = []
    for number, net in enumerate(nets):
        net.save(folder / f"{number}.safetensors")
        found.append((folder / f"{number}.safetensors").read_bytes())
    return found + [path.read_bytes() for path in sorted(ROOT.glob("tests/nn/version_0_1/*.saf*"))]


def ask_network(path: Path) -> None:
    net = zoo.load(path)
    image = IMAGE
    try:
        net.shape(image.shape)
    except SpelError:
        image = IMAGE[..., :1].copy()
        try:
            net.shape(image.shape)
        except SpelError as error:
            raise FormatError(str(error)) from error  # takes other images: says so before the work
    net(image)
    if "segmentation" in net.meta:
        spel.decide.segment_image(net, image)
    elif "decision" in net.meta:
        spel.detect(net, image)
    net.summary(image.shape)


def classifier_files(folder: Path) -> list[bytes]:
    """The files of the tests, of version 0.1 and as they are saved now."""
    from spel.sklearn import load, save

    found = []
    for path in sorted(ROOT.glob("tests/sklearn/files/*.safetensors")):
        found.append(path.read_bytes())
        save(load(path), folder / path.name)
        found.append((folder / path.name).read_bytes())
    return found


def ask_classifier(path: Path) -> None:
    from spel.sklearn import load

    model = load(path)
    model.predict(IMAGE[None, :8, :8])


def restorer_files(folder: Path) -> list[bytes]:
    """A small restorer of each task."""
    from spel.data import street
    from spel.synthesis import Task, learn_restorer, luma

    clean, found = luma(street(3).image, 255)[:90, :90], []
    for number, task in enumerate((Task("enlarge", 2), Task("denoise", 25))):
        learned = learn_restorer([clean], task, anchors=4, side=5, patches=2000)
        learned.save(folder / f"{number}.safetensors")
        found.append((folder / f"{number}.safetensors").read_bytes())
    return found


def ask_restorer(path: Path) -> None:
    from spel.synthesis import load_restorer

    load_restorer(path)(IMAGE, white=255.0)


KINDS: dict[str, tuple[Callable[[Path], list[bytes]], Callable[[Path], None]]] = {
    "networks": (network_files, ask_network),
    "classifiers": (classifier_files, ask_classifier),
    "restorers": (restorer_files, ask_restorer),
}


# -- trying ---------------------------------------------------------------------------------------


def outcome(path: Path, ask: Callable[[Path], None]) -> str:
    """What came of a file, as one word; ``late`` is an error after loading."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ask(path)
    except NotLearnedError:
        return "works"  # an architecture to be learned is a good file
    except FormatError as error:
        one_line = "\n" not in str(error) and len(str(error)) <= 700
        return "refused" if one_line else f"message {error!r:.300}"
    except SpelError as error:
        if " memory" in str(error):
            return "too large"
        return f"late {type(error).__name__}: {error!s:.200}"
    except BaseException as error:
        return f"untyped {type(error).__name__}: {error!s:.200}"
    return "works"


def work(sender: int, path: Path, seeds: list[bytes], ask: Any, seed: int, span: range) -> None:
    """Damage and try files; for each a line: its number before, its outcome after."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for number in span:
        os.write(sender, f"{number} ".encode())
        draw = random.Random(f"{seed}/{number}")
        path.write_bytes(mutant(seeds[number % len(seeds)], draw))
        os.write(sender, (outcome(path, ask).replace("\n", " ") + "\n").encode())


def batch(path: Path, seeds: list[bytes], ask: Any, seed: int, span: range) -> list[list[str]]:
    """Try files in a process of its own, up to the first that ends or hangs it."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        work(sender, path, seeds, ask, seed, span)
        os._exit(0)
    os.close(sender)
    text, since, end = b"", time.monotonic(), "crash"
    while True:
        left = SECONDS - (time.monotonic() - since)
        if left <= 0 or not select.select([receiver], [], [], left)[0]:
            os.kill(child, signal.SIGKILL)
            end = "hang"
            break
        piece = os.read(receiver, 1 << 16)
        if not piece:
            break
        text, since = text + piece, time.monotonic()
    os.close(receiver)
    os.waitpid(child, 0)
    lines = [line.split(" ", 1) for line in text.decode().splitlines()]
    return [[number, said or end] for number, said in lines]


def run(kind: str, count: int, seed: int, keep: Path | None) -> int:
    """Try so many files of a kind; how many were bad."""
    make, ask = KINDS[kind]
    counts, bad, number = Counter[str](), 0, 0
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "mutant.safetensors"
        seeds = make(Path(name))
        while number < count:
            span = range(number, min(count, number + BATCH))
            for one, said in batch(path, seeds, ask, seed, span):
                number = int(one) + 1
                counts[said if said in ("refused", "works", "too large") else "bad"] += 1
                if said in ("refused", "works", "too large"):
                    continue
                bad += 1
                print(f"BAD {kind} {one}: {said}", flush=True)
                if keep:
                    keep.mkdir(parents=True, exist_ok=True)
                    data = mutant(seeds[int(one) % len(seeds)], random.Random(f"{seed}/{one}"))
                    (keep / f"{kind}-{seed}-{one}.safetensors").write_bytes(data)
    print(f"| {kind} | {len(seeds)} | {count} | " + f"{dict(counts)} | {bad} |", flush=True)
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=3000)
    parser.add_argument("--classifiers", type=int, default=1660)
    parser.add_argument("--restorers", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the mutants that were bad")
    given = parser.parse_args()
    print("| files | seeds | mutants | outcomes | bad |\n|---|---|---|---|---|", flush=True)
    counts = {kind: getattr(given, kind) for kind in KINDS}
    bad = sum(run(kind, count, given.seed, given.keep) for kind, count in counts.items())
    return 6 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
