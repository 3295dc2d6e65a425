"""ONNX's own node tests: convolution, pooling, normalization and activations of one node each.

The cases come from `onnx.backend.test.case.node`. A node is written with spel's operators: ONNX
places a window at ``o * stride - pad``, so its displacements are ``i * dilation - pad``, and the
outputs are the first ``floor((n + pads - extent) / stride) + 1`` of them.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import spel
from benchmarks.suites.count import Count
from spel import Adjacency, KernelBank, ops

Array = np.ndarray[Any, Any]
ACTIVATIONS = {
    "Relu": ("relu", None, None),
    "Sigmoid": ("sigmoid", None, None),
    "Tanh": ("tanh", None, None),
    "Softplus": ("softplus", None, None),
    "Abs": ("abs", None, None),
    "LeakyRelu": ("leaky_relu", "alpha", 0.01),
    "Elu": ("elu", "alpha", 1.0),
}
POOLS = {"Conv", "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"}
OURS = {*ACTIVATIONS, *POOLS, "BatchNormalization"}


class NotOurs(Exception):
    """The case asks for something that spel's operators do not have."""


def geometry(attributes: dict[str, Any], size: tuple[int, ...], kernel: tuple[int, ...]) -> Any:
    """Displacements, strides and the number of outputs of a sliding window, per axis."""
    ndim = len(kernel)
    stride = attributes.get("strides", [1] * ndim)
    dilation = attributes.get("dilations", [1] * ndim)
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    before = list(attributes.get("pads", [0] * 2 * ndim))[:ndim]
    after = list(attributes.get("pads", [0] * 2 * ndim))[ndim:]
    automatic = attributes.get("auto_pad", b"NOTSET").decode()
    if automatic.startswith("SAME"):
        outputs = [-(-n // s) for n, s in zip(size, stride, strict=True)]
        total = [
            max(0, (o - 1) * s + e - n)
            for o, s, e, n in zip(outputs, stride, extent, size, strict=True)
        ]
        before = [t // 2 if automatic == "SAME_UPPER" else t - t // 2 for t in total]
        after = [t - b for t, b in zip(total, before, strict=True)]
    rounding = attributes.get("ceil_mode", 0)
    outputs = []
    for n, e, s, b, a in zip(size, extent, stride, before, after, strict=True):
        room = n + b + a - e
        count = (-(-room // s) if rounding else room // s) + 1
        outputs.append(count - 1 if rounding and (count - 1) * s >= n + b else count)
    axes = [[i * d - b for i in range(k)] for k, d, b in zip(kernel, dilation, before, strict=True)]
    places = list(itertools.product(*axes))
    return places, tuple(stride), tuple(outputs)


def slide(
    image: Array, outputs: tuple[int, ...], stride: tuple[int, ...], call: Callable[[Array], Array]
) -> Array:
    """Call an operator and keep the outputs that ONNX counts."""
    result = call(image)
    reached = result.shape[1:-1]
    if any(o > r for o, r in zip(outputs, reached, strict=True)):
        raise NotOurs("a window that begins outside the image")
    return result[(slice(None), *(slice(0, o) for o in outputs))]


def planes(array: Array) -> tuple[Array, int]:
    """(N, C, *size) as a batch with channels last, of at least two axes of space."""
    ndim = array.ndim - 2
    if ndim not in (1, 2, 3):
        raise NotOurs(f"{ndim} axes of space")
    last = np.moveaxis(array, 1, -1)
    return (last[:, None] if ndim == 1 else last), ndim


def lifted(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """A second axis of space before the only one."""
    return (0, *numbers) if len(numbers) == 1 else numbers


def run(node: Any, inputs: list[Array]) -> Array:
    """The output of one ONNX node, by spel's operators."""
    import onnx

    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    kind = node.op_type
    if len(node.output) > 1 or any(a.dtype not in (np.float32, np.float64) for a in inputs):
        raise NotOurs("another output or type")
    if kind in ACTIVATIONS:
        name, attribute, default = ACTIVATIONS[kind]
        parameter = None if attribute is None else attributes.get(attribute, default)
        return ops.activate(np.atleast_2d(inputs[0]), name, parameter=parameter).reshape(
            inputs[0].shape
        )
    if kind == "BatchNormalization":
        return batch_normalization(inputs, attributes)
    if kind in ("GlobalMaxPool", "GlobalAveragePool"):
        attributes, kernel = {}, inputs[0].shape[2:]
        kind = kind.removeprefix("Global")
    elif kind == "Conv":
        kernel = inputs[1].shape[2:]
    else:
        kernel = tuple(attributes["kernel_shape"])
    image, ndim = planes(inputs[0])
    places, stride, outputs = geometry(attributes, inputs[0].shape[2:], tuple(kernel))
    adjacency = Adjacency.from_displacements([lifted(p) for p in places])
    stride, outputs = ((1, *stride), (1, *outputs)) if ndim == 1 else (stride, outputs)

    def call(batch: Array) -> Array:
        if kind == "Conv":
            return convolution(batch, adjacency, inputs, attributes, stride)
        if kind == "MaxPool":
            return ops.max_pool(batch, adjacency, stride=stride)
        if attributes.get("count_include_pad", 0) and attributes.get("ceil_mode", 0):
            raise NotOurs("counts the padding of windows that leave it")
        count = "full" if attributes.get("count_include_pad", 0) else "valid"
        return ops.mean_pool(batch, adjacency, stride=stride, count=count)

    result = np.moveaxis(slide(image, outputs, stride, call), -1, 1)
    return result[:, :, 0] if ndim == 1 else result


def convolution(
    batch: Array, adjacency: Adjacency, inputs: list[Array], attributes: Any, stride: Any
) -> Array:
    """ONNX's Conv of any number of groups: one bank for each group."""
    kernels, groups = inputs[1], attributes.get("group", 1)
    bias = inputs[2] if len(inputs) > 2 else np.zeros(len(kernels), dtype=np.float32)
    parts = []
    for index in range(groups):
        chosen = slice(index * len(kernels) // groups, (index + 1) * len(kernels) // groups)
        flat = kernels[chosen].reshape(*kernels[chosen].shape[:2], -1)
        bank = KernelBank(adjacency, flat.transpose(0, 2, 1), bias[chosen])
        depth = kernels.shape[1]
        channels = batch[..., index * depth : (index + 1) * depth]
        parts.append(ops.convolve(channels, bank, stride=stride))
    return np.concatenate(parts, axis=-1)


def batch_normalization(inputs: list[Array], attributes: Any) -> Array:
    """With the node's own statistics, as at inference."""
    if attributes.get("training_mode", 0):
        raise NotOurs("training")
    x, scale, shift, mean, variance = inputs
    epsilon = attributes.get("epsilon", 1e-5)
    layer = spel.BatchNormalize(
        mean=mean,
        deviation=np.sqrt(variance + epsilon),
        gamma=scale,
        beta=shift,
        epsilon=0.0,
        over="channel",
    )
    image, ndim = planes(x)
    result = np.moveaxis(np.asarray(layer(image)), -1, 1)
    return result[:, :, 0] if ndim == 1 else result


def count() -> Count:
    """Run every case of one node that spel has an operator for."""
    import onnx
    from onnx.backend.test.case.node import collect_testcases

    total = Count(f"ONNX {onnx.__version__} node tests")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = collect_testcases(None)
    for case in cases:
        if len(case.model.graph.node) != 1:
            continue
        node = case.model.graph.node[0]
        if node.op_type not in OURS:
            continue
        for inputs, outputs in case.data_sets:
            try:
                result = run(node, list(inputs))
            except NotOurs:
                total.other += 1
            except spel.SpelError:
                total.refused += 1
            else:
                total.compare(case.name, result, outputs[0], rtol=case.rtol, atol=1e-5)
    return total
