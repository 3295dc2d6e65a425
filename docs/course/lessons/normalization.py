# %% [en]
# ## Linear normalization
#
# `(I(p) − min) / (max − min)` brings all values between 0 and 1.
# The extremes are those of the image, of a batch at each spel, or of the channels of a spel.
# %% [pt]
# ## Normalização linear
#
# `(I(p) − min) / (max − min)` leva todos os valores para entre 0 e 1.
# Os extremos são os da imagem, os de um lote em cada spel, ou os dos canais de um spel.
# %%
import numpy as np
from PIL import Image

import spel
from spel import Adjacency, draw
from spel.data import street

values = np.array([[20, 30, 40], [60, 100, 70]], dtype=np.float32)
spel.ops.linear_normalize(values)
# %% [en]
# ## Divisive normalization
#
# `N(p) = I(p) / √(Σ I(q)²)`, with the sum over the adjacents `q` in `C(p)`, asks how a spel
# compares with its neighbourhood.
# A lonely edge becomes large, however weak it is; one among many of its kind becomes small.
# %% [pt]
# ## Normalização divisiva
#
# `N(p) = I(p) / √(Σ I(q)²)`, com a soma sobre os adjacentes `q` em `C(p)`, pergunta como um spel
# se compara à sua vizinhança.
# Um contorno solitário fica grande, por mais fraco que seja; um entre muitos iguais fica pequeno.
# %%
row = np.array([[0, 0, 0, 0.1, 0, 0, 0, 5, 5, 5, 5, 5]], dtype=np.float32)
seven = Adjacency.rectangle(width=7, height=1)
spel.ops.divisive_normalize(row, seven).round(2)
# %% [en]
# ## The residue
#
# `ReLU(P − N)` of an image and its normalization suppresses what is isolated, and keeps
# dense groups of edges: the characters of a plate.
# %% [pt]
# ## O resíduo
#
# `ReLU(P − N)` de uma imagem e de sua normalização suprime o que é isolado e mantém
# grupos densos de contornos: os caracteres de uma placa.
# %%
grey = spel.Color("grey")(street(3).image)
edges = spel.ops.activate(spel.ops.convolve(grey, spel.KernelBank.sobel("col")), "relu")
wide = Adjacency.rectangle(width=25, height=5)
pooled = spel.MaxPool(wide)(edges)
normalized = spel.DivisiveNormalize(wide)(pooled)
residue = spel.Residue(spel.DivisiveNormalize(wide), scale="max")(pooled)
tiles = [
    draw.Tile(draw.shade(array[..., 0], clip=0.001), title)
    for array, title in ((pooled, "P, pooled"), (normalized, "N"), (residue, "ReLU(P - N)"))
]
Image.fromarray(draw.sheet(tiles))
