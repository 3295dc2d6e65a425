"""Values that work things out once, and carry none of it when they travel."""

from __future__ import annotations

from functools import cached_property
from typing import Any


class Value:
    """A frozen value: its state is its fields; what its cached properties hold is left behind.

    Copies, pickles and hashes of the state are the same before and after the value was used.
    """

    def __getstate__(self) -> dict[str, Any]:
        kind = type(self)
        return {
            name: held
            for name, held in vars(self).items()
            if not isinstance(getattr(kind, name, None), cached_property)
        }
