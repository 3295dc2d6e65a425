"""The figures, and where each of them lives."""

from spel.plot.activations_ import activations as activations
from spel.plot.adjacency_ import adjacency as adjacency
from spel.plot.bank_ import bank as bank
from spel.plot.cloud_ import batch_normalization as batch_normalization, patch_cloud as patch_cloud

__all__: list[str]
