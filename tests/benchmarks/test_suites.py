"""The quick ones of the suites that others wrote: no case differs."""

import pytest


def check(count, least: int) -> None:
    assert not count.different, count.shown()
    assert count.equal >= least


def test_average_precision_equals_pycocotools():
    pytest.importorskip("pycocotools.cocoeval")
    from benchmarks.suites import coco_figures

    check(coco_figures.count(), least=190)


def test_onnx_node_tests():
    pytest.importorskip("onnx")
    from benchmarks.suites import onnx_nodes

    check(onnx_nodes.count(), least=50)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_torch_modules_at_random_settings():
    pytest.importorskip("torch")
    from benchmarks.suites import torch_modules

    check(torch_modules.count(), least=200)
