"""PARITY: every kind of layer on every backend against the engine, within the stated bound."""

import importlib.util

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from spel import Adjacency, KernelBank, UnsupportedLayerError
from spel.backends import capability, compile
from spel.nn import KINDS, Network, Node, chain
from spel.nn.registry import is_own
from spel.testing.examples import EXAMPLES
from spel.testing.strategies import networks

BOX = Adjacency.box(3)
WIDE = Adjacency.rectangle(width=25, height=5)
OFF = Adjacency.from_displacements([(0, 2), (1, 0), (-1, -1)])
EMPTY = Adjacency.from_displacements([(-6, 0), (-6, 1), (5, 5)])  # some windows hold no spel
DISK = Adjacency.disk(4)
BANK = KernelBank.random(BOX, kernels=3, channels=2, seed=0)
RNG = np.random.default_rng(5)

CASES = {
    "activation.v1": [
        *[{"function": f} for f in ("relu", "leaky_relu", "elu", "sigmoid", "tanh", "gelu")],
        *[{"function": f} for f in ("softplus", "hard_sigmoid", "identity", "abs", "square")],
        *[{"function": f} for f in ("silu", "hard_swish")],
        {"function": "leaky_relu", "parameter": 0.3},
        {"function": "elu", "parameter": 0.5},
    ],
    "batch_normalize.v1": [
        {"mean": np.ones(2), "deviation": np.full(2, 2.0), "over": "channel"},
        {"mean": RNG.normal(size=(13, 17, 2)), "deviation": RNG.random((13, 17, 2)) + 0.5},
        {"mean": np.ones(2), "deviation": np.ones(2), "gamma": np.array([2.0, 3.0]), "beta": 1.0},
    ],
    "center.v1": [{}],
    "color.v1": [{"space": s} for s in ("grey", "rgb", "lab", "ycbcr")]
    + [{"space": s} for s in ("labnorm2", "labnorm2-rgba", "labnorm2-jpeg", "labnorm2-direct")],
    "concatenate.v1": [{}],
    "convolution.v1": [
        {"bank": BANK},
        *[{"bank": BANK, "border": b} for b in ("edge", "reflect", "symmetric")],
        *[{"bank": BANK, "border": b} for b in ("wrap", "valid", 1.5, (1.0, 2.0))],
        {"bank": BANK, "stride": (2, 3)},
        *[
            {"bank": KernelBank.random(a, kernels=4, channels=2, seed=1), "border": b, "stride": s}
            for a in (OFF, DISK, BOX.dilated((2, 3)), Adjacency.box((4, 2)))
            for b, s in (
                ("zero", 2),
                ("reflect", 1),
                ("symmetric", 2),
                ("edge", (1, 2)),
                ("valid", 1),
                (0.5, 1),
            )
        ],
    ],
    "decode.v1": [
        {"method": m, "labels": (True, False)}
        for m in ("lm", "lm-balanced", "ts", "ts*", "lt", "at", "pb", "mb")
    ],
    "divisive_normalize.v1": [
        {"adjacency": a, "across_channels": c, "centre": e}
        for a in (BOX, WIDE, DISK, OFF)
        for c, e in ((False, True), (True, False))
    ],
    "flatten.v1": [{}],
    "linear_normalize.v1": [{}, {"over": "channels"}],
    "residue.v1": [
        {"layer": KINDS["divisive_normalize.v1"](BOX)},
        {"layer": KINDS["divisive_normalize.v1"](BOX), "scale": "max"},
        {},
        {"scale": "max"},
    ],
    "scale.v1": [{"factor": [1.5, 2.0], "shift": [0.0, 1.0]}],
    "threshold.v1": [{"at": 0.5}, {"at": "p90"}, {"at": "p33.3"}, {"at": "otsu"}],
    "weighted_sum.v1": [{"weights": [1.0, -1.0], "bias": 0.25}],
}
CASES["transposed_convolution.v1"] = [
    {"bank": KernelBank(a, RNG.normal(size=(2, len(a), 3))), "stride": s, "border": b, "bias": 0.5}
    for a in (BOX, OFF, DISK, BOX.dilated((2, 3)), Adjacency.box((4, 2)))
    for s, b in ((1, "zero"), (2, "zero"), ((3, 2), "valid"))
]
CASES["upsample.v1"] = [
    {"factor": f, "method": m} for f in (2, (3, 1)) for m in ("nearest", "linear")
]
for kind in ("max_pool.v1", "min_pool.v1", "mean_pool.v1"):
    CASES[kind] = [
        {"adjacency": a, "stride": s, "border": b}
        for a in (BOX, WIDE, DISK, OFF, EMPTY, BOX.dilated(3), Adjacency.box((2, 4)))
        for s, b in ((1, "inside"), ((2, 3), "inside"), (2, "valid"))
        if not (b == "valid" and a in (WIDE, EMPTY))
    ]
    CASES[kind] += [
        {"adjacency": a, "stride": s, "border": b}
        for a in (DISK, OFF)
        for b, s in (("zero", 1), ("edge", 2), ("reflect", 1), ("symmetric", (1, 2)), ("wrap", 1))
    ]
