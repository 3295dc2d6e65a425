"""What is installed: packages, extras, the engine, and problems with them."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from importlib.util import find_spec
from typing import Any

import spel

REQUIRED = {
    "numpy": "numpy",
    "scipy": "scipy",
    "scikit-image": "skimage",
    "pillow": "PIL",
    "pyyaml": "yaml",
    "tifffile": "tifffile",
    "imagecodecs": "imagecodecs",
    "safetensors": "safetensors",
    "click": "click",
    "tqdm": "tqdm",
    "starlette": "starlette",
    "uvicorn": "uvicorn",
    "threadpoolctl": "threadpoolctl",
}
EXTRAS = {
    "plot": (("matplotlib",), "figures of activations, kernels and patch clouds"),
    "torch": (("torch",), "fine-tuning, and PyTorch as a backend"),
    "onnx": (("onnx", "onnxruntime"), "export to ONNX"),
    "zarr": (("zarr",), "OME-Zarr images"),
    "video": (("av",), "detection in videos"),
    "sklearn": (("scikit-learn",), "classifiers: spel fit, spel classify, spel.sklearn"),
    "dask": (("dask", "distributed"), "runs on a cluster"),
}
"""Extra: the packages that it installs, and what they are for."""
_MODULES = {"scikit-learn": "sklearn"}
"""Names of modules that differ from those of their packages."""


def installation() -> dict[str, Any]:
    """Versions, extras, engine and problems, as plain values."""
    required = {name: _version(name, module) for name, module in REQUIRED.items()}
    problems = [
        f"{name} is missing; pip install {name}"
        for name, version in required.items()
        if version is None
    ]
    engine, trouble = _engine()
    problems += trouble
    extras = {
        name: {
            "for": purpose,
            "packages": {package: _version(package, _module(package)) for package in packages},
            "installed": all(find_spec(_module(package)) for package in packages),
            "install": f'pip install "spel[{name}]"',
        }
        for name, (packages, purpose) in EXTRAS.items()
    }
    return {
        "spel": spel.__version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "memory_mb": _memory(),
        "engine": engine,
        "environment": {k: v for k, v in os.environ.items() if k.startswith("SPEL_")},
        "packages": required,
        "extras": extras,
        "problems": problems,
    }


def _module(package: str) -> str:
    return _MODULES.get(package, package)


def _engine() -> tuple[dict[str, Any], list[str]]:
    """What the engine reports, and whether it computes correctly."""
    try:
        from spel import kernels
        from spel.core.threads import thread_count

        engine = {**kernels.native_info(), "kernels": kernels.choice, "threads": thread_count()}
        return engine, check_engine()
    except Exception as error:  # any failure is a problem to report
        return {"kernels": None}, [f"the engine does not load: {error}"]


def check_engine() -> list[str]:
    """Compute one Sobel edge that can be checked by hand; the problems."""
    edge = spel.ops.convolve([[0, 0, 9, 9]], spel.KernelBank.sobel("col"))[..., 0].tolist()
    expected = [[0.0, 18.0, 18.0, -18.0]]
    return [] if edge == expected else [f"the engine computed {edge}, expected {expected}"]


def _version(package: str, module: str) -> str | None:
    if find_spec(module) is None:
        return None
    for name in (package, module):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "unknown version"


def _memory() -> int | None:
    """Available memory in MB, or the limit of the container if it is lower."""
    limits = []
    try:
        with open("/proc/meminfo") as info:
            limits += [int(x.split()[1]) // 1024 for x in info if x.startswith("MemAvailable")]
    except OSError:
        pass
    try:
        with open("/sys/fs/cgroup/memory.max") as limit:
            limits += [int(text) >> 20 for text in limit.read().split() if text.isdigit()]
    except OSError:
        pass
    return min(limits) if limits else None
