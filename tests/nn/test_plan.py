"""LAW: a streamed network gives the bits of its layers called one by one, in whatever pieces."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from spel import kernels
from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.threads import threads
from spel.errors import ParameterError, ShapeError
from spel.nn import (
    Activation,
    Add,
    ArgMax,
    BatchNormalize,
    Clip,
    Color,
    Concatenate,
    Convolution,
    DivisiveNormalize,
    LinearNormalize,
    MaxPool,
    MeanPool,
    MinPool,
    Multiply,
    Network,
    Node,
    PReLU,
    Residue,
    Scale,
    Softmax,
    WeightedSum,
    chain,
)

native = pytest.mark.skipif(kernels.choice != "native", reason="the stream is the engine's")


def one_by_one(net: Network, image: Any) -> dict[str, Any]:
    done = {"input": net.with_channel_axis(image)}
    for node in net:
        done[node.name] = node.layer(*[done[name] for name in node.inputs])
    return done


def same(one: Any, other: Any) -> bool:
    return one.shape == other.shape and np.array_equal(one, other, equal_nan=True)


def plate() -> Network:
    wide = Adjacency.rectangle(width=25, height=5)
    return chain(
        grey=Color("grey"),
        edges=Convolution(KernelBank.sobel("col")),
        relu=Activation("relu"),
        join=MaxPool(wide),
        residue=Residue(DivisiveNormalize(wide)),
    )


@st.composite
def networks(draw: st.DrawFn, whole: bool = True) -> Network:
    """A random graph over three channels: any layer may take any earlier activation."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    nodes: list[Node] = []
    channels, strides = {"input": 3}, {"input": 1}

    def area() -> Adjacency:
        size = (int(rng.integers(1, 6)), int(rng.integers(1, 12)))
        mask = rng.random(size) < 0.6
        mask[0, 0] = True
        return Adjacency.from_mask(mask)

    for index in range(draw(st.integers(1, 7))):
        name = f"n{index}"
        of = str(rng.choice(list(channels)))
        inputs: tuple[str, ...] = (of,)
        count, stride = channels[of], 1
        kind = draw(st.integers(0, 14 if whole else 13))
        layer: Any
        if kind in (0, 1):
            around, k = area(), int(rng.integers(1, 5))
            weights = rng.standard_normal((k, len(around), count)).astype(np.float32)
            bank = KernelBank(around, weights, rng.standard_normal(k).astype(np.float32))
            stride = int(rng.choice([1, 1, 2]))
            layer = Convolution(
                bank, stride, str(rng.choice(["zero", "edge", "reflect", "symmetric", "wrap"]))
            )
            count = k
        elif kind == 2:
            layer = Activation(str(rng.choice(["relu", "tanh", "abs"])))
        elif kind == 3:
            stride = int(rng.choice([1, 1, 2, 3]))
            border = str(rng.choice(["inside", "edge", "symmetric", "zero", "wrap"]))
            layer = MaxPool(area(), stride, border)
        elif kind == 4:
            layer = MinPool(area())
        elif kind == 5:
            layer = MeanPool(area(), count=str(rng.choice(["valid", "full"])))
        elif kind == 6:
            layer = DivisiveNormalize(area(), across_channels=bool(rng.integers(2)))
        elif kind == 7:
            layer = Residue(DivisiveNormalize(area()))
        elif kind == 8:
            layer = Scale(rng.standard_normal(count), rng.standard_normal(count))
        elif kind == 9:
            layer, count = WeightedSum(rng.standard_normal(count)), 1
        elif kind == 10:
            same = [n for n in channels if strides[n] == strides[of]]
            inputs = tuple(rng.choice(same, size=int(rng.integers(1, 4))).tolist())
            layer, count = Concatenate(), sum(channels[n] for n in inputs)
            of = inputs[0]
        elif kind == 11:
            same = [n for n in channels if strides[n] == strides[of] and channels[n] in (1, count)]
            inputs = (of, *rng.choice(same, size=int(rng.integers(0, 3))).tolist())
            layer = (Add, Multiply)[int(rng.integers(2))]()
        elif kind == 12:
            layer = (Clip(-0.5, 0.5), PReLU(rng.standard_normal(count)))[int(rng.integers(2))]
        elif kind == 13:
            layer = (Softmax(), ArgMax())[int(rng.integers(2))]
            count = count if isinstance(layer, Softmax) else 1
        else:
            layer = LinearNormalize()
        nodes.append(Node(name, layer, inputs))
        channels[name], strides[name] = count, strides[of] * stride
        if (kind == 3 and stride == 3) or count > 20:
            break
    return Network(tuple(nodes))


