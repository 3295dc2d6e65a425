"""Ctrl-C reaches native code, and one image's error costs that image only."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest

from spel.runs import run_tasks

WORK = """
import signal, sys, time, numpy as np, spel
signal.signal(signal.SIGINT, signal.default_int_handler)
{setup}
print("ready", flush=True)
try:
    for _ in range(50):
        {call}
except KeyboardInterrupt:
    print("stopped", flush=True)
"""
CASES = {
    "convolution": (
        "x = np.zeros((3000, 3000, 8), np.float32)\n"
        "bank = spel.KernelBank.random(spel.Adjacency.box(9), kernels=32, channels=8, seed=0)",
        "spel.ops.convolve(x, bank)",
    ),
    "volume": (
        "x = np.zeros((60, 300, 300, 4), np.float32)\n"
        "bank = spel.KernelBank.random(spel.Adjacency.ball(3), kernels=32, channels=4, seed=0)",
        "spel.ops.convolve(x, bank)",
    ),
    "flood": (
        "x = np.random.default_rng(0).random((3000, 3000, 1)).astype(np.float32)\n"
        "marks = np.zeros((3000, 3000), int); marks[5, 5] = 1; marks[-9, -9] = 2",
        "spel.ops.watershed(x, marks)",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_ctrl_c_ends_native_work_soon(name):
    setup, call = CASES[name]
    code = WORK.format(setup=setup, call=call)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as work:
        assert work.stdout is not None
        assert work.stdout.readline() == "ready\n"
        time.sleep(1.0)
        began = time.monotonic()
        work.send_signal(signal.SIGINT)
        assert work.stdout.readline() == "stopped\n"
        assert time.monotonic() - began < 5  # usually a tenth of a second; a call takes 7
        work.kill()


@dataclass(frozen=True)
class Odd:
    """A task whose error is of no kind that anybody expects."""

    image: str

    def __call__(self) -> str:
        if self.image == "b":
            raise RuntimeError("odd")
        if self.image == "c":
            raise LookupError("odder")
        return self.image


@pytest.mark.parametrize("workers", [1, 2])
def test_any_error_is_recorded_for_any_number_of_workers(workers):
    outcomes = list(run_tasks([Odd("a"), Odd("b"), Odd("c"), Odd("d")], workers=workers))
    found = [o.result.error if o.failed else o.result for o in outcomes]
    assert found == ["a", "RuntimeError", "LookupError", "d"]
