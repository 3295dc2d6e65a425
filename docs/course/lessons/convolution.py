# %% [en]
# ## The inner product of the patch and the kernel
#
# `J(p) = Σᵢ ⟨I(qᵢ), W(qᵢ)⟩` over the adjacents `qᵢ` of `p`: multiply,
# add, move on.
# The kernel is not flipped.
# %% [pt]
# ## O produto interno do patch e do kernel
#
# `J(p) = Σᵢ ⟨I(qᵢ), W(qᵢ)⟩` sobre os adjacentes `qᵢ` de `p`:
# multiplique, some, siga adiante.
# O kernel não é espelhado.
# %%
import numpy as np
from PIL import Image

import spel
from spel import KernelBank, draw
from spel.data import street

sobel = KernelBank.from_array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
image = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3], [5, 8, 9, 7, 9]], dtype=np.float32)
spel.ops.convolve(image, sobel)[..., 0]
# %% [en]
# The number in the middle, term by term:
# %% [pt]
# O número do meio, termo a termo:
# %%
patch = image[0:3, 1:4]
weights = sobel.weights.reshape(3, 3)
print(patch * weights)
print("sum", (patch * weights).sum())
# %% [en]
# ## Edges of a street
#
# Orange is positive: the image becomes brighter, from left to right or from top to bottom.
# Blue is negative: it becomes darker.
# %% [pt]
# ## Contornos de uma rua
#
# Laranja é positivo: a imagem fica mais clara, da esquerda para a direita ou de cima para baixo.
# Azul é negativo: ela fica mais escura.
# %%
grey = spel.Color("grey")(street(3).image)
rows = KernelBank.sobel("row")
tiles = [draw.Tile(draw.shade(grey[..., 0], "grey"), "the image I")]
for name, bank in (("dark to bright, left to right", sobel), ("top to bottom", rows)):
    edges = spel.ops.convolve(grey, bank)[..., 0]
    tiles.append(draw.Tile(draw.shade(edges, "signed", clip=0.01), name))
Image.fromarray(draw.sheet(tiles))
# %% [en]
# ## What lies outside of the image
#
# At the border some adjacents do not exist.
# Zeros are the default; here are other ways on one row, with the kernel `[-1 0 1]`.
# %% [pt]
# ## O que fica fora da imagem
#
# Na borda, alguns adjacentes não existem.
# Zeros são o padrão; aqui estão outras maneiras em uma linha, com o kernel `[-1 0 1]`.
# %%
row = np.array([[5, 6, 8, 8]], dtype=np.float32)
difference = KernelBank.from_array([[-1, 0, 1]])
for border in ("zero", "edge", "reflect", "symmetric", "wrap"):
    print(f"{border:<10}", spel.ops.convolve(row, difference, border=border)[..., 0])
