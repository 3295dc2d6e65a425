"""Which engine runs: the environment's word, clear errors, threads, processes."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from spel.kernels import _native, native


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_instruction_set_can_be_forced() -> None:
    code = "import spel.kernels as k; print(k.native_info()['isa'])"
    for name in _native.available():
        assert python(code, SPEL_ISA=name).stdout.strip() == name


def test_an_unknown_instruction_set_is_refused() -> None:
    done = python("import spel.kernels", SPEL_ISA="v9")
    assert done.returncode
    assert "SPEL_ISA=v9" in done.stderr
    assert "available here" in done.stderr


def test_the_reference_can_be_forced() -> None:
    code = "import spel.kernels as k; print(k.convolve.__module__)"
    assert python(code, SPEL_KERNELS="reference").stdout.strip() == "spel.kernels.reference"
    assert "expected one of" in python(code, SPEL_KERNELS="other").stderr


def test_a_missing_extension_says_how_to_build() -> None:
    code = "import sys; sys.modules['spel.kernels._native'] = None; import spel.kernels"
    done = python(code)
    assert "pip install ." in done.stderr.splitlines()[-1]


def pooled(seed: int) -> bytes:
    image = np.random.default_rng(seed).standard_normal((1, 2, 1, 300, 400)).astype(np.float32)
    out = np.empty_like(image)
    square = np.array([(0, r, c) for r in range(-3, 4) for c in range(-3, 4)])
    native.extremum(
        image, square, maximum=True, start=(0, 0, 0), stride=(1, 1, 1), out=out, threads=2
    )
    return out.tobytes()


def test_many_python_threads_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(pooled, [0, 1] * 16))
    assert len(set(results)) == 2


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_after_fork() -> None:
    expected = pooled(0)
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        assert list(pool.map(pooled, [0, 0, 0])) == [expected] * 3
