"""PyTorch, imported in this file only, with an error that says what to install."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spel.errors import BackendMissingError

try:
    import torch
    from torch import Tensor, fx, nn
    from torch.nn import functional as F
    from torch.nn.modules import module as hooks
except ImportError as error:
    raise BackendMissingError(
        'this needs PyTorch, which is not installed; try: pip install "spel[torch]"'
    ) from error

__all__ = ["F", "Tensor", "as_tensor", "fx", "hooks", "nn", "torch"]


def as_tensor(values: npt.ArrayLike) -> Tensor:
    """A float32 tensor with memory of its own."""
    return torch.tensor(np.array(values, dtype=np.float32))
