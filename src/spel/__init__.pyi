"""The public names of spel, and where each of them lives; read by `spel.lazy` and by editors."""

from spel import (
    backends as backends,
    core as core,
    data as data,
    decide as decide,
    draw as draw,
    errors as errors,
    flim as flim,
    io as io,
    jobs as jobs,
    learning as learning,
    linear as linear,
    metrics as metrics,
    nn as nn,
    ops as ops,
    plot as plot,
    rigid as rigid,
    runs as runs,
    sklearn as sklearn,
    synthesis as synthesis,
    testing as testing,
    zoo as zoo,
)
from spel.backends import from_torch as from_torch, to_onnx as to_onnx, to_torch as to_torch
from spel.core.adjacency import Adjacency as Adjacency
from spel.core.bank import KernelBank as KernelBank
from spel.core.detections import Detections as Detections, Why as Why
from spel.core.markers import Markers as Markers
from spel.core.provenance import Provenance as Provenance
from spel.core.threads import threads as threads
from spel.core.window import Window as Window
from spel.decide import detect as detect
from spel.errors import (
    BackendMissingError as BackendMissingError,
    FormatError as FormatError,
    ImageReadError as ImageReadError,
    NotLearnedError as NotLearnedError,
    ParameterError as ParameterError,
    ShapeError as ShapeError,
    SpelError as SpelError,
    TaskError as TaskError,
    UnsupportedLayerError as UnsupportedLayerError,
    WriteError as WriteError,
)
from spel.flim import learn as learn
from spel.io import read as read, write as write
from spel.nn import (
    Activation as Activation,
    Add as Add,
    ArgMax as ArgMax,
    BatchNormalize as BatchNormalize,
    Center as Center,
    Clip as Clip,
    Color as Color,
    Concatenate as Concatenate,
    Convolution as Convolution,
    Crop as Crop,
    Decode as Decode,
    DivisiveNormalize as DivisiveNormalize,
    Flatten as Flatten,
    GlobalPool as GlobalPool,
    GroupedConvolution as GroupedConvolution,
    GroupNormalize as GroupNormalize,
    Layer as Layer,
    LinearNormalize as LinearNormalize,
    LocalResponseNormalize as LocalResponseNormalize,
    MaxPool as MaxPool,
    MeanPool as MeanPool,
    MinPool as MinPool,
    Multiply as Multiply,
    Network as Network,
    Node as Node,
    Pad as Pad,
    PReLU as PReLU,
    Residue as Residue,
    Scale as Scale,
    Softmax as Softmax,
    Threshold as Threshold,
    Trace as Trace,
    TransposedConvolution as TransposedConvolution,
    Unlearned as Unlearned,
    Upsample as Upsample,
    WeightedSum as WeightedSum,
    adjoint as adjoint,
    branch as branch,
    chain as chain,
    norms_of as norms_of,
    residue as residue,
    undo_division as undo_division,
)
from spel.runs import run as run
from spel.studio.widget import widget as widget
from spel.synthesis import invert as invert
from spel.zoo import load as load

__version__: str
__all__: list[str]
