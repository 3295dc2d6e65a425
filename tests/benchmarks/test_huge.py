"""Memory of images that are read by windows, in processes of their own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("job", ["detect", "segment", "apply"])
def test_memory_does_not_grow_with_the_image(job: str, tmp_path: Path) -> None:
    from benchmarks.reliability.huge import measured, written

    rows = [
        measured(tmp_path, side, 512) if job == "detect" else written(tmp_path, side, 512, job)
        for side in (2000, 6000)
    ]
    assert all(row["all found"] for row in rows)
    small, large = (int(row["peak MB"]) for row in rows)
    assert large < 1.1 * small