@native
@settings(max_examples=60, deadline=None)
@given(net=networks(), rows=st.integers(1, 30), cols=st.integers(1, 40), count=st.integers(1, 2))
def test_streamed_is_layer_by_layer(net: Network, rows: int, cols: int, count: int) -> None:
    image = np.random.default_rng(rows).standard_normal((rows, cols, 3)).astype(np.float32)
    meant = one_by_one(net, image)
    with threads(count):
        assert same(net(image), meant[net.output])
        for name, activation in net.activations(image).items():
            assert same(activation, meant[name]), name


@native
@settings(max_examples=40, deadline=None)
@given(
    net=networks(whole=False),
    rows=st.integers(1, 60),
    height=st.integers(1, 9),
    block=st.integers(1, 7),
)
def test_row_by_row_is_the_whole(net: Network, rows: int, height: int, block: int) -> None:
    image = np.random.default_rng(rows).standard_normal((rows, 21, 3)).astype(np.float32)
    blocks = (image[at : at + block] for at in range(0, rows, block))
    parts = list(net.plan(image.shape).rows(blocks, height=height))
    assert same(np.concatenate(parts), net(image))


@native
def test_a_batch_and_a_volume_stream() -> None:
    rng = np.random.default_rng(0)
    batch = rng.random((5, 28, 28, 3), dtype=np.float32)
    net = plate()
    assert len(net.plan(batch.shape).segments) == 1
    meant = np.stack([net(image) for image in batch])
    with threads(2):
        assert np.array_equal(net(batch), meant)
    volume = rng.random((6, 9, 11, 1), dtype=np.float32)
    ball = Adjacency.ball(2, ndim=3)
    solid = chain(max=MaxPool(ball), norm=DivisiveNormalize(ball))
    assert np.array_equal(solid(volume), one_by_one(solid, volume)["norm"])


@native
def test_whole_image_nodes_split_the_plan() -> None:
    near = Adjacency.box(3)
    net = chain(
        low=MeanPool(near), linear=LinearNormalize(), top=MaxPool(near), relu=Activation("relu")
    )
    plan = net.plan((20, 30, 2))
    assert [[n.name for n in s.nodes] for s in plan.segments] == [
        ["low"],
        ["linear"],
        ["top", "relu"],
    ]
    assert [s.program is None for s in plan.segments] == [False, True, False]


@native
def test_fitted_batch_normalization_streams() -> None:
    batch = np.random.default_rng(0).random((4, 8, 9, 2), dtype=np.float32)
    for over in ("spel", "channel"):
        net = chain(norm=BatchNormalize(over=over).fitted(batch), relu=Activation("relu"))
        assert np.array_equal(net(batch), one_by_one(net, batch)["relu"])


@native
def test_a_plan_prints_segments_buffers_and_limit() -> None:
    text = str(plate().plan((240, 352, 3)))
    assert "segment 1: streamed, input -> residue" in text
    assert "with the node before" in text
    assert "at best" in text


@native
def test_a_profile_names_every_node() -> None:
    from spel.nn.profile import profile, report

    net = plate()
    timings = profile(net, np.ones((40, 60, 3), np.uint8))
    assert [t.name for t in timings] == list(net.names)
    assert "residue" in report(timings)


@native
def test_plans_stay_behind_when_a_network_travels() -> None:
    net = plate()
    image = np.ones((10, 12, 3), np.uint8)
    before = net(image)
    for other in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert np.array_equal(other(image), before)


@native
def test_rows_refuse_what_they_cannot_do() -> None:
    image = np.zeros((9, 8, 1), np.float32)
    with pytest.raises(ParameterError, match="single streamed"):
        list(chain(LinearNormalize()).plan(image.shape).rows([image]))
    net = chain(Activation("relu"))
    with pytest.raises(ShapeError, match="a block of shape"):
        list(net.plan(image.shape).rows([image[:4]]))


def test_a_plan_that_does_not_fit_is_refused_with_its_size_before_it_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = np.ones((50, 60, 3), dtype=np.float32)
    plan = plate().plan(image.shape)
    assert plan.memory >= 4 * 50 * 60
    monkeypatch.setattr("spel.core.memory.memory_limit", lambda: plan.memory - 1)
    with pytest.raises(ParameterError, match=r"would take .* GiB of memory, this process may"):
        plan.run(image)
    monkeypatch.setattr("spel.core.memory.memory_limit", lambda: None)
    plan.run(image)


def test_wide_strides_and_far_displacements_take_bounded_memory() -> None:
    with pytest.raises(ParameterError, match="from 1 to 1,048,576"):
        MaxPool(Adjacency.box(3), stride=10_000_000)
    far = MaxPool(Adjacency.box(3), stride=1 << 20)
    assert chain(far, MaxPool(Adjacency.box(3))).plan((200, 300, 1)).ring_bytes < 1 << 28
