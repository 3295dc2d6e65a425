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


@pytest.mark.parametrize("tool", ["onnxsim", "onnxslim"])
def test_simplified_files_give_the_same_values(tool):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    simplify = getattr(pytest.importorskip(tool), {"onnxsim": "simplify", "onnxslim": "slim"}[tool])
    from benchmarks.suites import onnx_simplifiers as suite
    from spel.backends.onnx_export import onnx_bytes

    for case in [*suite.windows(), *suite.decisions()]:
        exported = onnx_bytes(case.network, case.shape, dtype=case.dtype)
        model = simplify(onnx.load_model_from_string(exported))
        model = (model[0] if isinstance(model, tuple) else model).SerializeToString()
        assert suite.difference(model, exported, case.batches()) <= suite.TOLERANCE, case.name
