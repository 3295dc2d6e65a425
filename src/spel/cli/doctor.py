"""``spel doctor``: what is installed, and what to do about what is not."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from importlib import metadata
from importlib.util import find_spec
from typing import Any

import click

from spel.cli.options import Settings, shared

REQUIRED = {
    "numpy": "numpy",
    "scipy": "scipy",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
    "pillow": "PIL",
    "tifffile": "tifffile",
    "imagecodecs": "imagecodecs",
    "safetensors": "safetensors",
    "click": "click",
    "tqdm": "tqdm",
}
EXTRAS = {
    "plot": (("matplotlib",), "figures of activations, kernels and patch clouds"),
    "torch": (("torch",), "fine-tuning, and PyTorch as a backend"),
    "onnx": (("onnx", "onnxruntime"), "export to ONNX"),
    "zarr": (("zarr",), "OME-Zarr images"),
    "studio": (("starlette", "uvicorn", "pydantic"), "the studio in the browser"),
    "dask": (("dask", "distributed"), "runs on a cluster"),
}
"""Extra: the modules that it brings, and what they are for."""
PROGRAMS = {"ffmpeg": "detection in videos", "ffprobe": "detection in videos"}
"""Programs that are called if they are on PATH, and what for."""


@click.command("doctor")
@click.option("--self-test", is_flag=True, help="Also compute, write, and kill a worker.")
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
@shared
def command(self_test: bool, as_json: bool, settings: Settings) -> None:
    """Say what is installed, which engine runs, and how to mend what is missing.

    Leaves with exit code 3 if something that spel needs is missing or does not work; missing
    extras are no fault.
    """
    facts = examined()
    if self_test:
        facts["self_test"] = _tested(settings)
        facts["problems"] += [f"{k}: {v}" for k, v in facts["self_test"].items() if v != "good"]
    click.echo(json.dumps(facts) if as_json else _text(facts))
    raise SystemExit(3 if facts["problems"] else 0)


def examined() -> dict[str, Any]:
    """Everything that the command tells."""
    from spel import __version__

    packages = {name: _version(name, module) for name, module in REQUIRED.items()}
    problems = [
        f"{name} is missing; pip install {name}" for name, has in packages.items() if has is None
    ]
    engine, trouble = _engine()
    problems += trouble
    extras = {
        name: {
            "for": purpose,
            "packages": {module: _version(module, module) for module in modules},
            "installed": all(find_spec(module) for module in modules),
            "install": f'pip install "spel[{name}]"',
        }
        for name, (modules, purpose) in EXTRAS.items()
    }
    return {
        "spel": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "memory_mb": _memory(),
        "engine": engine,
        "environment": {k: v for k, v in os.environ.items() if k.startswith("SPEL_")},
        "packages": packages,
        "extras": extras,
        "programs": {name: shutil.which(name) for name in PROGRAMS},
        "problems": problems,
    }


def _tested(settings: Settings) -> dict[str, str]:
    from spel.cli.self_test import checks

    found = {}
    for name, check in checks().items():
        try:
            wrong = check()
        except Exception as error:  # whatever is broken here is the finding
            wrong = f"{type(error).__name__}: {error}"
        found[name] = wrong or "good"
        settings.say(f"{name}: {found[name]}")
    return found


def _engine() -> tuple[dict[str, Any], list[str]]:
    """The engine's own words, and whether it computes what it should."""
    try:
        from spel import kernels
        from spel.core.threads import thread_count

        engine = {**kernels.native_info(), "kernels": kernels.choice, "threads": thread_count()}
        return engine, _self_test()
    except Exception as error:  # whatever is broken here is the finding
        return {"kernels": None}, [f"the engine does not load: {error}"]


def _self_test() -> list[str]:
    """One Sobel edge that everybody can check by hand."""
    import spel

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
    """Available memory in MB; the limit of a container counts where there is one."""
    known = []
    try:
        with open("/proc/meminfo") as info:
            known += [int(x.split()[1]) // 1024 for x in info if x.startswith("MemAvailable")]
    except OSError:
        pass
    try:
        with open("/sys/fs/cgroup/memory.max") as limit:
            known += [int(text) >> 20 for text in limit.read().split() if text.isdigit()]
    except OSError:
        pass
    return min(known) if known else None


def _text(facts: dict[str, Any]) -> str:
    engine = facts["engine"]
    memory = f", {facts['memory_mb']} MB of memory" if facts["memory_mb"] else ""
    lines = [
        f"spel {facts['spel']} · Python {facts['python']} · {facts['system']} · "
        f"{facts['cores'] or '?'} cores{memory}",
        f"engine: {engine.get('kernels')} kernels, {engine.get('isa')} "
        f"(this processor can {', '.join(engine.get('available') or []) or 'nothing else'}), "
        f"{engine.get('threads')} threads, {engine.get('compiler') or 'not compiled'}",
        "packages: " + ", ".join(f"{n} {v or 'MISSING'}" for n, v in facts["packages"].items()),
    ]
    for name, extra in facts["extras"].items():
        have = ", ".join(f"{module} {v}" for module, v in extra["packages"].items() if v)
        lines.append(
            f"extra {name}: {have}"
            if extra["installed"]
            else f"extra {name}: not installed ({extra['for']}); {extra['install']}"
        )
    lines += [
        f"program {name}: {place or f'not on PATH ({PROGRAMS[name]}); install ffmpeg'}"
        for name, place in facts["programs"].items()
    ]
    lines += [f"{name}={value}" for name, value in facts["environment"].items()]
    lines += [f"PROBLEM: {problem}" for problem in facts["problems"]]
    return "\n".join([*lines, "all good" if not facts["problems"] else "see the problems above"])
