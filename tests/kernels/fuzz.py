"""Random operators and networks against their meaning, for a stated time.

    python -m tests.kernels.fuzz --seconds 60 [--seed 0]

Every case is drawn from its own seed, which is printed on failure: ``--case SEED`` runs it again.
Operators are held against the float64 reference with 1 and 2 threads and every instruction set;
networks against their layers one by one, whole, in batches and row by row.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from typing import Any

import numpy as np

from spel import nn
from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.threads import threads
from spel.kernels import _native, native, reference
from spel.kernels.stream import ACTIVATIONS
from spel.nn import Network, Node

Array = Any
DTYPES = ("f4", "f8", ">f4", ">i2", "u1", "?", "i4")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--case", type=int, help="run this one case only")
    given = parser.parse_args()
    if given.case is not None:
        case(given.case)
        return 0
    begin, count = time.monotonic(), 0
    while time.monotonic() - begin < given.seconds:
        seed = given.seed * 1_000_000 + count
        try:
            case(seed)
        except Exception:
            print(f"failed: python -m tests.kernels.fuzz --case {seed}", file=sys.stderr)
            raise
        count += 1
    print(f"{count} cases in {given.seconds:g} s, no difference (seed {given.seed})")
    return 0


def case(seed: int) -> None:
    rng = np.random.default_rng(seed)
    _native.use(str(rng.choice(_native.available())))
    operators(rng) if rng.random() < 0.5 else network(rng)


# -- operators -----------------------------------------------------------------------------------


def operators(rng: np.random.Generator) -> None:
    image = drawn_image(rng)
    displacements = drawn_displacements(rng, image.shape[2] > 1)
    channels, size = image.shape[1], image.shape[2:]
    stride = [int(s) for s in rng.integers(1, 4, 3)] if rng.random() < 0.5 else [1, 1, 1]
    start = [int(rng.integers(0, n)) for n in size] if rng.random() < 0.4 else [0, 0, 0]
    out = tuple(-(-(n - a) // s) for n, a, s in zip(size, start, stride))
    where: dict[str, Any] = {"start": start, "stride": stride}
    count = int(rng.integers(1, 30))
    weights = rng.standard_normal((count, len(displacements), channels)).astype(np.float32)
    bias = rng.standard_normal(count).astype(np.float32)
    loose = 1e-5 * (len(displacements) * channels + 1)
    compare(
        "convolve",
        (len(image), count, *out),
        loose,
        image,
        displacements,
        weights,
        bias,
        border=str(rng.choice(["constant", "edge", "reflect"])),
        fill=rng.standard_normal(channels).astype(np.float32),
        **where,
    )
    shape = (*image.shape[:2], *out)
    for flag in (True, False):
        compare("extremum", shape, 0, image, displacements, maximum=flag, **where)
        compare("mean_pool", shape, loose, image, displacements, full=flag, **where)
        compare("divide_by_norm", image.shape, loose, image, displacements, across_channels=flag)
    compare("activate", image.shape, 1e-5, image, str(rng.choice(ACTIVATIONS)), 0.3)
    mask = rng.random(size) < rng.random()
    if mask.size < 3000:
        labels, meant = (k.label(mask, displacements[:9]) for k in (native, reference))
        assert labels[1] == meant[1]
        assert np.array_equal(labels[0], meant[0])


def compare(
    name: str, shape: tuple[int, ...], tolerance: float, *args: Any, **options: Any
) -> None:
    one, two, meant = (np.full(shape, 7, np.float32) for _ in range(3))
    getattr(native, name)(*args, out=one, threads=1, **options)
    getattr(native, name)(*args, out=two, threads=2, **options)
    with np.errstate(all="ignore"):
        getattr(reference, name)(*args, out=meant, **options)
    assert np.array_equal(one.view(np.int32), two.view(np.int32)), f"{name}: threads differ"
    assert np.allclose(one, meant, rtol=tolerance, atol=tolerance, equal_nan=True), name


def drawn_image(rng: np.random.Generator) -> Array:
    planes = int(rng.choice([1, 1, 1, 4]))
    shape = (
        int(rng.integers(1, 3)),
        int(rng.integers(1, 5)),
        planes,
        int(rng.integers(1, 24)),
        int(rng.integers(1, 80)),
    )
    image = rng.standard_normal(shape) * 3
    image = image.astype(rng.choice(DTYPES))
    if image.dtype.kind == "f" and rng.random() < 0.3:
        image[rng.random(shape) < 0.05] = rng.choice([np.nan, np.inf, -np.inf])
    if rng.random() < 0.3:
        image = np.moveaxis(np.ascontiguousarray(np.moveaxis(image, 1, -1)), -1, 1)
    if rng.random() < 0.3:
        image = image[..., ::-1, ::-1]
    return image


def drawn_displacements(rng: np.random.Generator, planes: bool) -> Array:
    rows, cols = rng.integers(0, 30 if rng.random() < 0.2 else 8, 2)
    depth = int(rng.integers(0, 2)) if planes else 0
    box = itertools.product(
        range(-depth, depth + 1), range(-rows, rows + 1), range(-cols, cols + 1)
    )
    places = np.array(list(box), dtype=np.int64)
    kind = rng.random()
    if kind < 0.3:
        places = places[(places[:, 1:] ** 2).sum(axis=1) <= max(rows, cols) ** 2]
    elif kind < 0.6 or len(places) > 600:
        picked = rng.permutation(len(places))[: int(rng.integers(1, 40))]
        places = places[np.sort(picked)] + [0, *rng.integers(-3, 4, 2)]
    return places


# -- networks ------------------------------------------------------------------------------------


def network(rng: np.random.Generator) -> None:
    net = drawn_network(rng)
    shape = (int(rng.integers(1, 50)), int(rng.integers(1, 50)), 3)
    if rng.random() < 0.3:
        shape = (int(rng.integers(1, 4)), *shape)
    image = rng.standard_normal(shape).astype(np.float32)
    meant = {"input": image}
    for node in net:
        meant[node.name] = node.layer(*[meant[name] for name in node.inputs])
    for count in (1, 2):
        with threads(count):
            same(net(image), meant[net.output])
            for name, found in net.activations(image).items():
                same(found, meant[name])
    if len(shape) == 3 and not any(s.program is None for s in net.plan(shape).segments):
        step, height = int(rng.integers(1, 9)), int(rng.integers(1, 20))
        blocks = (image[at : at + step] for at in range(0, len(image), step))
        rows = list(net.plan(shape).rows(blocks, height=height))
        same(np.concatenate(rows), meant[net.output])


def same(one: Array, other: Array) -> None:
    assert one.shape == other.shape
    assert np.array_equal(one, other, equal_nan=True)


def drawn_network(rng: np.random.Generator) -> Network:
    """Random layers, each on any earlier activation."""
    nodes: list[Node] = []
    channels, strides = {"input": 3}, {"input": 1}

    def area() -> Adjacency:
        mask = rng.random((int(rng.integers(1, 9)), int(rng.integers(1, 28)))) < rng.choice(
            [0.5, 1]
        )
        mask[0, 0] = True
        return Adjacency.from_mask(mask)

    for index in range(int(rng.integers(1, 9))):
        of = str(rng.choice(list(channels)))
        count, stride, inputs = channels[of], 1, (of,)
        kind = int(rng.integers(0, 12))
        layer: Any
        if kind < 3:
            around, out = area(), int(rng.integers(1, 20))
            weights = rng.standard_normal((out, len(around), count)).astype(np.float32)
            bank = KernelBank(around, weights, rng.standard_normal(out).astype(np.float32))
            stride = int(rng.choice([1, 1, 2]))
            layer = nn.Convolution(bank, stride, str(rng.choice(["zero", "edge", "reflect"])))
            count = out
        elif kind == 3:
            layer = nn.Activation(str(rng.choice(["relu", "tanh", "abs"])))
        elif kind in (4, 5):
            stride = int(rng.choice([1, 1, 2]))
            layer = (nn.MaxPool if kind == 4 else nn.MinPool)(area(), stride)
        elif kind == 6:
            layer = nn.MeanPool(area(), count=str(rng.choice(["valid", "full"])))
        elif kind == 7:
            layer = nn.DivisiveNormalize(area(), across_channels=bool(rng.integers(2)))
        elif kind == 8:
            layer = nn.Residue(nn.DivisiveNormalize(area()))
        elif kind == 9:
            layer = nn.Scale(rng.standard_normal(count), rng.standard_normal(count))
        elif kind == 10:
            equal = [name for name in channels if strides[name] == strides[of]]
            inputs = tuple(rng.choice(equal, size=int(rng.integers(1, 4))).tolist())
            layer, of = nn.Concatenate(), inputs[0]
            count = sum(channels[name] for name in inputs)
        else:
            layer = nn.LinearNormalize()
        nodes.append(Node(f"n{index}", layer, inputs))
        channels[f"n{index}"], strides[f"n{index}"] = count, strides[of] * stride
        if count > 40:
            break
    return Network(tuple(nodes))


if __name__ == "__main__":
    sys.exit(main())
