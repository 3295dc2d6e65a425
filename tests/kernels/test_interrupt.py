"""Ctrl-C ends native loops within a second, and leaves an engine that works."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import spel
from spel import Adjacency, KernelBank, kernels, ops

pytestmark = pytest.mark.skipif(kernels.choice != "native", reason="the loops are the engine's")


def convolution():
    bank = KernelBank.random(Adjacency.box(21), kernels=64, channels=32, seed=0)
    return ops.convolve(np.ones((700, 700, 32), dtype=np.float32), bank)


def network():
    bank = KernelBank.random(Adjacency.box(15), kernels=64, channels=3, seed=0)
    second = KernelBank.random(Adjacency.box(15), kernels=64, channels=64, seed=0)
    net = spel.chain(spel.Convolution(bank), spel.Convolution(second))
    return net(np.ones((900, 900, 3), dtype=np.float32))


def flood():
    image = np.random.default_rng(0).random((3000, 3000)).astype(np.float32)
    seeds = np.full(image.shape, -1)
    seeds[::50, ::50] = np.arange(3600).reshape(60, 60)
    return ops.watershed(image, seeds, Adjacency.disk(6))


def one_row():
    """A single row with as much work as a whole image."""
    bank = KernelBank.random(Adjacency.box(25), kernels=64, channels=64, seed=0)
    return ops.convolve(np.ones((1, 60_000, 64), dtype=np.float32), bank)


def label():
    mask = np.random.default_rng(0).random((5000, 5000)) < 0.5
    return ops.label(mask, Adjacency.disk(24))


def groups():
    planes = np.random.default_rng(0).random((5, 3000, 3000), dtype=np.float32)
    options = {"reach": 15, "step": 2, "count": 32, "power": 0.1, "rows": (0, 1497)}
    kernels.add_groups(*planes[:3], tuple(planes[3:]), threads=2, **options)


@pytest.fixture(autouse=True)
def interrupts_are_heard():
    """A program started in the background of a shell script ignores Ctrl-C; these tests do not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("work", "threads"),
    [
        (convolution, 1),
        (convolution, 2),
        (network, 2),
        (one_row, 1),
        (flood, 1),
        (label, 1),
        (groups, 2),
    ],
)
def test_an_interrupt_ends_the_work(work, threads):
    sent = []

    def interrupt():
        time.sleep(0.4)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=interrupt)
    sender.start()
    with spel.threads(threads), pytest.raises(KeyboardInterrupt):
        work()
    late = time.perf_counter() - sent[0]
    sender.join()
    assert late < 10  # usually a tenth of a second; the work takes 30
    assert ops.max_pool([[1, 2]], Adjacency.box(3)).tolist() == [[2.0, 2.0]]


def test_another_handler_goes_on():
    """A signal whose handler raises nothing does not end the work."""
    received = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: received.append(number))
    try:
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        bank = KernelBank.random(Adjacency.box(9), kernels=16, channels=8, seed=0)
        image = np.ones((700, 700, 8), dtype=np.float32)
        result = ops.convolve(image, bank)
        timer.join()
        time.sleep(0.05)
        assert np.array_equal(ops.convolve(image, bank), result)
        assert received == [signal.SIGUSR1]
    finally:
        signal.signal(signal.SIGUSR1, before)
