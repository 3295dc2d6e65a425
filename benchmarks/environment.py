"""The machine and the packages that a figure was measured with."""

from __future__ import annotations

import contextlib
import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

PACKAGES = (
    "numpy",
    "scipy",
    "scikit-image",
    "opencv-python-headless",
    "opencv-python",
    "onnxruntime",
    "torch",
    "numba",
)
"""The packages whose versions are stated with every table."""


LIMITS = ("SPEL_ISA", "OPENCV_CPU_DISABLE", "ATEN_CPU_CAPABILITY")
"""Variables that keep spel and its peers from using all that the processor can."""


def environment() -> dict[str, Any]:
    """Processor, engine and versions: what a figure must be read with."""
    from spel import __version__, kernels

    info = kernels.native_info()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": _processor(),
        "cores": cores,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "spel": __version__,
        "limits": {name: os.environ[name] for name in LIMITS if name in os.environ},
        "engine": {k: info.get(k) for k in ("isa", "compiler")},
        "packages": {name: version_of(name) for name in PACKAGES if version_of(name)},
    }


def missing(*packages: str) -> list[str]:
    """Those of the packages (import names) that are not installed."""
    return [name for name in packages if not has(name)]


def _processor() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def has(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def load_average() -> float:
    try:
        return os.getloadavg()[0]
    except OSError:
        return float("nan")


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
