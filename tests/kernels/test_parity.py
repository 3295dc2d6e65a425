"""PARITY: native kernels against the float64 reference, every instruction set, 1 and 2 threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from spel import Adjacency
from spel.kernels import native, reference
from spel.kernels.reference_color import recolor
from spel.kernels.store import store
from spel.kernels.stream import ACTIVATIONS, SPACES

from .draw import Array, Case, cases, images

EPS = float(np.finfo(np.float32).eps)
few = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def run(name: str, shape: tuple[int, ...], *args: Any, **options: Any) -> tuple[Array, Array]:
    """Native (the same bits with one thread and two) and reference results."""
    single, double, meant = (np.full(shape, 7, np.float32) for _ in range(3))
    getattr(native, name)(*args, out=single, threads=1, **options)
    getattr(native, name)(*args, out=double, threads=2, **options)
    assert np.array_equal(single.view(np.int32), double.view(np.int32))
    getattr(reference, name)(*args, out=meant, **options)
    return single, meant


@few
@given(
    case=cases(),
    kernels=st.integers(1, 20),
    border=st.sampled_from(["constant", "edge", "reflect", "symmetric", "wrap"]),
)
def test_convolve_within_the_bound(isa: str, case: Case, kernels: int, border: str) -> None:
    channels = case.image.shape[1]
    rng = np.random.default_rng(len(case.displacements))
    weights = rng.standard_normal((kernels, len(case.displacements), channels)).astype(np.float32)
    bias = rng.standard_normal(kernels).astype(np.float32)
    fill = rng.standard_normal(channels).astype(np.float32)
    shape = (len(case.image), kernels, *case.out_size)
    where = {"start": case.start, "stride": case.stride, "border": border}
    got, meant = run(
        "convolve", shape, case.image, case.displacements, weights, bias, fill=fill, **where
    )
    scale = np.empty_like(got)
    reference.convolve(
        np.abs(case.image.astype(np.float64)),
        case.displacements,
        np.abs(weights),
        np.abs(bias),
        fill=np.abs(fill),
        out=scale,
        **where,
    )
    terms = len(case.displacements) * channels + 1
    assert np.all(np.abs(got - meant) <= 2 * terms * EPS * scale)


@few
@given(case=cases(), maximum=st.booleans())
def test_extremum_is_exact(isa: str, case: Case, maximum: bool) -> None:
    shape = (*case.image.shape[:2], *case.out_size)
    got, meant = run(
        "extremum",
        shape,
        case.image,
        case.displacements,
        maximum=maximum,
        start=case.start,
        stride=case.stride,
    )
    assert np.array_equal(got, meant)


@few
@given(case=cases(), full=st.booleans())
def test_mean_within_the_bound(isa: str, case: Case, full: bool) -> None:
    shape = (*case.image.shape[:2], *case.out_size)
    where = {"full": full, "start": case.start, "stride": case.stride}
    got, meant = run("mean_pool", shape, case.image, case.displacements, **where)
    scale = np.empty_like(got)
    reference.mean_pool(
        np.abs(case.image.astype(np.float64)), case.displacements, out=scale, **where
    )
    assert np.all(np.abs(got - meant) <= 2 * len(case.displacements) * EPS * scale + 1e-30)


@few
@given(case=cases(), across=st.booleans())
def test_norm_within_the_bound(isa: str, case: Case, across: bool) -> None:
    got, meant = run(
        "divide_by_norm",
        case.image.shape,
        case.image,
        case.displacements,
        across_channels=across,
    )
    terms = len(case.displacements) * case.image.shape[1]
    assert np.allclose(got, meant, rtol=2 * (terms + 4) * EPS, atol=0)


@few
@given(image=images(), kind=st.sampled_from(ACTIVATIONS))
def test_activation_within_the_bound(isa: str, image: Array, kind: str) -> None:
    got, meant = run("activate", image.shape, image, kind, 0.3)
    assert np.allclose(got, meant, rtol=4 * EPS, atol=1e-7)


@few
@given(case=cases(), share=st.floats(0.01, 0.5), maximum=st.booleans())
def test_nan_spreads_exactly_to_its_adjacents(
    isa: str, case: Case, share: float, maximum: bool
) -> None:
    image = case.image.astype(np.float32)
    image[np.random.default_rng(0).random(image.shape) < share] = np.nan
    shape = (*image.shape[:2], *case.out_size)
    got, meant = run(
        "extremum",
        shape,
        image,
        case.displacements,
        maximum=maximum,
        start=case.start,
        stride=case.stride,
    )
    assert np.array_equal(got, meant, equal_nan=True)


@few
@given(case=cases(), share=st.floats(0.05, 0.9))
def test_label_equals_reference(case: Case, share: float) -> None:
    rng = np.random.default_rng(len(case.displacements))
    mask = rng.random(case.image.shape[2:]) < share
    labels, count = native.label(mask, case.displacements)
    meant, meant_count = reference.label(mask, case.displacements)
    assert count == meant_count
    assert np.array_equal(labels, meant)


@pytest.mark.parametrize("size", [(3, 1), (2, 2), (4, 63), (4, 64), (5, 65), (3, 193)])
@pytest.mark.parametrize("step", [1, -1, 2])
def test_label_of_every_width_equals_reference(size: tuple[int, int], step: int) -> None:
    rng = np.random.default_rng(size[1])
    for share in (0.3, 0.8, 1.0):
        mask = (rng.random((2, size[0], size[1] * abs(step))) < share)[..., ::step]
        for displacements in (
            Adjacency.box(3).displacements_3d,
            Adjacency.disk(1).displacements_3d,
        ):
            labels, _ = native.label(mask, displacements)
            assert np.array_equal(labels, reference.label(mask, displacements)[0])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("steps", [(0, 40, 1), (200, 80, 2)])
def test_gather_equals_reference(channels: int, steps: tuple[int, int, int]) -> None:
    values = np.arange(400 * channels + 3, dtype=np.float32)
    spans = [(0, channels), (2 * channels, 3 * channels), (40 * channels, 5 * channels)]
    wide = tuple(channels * step for step in steps)
    got, meant = np.empty((2, 2, 2, 3, 9 * channels), np.float32)
    native.gather(values, spans, grid=(2, 2, 3), steps=wide, out=got)
    reference.gather(values, spans, grid=(2, 2, 3), steps=wide, out=meant)
    assert np.array_equal(got, meant)


@few
@given(
    case=cases(),
    kind=st.sampled_from(["plain", "strided", "reversed", "interleaved"]),
    dtype=st.sampled_from([np.float32, np.uint8]),
)
def test_out_of_any_strides_and_either_type(isa: str, case: Case, kind: str, dtype: type) -> None:
    shape = (*case.image.shape[:2], *case.out_size)
    where = {"full": False, "start": case.start, "stride": case.stride}
    plain, meant = np.empty(shape, np.float32), np.empty(shape, dtype)
    native.mean_pool(case.image, case.displacements, out=plain, **where)
    store(meant, plain)
    if kind == "plain":
        out = np.empty(shape, dtype)
    elif kind == "strided":
        out = np.empty((*shape[:-1], 2 * shape[-1]), dtype)[..., ::2]
    elif kind == "reversed":
        out = np.empty(shape, dtype)[..., ::-1, ::-1]
    else:
        out = np.moveaxis(np.empty((shape[0], *shape[2:], shape[1]), dtype), -1, 1)
    for threads in (1, 2):
        native.mean_pool(case.image, case.displacements, out=out, threads=threads, **where)
        assert np.array_equal(out, meant)


def test_bytes_are_rounded_half_to_even_and_saturated(isa: str) -> None:
    inf, nan, tiny = np.inf, np.nan, np.float32(1e-45)
    row = [-inf, -300, -1, -0.5, -0.0, tiny, 0.49999997, 0.5, 0.50000006, 1.5, 2.5, 127.5, 128.5]
    row += [253.5, 254.49998, 254.5, 254.50002, 255, 255.5, 256, 3e9, 3e38, inf, nan, -nan]
    meant = [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 2, 128, 128]
    meant += [254, 254, 254, 255, 255, 255, 255, 255, 255, 255, 0, 0]
    image = np.tile(np.array(row, np.float32), 3).reshape(1, 1, 1, 1, -1).repeat(4, axis=3)
    for kernels, threads in ((native, 1), (native, 2), (reference, 1)):
        out = np.full(image.shape, 7, np.uint8)
        kernels.activate(image, "identity", 0.0, out=out, threads=threads)
        assert out[0, 0, 0].tolist() == [meant * 3] * 4


@pytest.mark.parametrize("size", [(0, 1, 1, 4, 4), (2, 1, 1, 0, 4), (2, 1, 1, 4, 0)])
def test_nothing_in_nothing_out(size: tuple[int, ...]) -> None:
    out = np.empty(size, np.float32)
    centre = np.zeros((1, 3), np.int64)
    native.extremum(out, centre, maximum=True, start=(0, 0, 0), stride=(1, 1, 1), out=out)
    native.activate(out, "relu", 0.0, out=out)


def test_one_convolution_is_the_same_bits_in_any_layout(isa: str) -> None:
    rng = np.random.default_rng(1)
    image = rng.standard_normal((1, 3, 1, 40, 53)).astype(np.float32)
    layouts = [
        image,
        image.astype(">f8"),
        np.moveaxis(np.ascontiguousarray(np.moveaxis(image, 1, -1)), -1, 1),
        np.ascontiguousarray(image[..., ::-1])[..., ::-1],
    ]
    displacements = np.array([(0, r, c) for r in (-1, 0, 1) for c in (-2, 0, 2)])
    weights = rng.standard_normal((5, 9, 3)).astype(np.float32)
    results = []
    for layout in layouts:
        out = np.empty((1, 5, 1, 40, 53), np.float32)
        native.convolve(
            layout,
            displacements,
            weights,
            np.zeros(5, np.float32),
            start=(0, 0, 0),
            stride=(1, 1, 1),
            border="constant",
            fill=np.zeros(3, np.float32),
            out=out,
        )
        results.append(out.tobytes())
    assert len(set(results)) == 1


@few
@given(
    rows=st.integers(1, 30),
    cols=st.integers(1, 30),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    low=st.tuples(st.floats(-3, 20), st.floats(-3, 20)),
    side=st.tuples(st.floats(0.25, 40), st.floats(0.25, 40)),
    seed=st.integers(0, 99),
)
def test_resize_of_any_box(
    rows: int,
    cols: int,
    size: tuple[int, int],
    low: tuple[float, float],
    side: tuple[float, float],
    seed: int,
) -> None:
    image = np.random.default_rng(seed).random((rows, cols), np.float32)[:, ::-1]
    box = (low[0], low[1], low[0] + side[0], low[1] + side[1])
    got, meant = native.resize(image, box, size), reference.resize(image, box, size)
    np.testing.assert_allclose(got, meant, atol=2e-5)


@few
@given(
    whole=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    data=st.data(),
)
def test_a_part_is_resized_as_in_the_whole(
    whole: tuple[int, int], size: tuple[int, int], data: st.DataObject
) -> None:
    image = np.random.default_rng(whole[0]).random(whole, np.float32)
    part, origin, window = [], [], []
    for n, out in zip(whole, size):
        first = data.draw(st.integers(0, out - 1))
        last = data.draw(st.integers(first + 1, out))
        reach = max(n / out, 1.0) + 1
        low = max(0, int(first * n / out - reach))
        part.append(slice(first, last))
        origin.append(low)
        window.append(slice(low, min(n, int(last * n / out + reach) + 1)))
    box = (0.0, 0.0, float(whole[1]), float(whole[0]))
    for kernels, error in ((native, 0.0), (reference, 1e-6)):
        expected = kernels.resize(image, box, size)[tuple(part)]
        got = kernels.resize_part(
            image[tuple(window)], tuple(origin), whole, box, size, tuple(part)
        )
        np.testing.assert_allclose(got, expected, rtol=0, atol=error)


@few
@given(
    image=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    degrees=st.floats(-200, 200),
)
def test_rotate_by_any_angle(image: tuple[int, int], size: tuple[int, int], degrees: float) -> None:
    spels = np.random.default_rng(image[0]).random(image, np.float32)[:, ::-1]
    got, meant = native.rotate(spels, degrees, size), reference.rotate(spels, degrees, size)
    np.testing.assert_allclose(got, meant, atol=2e-6)


def test_rotate_is_what_pillow_makes() -> None:
    from PIL import Image

    image = np.random.default_rng(0).random((40, 50), np.float32)
    c, s = np.cos(np.deg2rad(8)), np.sin(np.deg2rad(8))
    edges = (c, -s, 25 - (c * 30 - s * 20) / 2, s, c, 20 - (s * 30 + c * 20) / 2)
    expected = Image.fromarray(image).transform(
        (30, 20), Image.Transform.AFFINE, edges, Image.Resampling.BILINEAR
    )
    np.testing.assert_allclose(native.rotate(image, 8.0, (20, 30)), expected, atol=2e-6)


def test_what_no_spel_reads_does_not_count() -> None:
    image = np.full((3, 40), np.nan, np.float32)
    image[1] = np.arange(40)
    np.testing.assert_array_equal(native.rotate(image, 0.0, (1, 40)), image[1:2])


def test_resize_is_what_pillow_makes() -> None:
    from PIL import Image

    image = np.random.default_rng(1).random((60, 90), np.float32)
    for size in [(60, 90), (43, 61), (20, 33), (100, 95), (7, 5)]:
        pillow = Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR)
        got = native.resize(image, (0, 0, 90, 60), size)
        np.testing.assert_allclose(got, np.asarray(pillow), atol=5e-6)


@pytest.mark.parametrize("space", SPACES)
def test_colors_within_one_rounding(isa: str, space: str) -> None:
    """Every step of 8 bits in each channel, unit floats, small numbers and numbers out of range."""
    ramp = np.arange(256, dtype=np.uint8)
    eight = np.stack([ramp, ramp[::-1], np.roll(ramp, 77)])[None, :, None, None]
    greys = np.stack([ramp] * 3)[None, :, None, None]
    rng = np.random.default_rng(0)
    unit = rng.random((2, 3, 2, 5, 37), np.float32) ** 4 * 1.1 - 0.01
    many = rng.integers(0, 256, (1, 3, 1, 100, 401), np.uint8)
    for image, white in (
        (eight, 255.0),
        (many, 255.0),
        (greys, 255.0),
        (eight * np.uint16(257), 65535.0),
        (unit, 1.0),
    ):
        single, double, meant = (np.full(image.shape, 7, np.float32) for _ in range(3))
        native.recolor(image, space, white, out=single)
        native.recolor(image, space, white, out=double, threads=2)
        recolor(image, space, white, out=meant)
        assert np.array_equal(single.view(np.int32), double.view(np.int32))
        assert np.all(np.abs(single - meant) <= EPS * np.maximum(np.abs(meant), 1e-5))


def test_colors_of_nan_are_nan(isa: str) -> None:
    image = np.full((1, 3, 1, 1, 9), np.nan, np.float32)
    for space in SPACES:
        native.recolor(image, space, 1.0, out=(out := np.zeros_like(image)))
        assert np.isnan(out).all()
