"""The house: imports go down, heavy packages stay out, names are told, documents hold."""

import ast
import doctest
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import spel

HOME = Path(spel.__file__).parent
ROOT = Path(__file__).parents[2]
HEAVY = (
    *("scipy", "skimage", "sklearn", "PIL", "tifffile", "matplotlib", "torch", "onnx"),
    *("onnxruntime", "dask", "distributed", "starlette", "uvicorn", "pydantic", "cv2"),
    *("click", "tqdm", "numcodecs", "zarr", "av"),
)
OPTIONAL = {  # heavy packages that are no dependency, and the only files that may name them
    "torch": {"backends/torch_deps.py"},
    "onnx": {"backends/onnx_model.py"},
    "onnxruntime": {"backends/onnx_model.py"},
    "dask": {"runs/dask_.py"},
    "distributed": {"runs/dask_.py"},
    "zarr": {"io/large/zarr_array.py", "io/large/zarr_pyramid.py"},
    "av": {"io/video/decoder.py", "io/video/writer.py"},
}


def modules():
    found = pkgutil.walk_packages(spel.__path__, "spel.")
    return sorted(m.name for m in found if not m.name.endswith(("__main__", "_native")))


def test_imports_go_down_only():
    pytest.importorskip("importlinter")
    config = ROOT / "pyproject.toml"
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run(
        [*command, "--config", str(config)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_spel_is_light():
    code = f"import sys, spel; print([m for m in {[*HEAVY, 'numpy']!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("package", OPTIONAL)
def test_optional_packages_have_one_home(package):
    for path in HOME.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if package in {name.split(".")[0] for name in names}:
                assert str(path.relative_to(HOME)) in OPTIONAL[package]


def test_every_public_name_is_there():
    for name in spel.__all__:
        if name not in ("plot", "testing"):
            assert getattr(spel, name) is not None


def test_every_public_name_is_documented():
    for name in spel.__all__:
        if name.startswith("__") or name in ("plot", "testing"):
            continue
        assert (getattr(spel, name).__doc__ or "").strip(), name


@pytest.mark.parametrize("name", modules())
def test_examples_in_docstrings(name):
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        pytest.skip(f"{name} needs an extra: {error}")
    assert module.__doc__, f"{name} does not say what it is for"
    assert doctest.testmod(module).failed == 0


def test_files_are_one_idea_long():
    for path in HOME.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 450, f"{path}: split it"
