"""Layers and networks: frozen values that turn images into images."""

from spel.nn.activation import Activation, Clip, PReLU
from spel.nn.adjoint import adjoint, norms_of, undo_division
from spel.nn.build import branch, chain, residue
from spel.nn.center import Center
from spel.nn.channels import ArgMax, Softmax
from spel.nn.color import Color
from spel.nn.combine import Concatenate, Flatten, Scale, Threshold, WeightedSum
from spel.nn.convolution import Convolution
from spel.nn.decode import Decode
from spel.nn.fold_normalization import fold_batch_normalization
from spel.nn.global_pool import GlobalPool
from spel.nn.grouped import GroupedConvolution
from spel.nn.intensity import expected_white, match_white, with_white
from spel.nn.layer import Explanation, Layer, Read
from spel.nn.load import load
from spel.nn.merge import Add, Multiply
from spel.nn.network import Network
from spel.nn.node import Node
from spel.nn.normalize import BatchNormalize, DivisiveNormalize, LinearNormalize
from spel.nn.normalize_channels import GroupNormalize, LocalResponseNormalize
from spel.nn.pad import Crop, Pad
from spel.nn.pool import MaxPool, MeanPool, MinPool
from spel.nn.registry import KINDS, register
from spel.nn.residue import Residue
from spel.nn.save import save
from spel.nn.trace import Step, Trace, trace
from spel.nn.unlearned import Unlearned
from spel.nn.upsample import TransposedConvolution, Upsample

__all__ = [
    "KINDS",
    "Activation",
    "Add",
    "ArgMax",
    "BatchNormalize",
    "Center",
    "Clip",
    "Color",
    "Concatenate",
    "Convolution",
    "Crop",
    "Decode",
    "DivisiveNormalize",
    "Explanation",
    "Flatten",
    "GlobalPool",
    "GroupNormalize",
    "GroupedConvolution",
    "Layer",
    "LinearNormalize",
    "LocalResponseNormalize",
    "MaxPool",
    "MeanPool",
    "MinPool",
    "Multiply",
    "Network",
    "Node",
    "PReLU",
    "Pad",
    "Read",
    "Residue",
    "Scale",
    "Softmax",
    "Step",
    "Threshold",
    "Trace",
    "TransposedConvolution",
    "Unlearned",
    "Upsample",
    "WeightedSum",
    "adjoint",
    "branch",
    "chain",
    "expected_white",
    "fold_batch_normalization",
    "load",
    "match_white",
    "norms_of",
    "register",
    "residue",
    "save",
    "trace",
    "undo_division",
    "with_white",
]
