"""A worker does not ask the system again for the memory of every image."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from spel.worker import Worker


def pages_of_later_images() -> int:
    """Pages that the system gave for five images after the first."""
    import resource

    def images() -> int:
        parts = [np.ones(5 << 18) for _ in range(6)]  # of 10 MB
        del parts
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    before = images()
    return [images() for _ in range(5)][-1] - before


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of the C library of Linux")
def test_a_worker_keeps_the_memory_of_an_image_for_the_next() -> None:
    with Worker() as worker:
        assert worker.call(pages_of_later_images) < 1000
