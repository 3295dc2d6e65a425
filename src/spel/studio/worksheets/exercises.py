"""One exercise for each lesson: an array to compute by hand or with NumPy, from a few numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.markers import Markers
from spel.flim.statistics import statistics
from spel.nn import (
    Activation,
    BatchNormalize,
    Convolution,
    DivisiveNormalize,
    Layer,
    MaxPool,
    MeanPool,
    Network,
    Scale,
    WeightedSum,
    chain,
)
from spel.studio.sources import MATRIX

Words = Mapping[str, str]
Array = npt.NDArray[Any]

GREY: Array = np.array(
    [
        [3, 1, 4, 1, 5, 9, 2],
        [6, 5, 3, 5, 8, 9, 7],
        [9, 3, 2, 3, 8, 4, 6],
        [2, 6, 4, 3, 3, 8, 3],
        [2, 7, 9, 5, 0, 2, 8],
        [8, 4, 1, 9, 7, 1, 6],
    ],
    np.float32,
)[..., None]
"""The image of most exercises: digits of pi."""
COLOR: Array = np.stack([GREY[:4, :5, 0], GREY[1:5, :5, 0], GREY[2:6, :5, 0]], axis=-1)
BATCH: Array = np.stack([GREY[:2, :3], GREY[2:4, :3], GREY[4:6, :3]])
STROKE = [(1, 1), (1, 2), (2, 2), (3, 2)]


@dataclass(frozen=True, eq=False)
class Exercise:
    """An array to compute.

    Attributes
    ----------
    question : mapping of str to str
        In each language.
    image : array
        The numbers that it starts from, with a channel axis.
    network : Network
        What computes the answer.
    flat : bool
        Whether the answer is the vector of the last activation.
    """

    question: Words
    image: Array
    network: Network
    flat: bool = False

    def answer(self) -> Array:
        """The array, from the engine."""
        return self.shown(np.asarray(self.network(self.image), dtype=np.float64))

    def shown(self, array: Array) -> Array:
        """An activation in the form that the question asks for."""
        return array.reshape(-1) if self.flat else array


def exercise(lesson: str) -> Exercise:
    """The exercise of a lesson.

    Examples
    --------
    >>> exercise("activation").answer()[0, :, 0].tolist()
    [6.0, 1.0, 7.0, 0.0]
    """
    question, image, layers = _EXERCISES[lesson]
    return Exercise(question, image, chain(*layers), flat=lesson == "flattening")


def _one_hot(adjacency: Adjacency) -> KernelBank:
    """A kernel for each neighbour, so that the channels of the result are the patch."""
    return KernelBank(adjacency, np.eye(len(adjacency))[..., None])


def _both_edges() -> KernelBank:
    return KernelBank.sobel("col") + KernelBank.sobel("row")


def _plane() -> KernelBank:
    """Sobel with bias -4, divided by the norm, so that it gives the distance to the plane."""
    sobel = KernelBank.sobel("col")
    norm = np.sqrt(12.0)
    return KernelBank(sobel.adjacency, sobel.weights / norm, np.array([-4 / norm]))


def _standardized() -> Scale:
    measured = statistics([GREY], [Markers(STROKE, [1] * len(STROKE), GREY.shape[:2])])
    factor, shift = 1 / measured.deviation, -measured.mean / measured.deviation
    return Scale(factor.astype(np.float32), shift.astype(np.float32))


_BOX = Adjacency.box(3)
_SOBEL = Convolution(KernelBank.sobel("col"))
_EXERCISES: dict[str, tuple[Words, Array, tuple[Layer, ...]]] = {
    "images": (
        {
            "en": "The image has three channels: red, green and blue. Compute the grey image "
            "0.299 R + 0.587 G + 0.114 B.",
            "pt": "A imagem tem três canais: vermelho, verde e azul. Calcule a imagem cinza "
            "0,299 R + 0,587 G + 0,114 B.",
        },
        COLOR,
        (WeightedSum(np.array([0.299, 0.587, 0.114], np.float32)),),
    ),
    "adjacency": (
        {
            "en": "Every spel of the image is 1. For each spel, count the neighbours at a distance "
            "of at most 2, itself among them; outside of the image there is none.",
            "pt": "Todo spel da imagem vale 1. Para cada spel, conte os vizinhos a uma distância "
            "de no máximo 2, incluindo ele mesmo; fora da imagem não há nenhum.",
        },
        np.ones_like(GREY),
        (Convolution(KernelBank(Adjacency.disk(2), np.ones((1, 13, 1)))),),
    ),
    "patches": (
        {
            "en": "Compute the patch of 3 x 3 spels around each spel as 9 channels, row by row. "
            "Outside of the image, values are 0.",
            "pt": "Calcule o patch de 3 x 3 spels em torno de cada spel como 9 canais, linha a "
            "linha. Fora da imagem, os valores são 0.",
        },
        GREY[:3, :4],
        (Convolution(_one_hot(_BOX)),),
    ),
    "convolution": (
        {
            "en": "Convolve the image with the kernel [-1 0 1; -2 0 2; -1 0 1], without flipping "
            "it. Outside of the image, values are 0.",
            "pt": "Convolva a imagem com o kernel [-1 0 1; -2 0 2; -1 0 1], sem refleti-lo. Fora "
            "da imagem, os valores são 0.",
        },
        GREY,
        (_SOBEL,),
    ),
    "activation": (
        {"en": "Apply ReLU to J.", "pt": "Aplique a ReLU a J."},
        MATRIX[..., None],
        (Activation("relu"),),
    ),
    "perceptron": (
        {
            "en": "The kernel is [-1 0 1; -2 0 2; -1 0 1], its bias is -4. Compute the signed "
            "distance of each patch to the plane, (sum + bias) / norm of the kernel. Outside of "
            "the image, values are 0.",
            "pt": "O kernel é [-1 0 1; -2 0 2; -1 0 1] e seu bias é -4. Calcule a distância com "
            "sinal de cada patch ao plano, (soma + bias) / norma do kernel. Fora da imagem, os "
            "valores são 0.",
        },
        GREY,
        (Convolution(_plane()),),
    ),
    "layer": (
        {
            "en": "A layer has two kernels, [-1 0 1; -2 0 2; -1 0 1] and "
            "[-1 -2 -1; 0 0 0; 1 2 1], and then ReLU. Compute its two channels. Outside of the "
            "image, values are 0.",
            "pt": "Uma camada tem dois kernels, [-1 0 1; -2 0 2; -1 0 1] e [-1 -2 -1; 0 0 0; "
            "1 2 1], e depois a ReLU. Calcule seus dois canais. Fora da imagem, os valores são 0.",
        },
        GREY,
        (Convolution(_both_edges()), Activation("relu")),
    ),
    "pooling": (
        {
            "en": "Apply max pooling with a window of 3 x 3 and stride 1. Only spels inside the "
            "image count.",
            "pt": "Aplique max-pooling com uma janela de 3 x 3 e stride 1. Só contam os spels "
            "dentro da imagem.",
        },
        GREY,
        (MaxPool(_BOX),),
    ),
    "stride": (
        {
            "en": "Apply mean pooling with a window of 3 x 3 and stride 2; the windows stand at "
            "rows and columns 0, 2, 4, ... Divide by the number of spels inside the image.",
            "pt": "Aplique pooling pela média com uma janela de 3 x 3 e stride 2; as janelas ficam "
            "nas linhas e colunas 0, 2, 4, ... Divida pelo número de spels dentro da imagem.",
        },
        GREY,
        (MeanPool(_BOX, stride=2),),
    ),
    "normalization": (
        {
            "en": "Apply divisive normalization with a window of 3 x 3: divide each value by the "
            "root of the sum of the squares in the window. Only spels inside the image count.",
            "pt": "Aplique normalização divisiva com uma janela de 3 x 3: divida cada valor pela "
            "raiz da soma dos quadrados na janela. Só contam os spels dentro da imagem.",
        },
        GREY,
        (DivisiveNormalize(_BOX),),
    ),
    "batch": (
        {
            "en": "The batch has three images of 2 x 3 spels. Apply batch normalization at each "
            "spel: subtract the mean over the images, and divide by the deviation over them, with "
            "n - 1 in the variance.",
            "pt": "O lote tem três imagens de 2 x 3 spels. Aplique normalização em lote em cada "
            "spel: subtraia a média sobre as imagens e divida pelo desvio sobre elas, com n - 1 "
            "na variância.",
        },
        BATCH,
        (BatchNormalize(),),
    ),
    "plate": (
        {
            "en": "Compute the first steps of the plate detector: the kernel "
            "[-1 0 1; -2 0 2; -1 0 1] with zeros outside of the image, ReLU, and max pooling over "
            "a window of 5 columns and 1 row, where only spels inside the image count.",
            "pt": "Calcule os primeiros passos do detector de placas: o kernel "
            "[-1 0 1; -2 0 2; -1 0 1] com zeros fora da imagem, a ReLU, e max-pooling em uma "
            "janela de 5 colunas e 1 linha, em que só contam os spels dentro da imagem.",
        },
        GREY,
        (_SOBEL, Activation("relu"), MaxPool(Adjacency.rectangle(width=5, height=1))),
    ),
    "flattening": (
        {
            "en": "Convolve with the kernels [-1 0 1; -2 0 2; -1 0 1] and [-1 -2 -1; 0 0 0; "
            "1 2 1] with zeros outside of the image, apply ReLU, and keep every third row and "
            "column by max pooling with a window of 1 x 1 and stride 3. Then flatten: row by row, "
            "and both channels of a spel after one another.",
            "pt": "Convolva com os kernels [-1 0 1; -2 0 2; -1 0 1] e [-1 -2 -1; 0 0 0; 1 2 1] "
            "com zeros fora da imagem, aplique a ReLU e mantenha uma a cada três linhas e colunas "
            "por max-pooling com janela de 1 x 1 e stride 3. Depois achate: linha a linha, e os "
            "dois canais de um spel um após o outro.",
        },
        GREY,
        (
            Convolution(_both_edges()),
            Activation("relu"),
            MaxPool(Adjacency.box(1), stride=3),
        ),
    ),
    "strokes": (
        {
            "en": "A stroke marks the spels (1, 1), (1, 2), (2, 2) and (3, 2). Standardize the "
            "image by it: subtract the mean of the marked spels, and divide by their deviation "
            "(with n in the variance) plus 0.01.",
            "pt": "Um traço marca os spels (1, 1), (1, 2), (2, 2) e (3, 2). Padronize a imagem por "
            "ele: subtraia a média dos spels marcados e divida pelo desvio deles (com n na "
            "variância) mais 0,01.",
        },
        GREY,
        (_standardized(),),
    ),
}
