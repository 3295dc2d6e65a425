# %% [en]
# ## The patch of a spel
#
# The values of the adjacents of `p`, in the order of the displacements, are its patch:
# a vector `X(p)` with `|A| m` numbers.
# Every spel of the image is one point in the space of patches.
# %% [pt]
# ## O patch de um spel
#
# Os valores dos adjacentes de `p`, na ordem dos deslocamentos, são o seu patch:
# um vetor `X(p)` com `|A| m` números.
# Cada spel da imagem é um ponto no espaço dos patches.
# %%
import numpy as np
from PIL import Image

import spel
from spel import Adjacency, KernelBank, draw, plot
from spel.data import street

grey = spel.Color("grey")(street(3).image)
patches = spel.ops.patches(grey, Adjacency.box(3))
print("image", grey.shape, "-> patches", patches.shape)
patches[270, 290].reshape(3, 3).round(2)
# %% [en]
# Some patches of the street, drawn as the small images that they are:
# %% [pt]
# Alguns patches da rua, desenhados como as pequenas imagens que são:
# %%
wide = spel.ops.patches(grey, Adjacency.box(15))
places = np.random.default_rng(0).integers((150, 50), (330, 500), (12, 2))
tiles = [
    draw.Tile(draw.shade(wide[row, col].reshape(15, 15), "grey"), f"at ({row}, {col})")
    for row, col in places
]
Image.fromarray(draw.sheet(tiles, columns=6, tile_width=150))
# %% [en]
# ## A kernel has one weight for each number of a patch
#
# A kernel `(A, W)` is fixed: the same weights at every spel.
# That is why a layer has few parameters, however large the image is.
# %% [pt]
# ## Um kernel tem um peso para cada número do patch
#
# Um kernel `(A, W)` é fixo: os mesmos pesos em todos os spels.
# Por isso uma camada tem poucos parâmetros, por maior que seja a imagem.
# %%
sobel = KernelBank.sobel("col")
layer = spel.Convolution(KernelBank.random(Adjacency.box(5), kernels=8, channels=3, seed=0))
print("parameters of 8 kernels, 5 x 5, 3 channels:", layer.parameters)
plot.bank(sobel)
# %% [en]
# Kernels are written by hand, or taken from known families: here are Gabor kernels, each for
# edges of one direction.
# %% [pt]
# Kernels são escritos à mão ou tirados de famílias conhecidas: aqui, kernels de Gabor, cada um
# para contornos de uma direção.
# %%
plot.bank(KernelBank.gabor(wavelength=6, orientations=6))