CASES["pad.v1"] = [
    {"before": (2, 0), "after": (1, 3), "border": b}
    for b in ("zero", 2.5, (1.0, -1.0), "edge", "reflect", "symmetric", "wrap")
]
CASES["mean_pool.v1"] += [{"adjacency": a, "count": "full"} for a in (BOX, OFF, DISK)]
CASES = {**EXAMPLES, **CASES}
REFUSED = {
    "onnx": [("decode.v1", m) for m in ("ts", "ts*", "lt", "at", "pb", "mb")]
    + [("threshold.v1", "otsu")],
    "torch": [],
}
FLAT = [(kind, i) for kind, given in CASES.items() for i in range(len(given))]
BACKENDS = {"onnx": "onnxruntime", "torch": "torch"}


@pytest.fixture(params=BACKENDS)
def backend(request):
    for package in (BACKENDS[request.param], request.param):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    return request.param


def picture(kind, size=(13, 17)):
    if kind == "color.v1":
        return RNG.integers(0, 256, size=(*size, 3)).astype(np.float32)
    return np.round(RNG.normal(size=(*size, 2)), 2).astype(np.float32)


def difference(ours, theirs):
    assert ours.shape == theirs.shape
    return np.abs(ours.astype(float) - theirs).max(initial=0) / (np.abs(ours).max(initial=0) or 1)


def test_every_kind_has_cases():
    assert set(CASES) | {"unlearned.v1"} == set(filter(is_own, KINDS))


@pytest.mark.parametrize(("kind", "index"), FLAT)
def test_each_layer(backend, kind, index):
    options = CASES[kind][index]
    layer = KINDS[kind](**options)
    count = 2 if layer.inputs is None else layer.inputs
    inputs = ("input",) if count == 1 else ("input", "other")
    more = () if count == 1 else (Node("other", KINDS["scale.v1"]([0.5, 0.75])),)
    net = Network((*more, Node("it", layer, inputs)))
    image = picture(kind)
    mark = options.get("method", options.get("at"))
    if (kind, mark) in REFUSED[backend]:
        with pytest.raises(UnsupportedLayerError) as told:
            compile(net, image.shape, backend)
        assert "'it'" in told.value.__notes__[0]
        return
    run = compile(net, image.shape, backend)
    assert difference(net(image), run(image)) <= capability(kind).bound
    pair = np.stack([image, picture(kind)])
    assert difference(net(pair), run(pair)) <= capability(kind).bound
    if kind != "batch_normalize.v1":  # statistics per spel fix the size
        other = picture(kind, (15, 26))
        assert difference(net(other), run(other)) <= capability(kind).bound


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("space", ["grey", "rgb", "lab", "labnorm2"])
def test_colors_of_any_number_of_channels(backend, space, channels):
    image = RNG.integers(0, 256, size=(5, 6, channels)).astype(np.float32)
    net = chain(KINDS["color.v1"](space))
    assert difference(net(image), compile(net, image.shape, backend)(image)) <= 1e-5


@pytest.mark.parametrize("over", ["spel", "channel"])
def test_statistics_of_the_batch_itself(backend, over):
    batch = RNG.normal(size=(5, 4, 3, 2)).astype(np.float32)
    net = chain(KINDS["batch_normalize.v1"](over=over, gamma=np.array([2.0, 1.0])))

    run = runner(net, batch.shape[1:], backend)
    assert difference(net(batch), run(batch)) <= 1e-5
    net = chain(KINDS["linear_normalize.v1"](over="batch"))
    assert difference(net(batch), runner(net, batch.shape[1:], backend)(batch)) <= 1e-5


def stepped(net, image):
    """The network layer by layer: what it means, whatever the engine fuses."""
    done = {"input": image}
    for node in net.nodes:
        done[node.name] = node.layer(*[done[name] for name in node.inputs])
    return done[net.output]


def runner(net, shape, backend):
    """As `compile`, without the check that one image of this shape fits."""
    if backend == "onnx":
        from spel.backends.onnx_export import compile_onnx

        return compile_onnx(net, shape)
    from spel.backends.torch_export import compile_torch

    return compile_torch(net, shape)


def test_volumes(backend):
    ball = Adjacency.ball(1.5)
    net = chain(
        KINDS["convolution.v1"](KernelBank.random(ball, kernels=3, channels=1, seed=0)),
        KINDS["activation.v1"](),
        KINDS["max_pool.v1"](Adjacency.box(3, ndim=3), stride=2),
        KINDS["divisive_normalize.v1"](ball),
        KINDS["mean_pool.v1"](Adjacency.box((3, 1, 5))),
    )
    volume = RNG.normal(size=(6, 7, 8, 1)).astype(np.float32)
    assert difference(net(volume), compile(net, volume.shape, backend)(volume)) <= 1e-5


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(net=networks(2, layers=5), seed=st.integers(0, 2**31))
def test_fifty_random_networks(backend, net, seed):
    image = np.random.default_rng(seed).normal(size=(13, 14, 2)).astype(np.float32)
    ours = stepped(net, image)
    assert difference(ours, compile(net, image.shape, backend)(image)) <= 1e-4
