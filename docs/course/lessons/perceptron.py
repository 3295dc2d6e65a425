# %% [en]
# ## A perceptron at every spel
#
# With a bias `w₀` a kernel is a hyperplane in the space of patches,
# `⟨X(p), W⟩ + w₀ = 0`.
# The signed distance of a patch from it is `(J(p) + w₀) / ‖W‖`: positive on the side
# that ReLU keeps.
# %% [pt]
# ## Um perceptron em cada spel
#
# Com um viés `w₀`, um kernel é um hiperplano no espaço dos patches,
# `⟨X(p), W⟩ + w₀ = 0`.
# A distância com sinal de um patch a ele é `(J(p) + w₀) / ‖W‖`: positiva do lado que
# ReLU mantém.
# %%
import numpy as np
from PIL import Image

import spel
from spel import KernelBank, draw, plot
from spel.data import street

image = spel.Color("grey")(street(3).image)
sobel = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
bank = KernelBank.from_array(sobel, bias=-0.4)
plot.patch_cloud(image, bank)
# %% [en]
# The distances that the library computes are those of the formula:
# %% [pt]
# As distâncias que a biblioteca calcula são as da fórmula:
# %%
patches = spel.ops.patches(image, bank.adjacency)[270:272, 288:292]
distances = bank.distance(patches)[..., 0]
weights = bank.weights.reshape(-1)
by_hand = (patches @ weights + bank.bias[0]) / np.linalg.norm(weights)
print(distances.round(3))
print("largest difference", np.abs(distances - by_hand).max())
# %% [en]
# ## The bias moves the plane
#
# A smaller bias pushes the plane away from the origin: weaker edges fall on its negative side.
# %% [pt]
# ## O viés move o plano
#
# Um viés menor afasta o plano da origem: contornos mais fracos caem do lado negativo.
# %%
tiles = []
for bias in (0.0, -0.4, -0.8, -1.2):
    edges = spel.ops.convolve(image[200:330, 180:430], KernelBank.from_array(sobel, bias=bias))
    kept = spel.ops.activate(edges, "relu")[..., 0]
    share = (kept > 0).mean()
    tiles.append(draw.Tile(draw.shade(kept, clip=0.01), f"bias {bias}: {share:.0%} of the spels"))
Image.fromarray(draw.sheet(tiles, columns=2))
