"""Kernel tests run every instruction set that this machine has, in one process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from spel.kernels import _native


@pytest.fixture(params=_native.available())
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine forced to one instruction set."""
    before = _native.isa()
    _native.use(request.param)
    yield request.param
    _native.use(before)
