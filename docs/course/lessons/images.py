# %% [en]
# ## An image is a set of spels with values
#
# A *spel* (space element) is a pixel of an image or a voxel of a volume.
# A grey image gives each spel one number; an image with `m` channels gives it a vector
# `I(p) = (I₁(p), …, Iₘ(p))`.
# As an array it has rows, columns and channels.
# The street below is rendered, so that everything in it is known exactly.
# %% [pt]
# ## Uma imagem é um conjunto de spels com valores
#
# Um *spel* (space element) é um pixel de uma imagem ou um voxel de um volume.
# Uma imagem cinza dá a cada spel um número; uma imagem de `m` canais lhe dá um vetor
# `I(p) = (I₁(p), …, Iₘ(p))`.
# Como arranjo, ela tem linhas, colunas e canais.
# A rua abaixo é sintética: tudo nela é conhecido exatamente.
# %%
import numpy as np
from PIL import Image

import spel
from spel import draw
from spel.data import street

image = street(3).image
print(image.shape, image.dtype)
Image.fromarray(image)
# %% [en]
# Here are the numbers of four rows and three columns of it: red, green and blue of each spel.
# %% [pt]
# Aqui estão os números de quatro linhas e três colunas: vermelho, verde e azul de cada spel.
# %%
image[270:274, 290:293]
# %% [en]
# ## A channel made of three
#
# The luma of a colour, `0.299 R + 0.587 G + 0.114 B`, weighs the channels as our eyes do.
# It is a linear combination, so it is a kernel with one adjacent: a 1 × 1 convolution.
# %% [pt]
# ## Um canal feito de três
#
# A luma de uma cor, `0,299 R + 0,587 G + 0,114 B`, pesa os canais como os nossos olhos.
# É uma combinação linear, logo é um kernel com um só adjacente: uma convolução 1 × 1.
# %%
grey = spel.Color("grey")(image)[..., 0]
by_hand = image.astype(float) / 255 @ [0.299, 0.587, 0.114]
print("largest difference", np.abs(grey - by_hand).max())
titles = ("red", "green", "blue", "grey")
channels = [*np.moveaxis(image / 255, -1, 0), grey]
tiles = [draw.Tile(draw.shade(c, "grey"), title) for c, title in zip(channels, titles)]
Image.fromarray(draw.sheet(tiles, columns=2))
# %% [en]
# ## A batch is one array more
#
# `N` images of one size form a tensor with a leading batch axis.
# Networks take the batch at once, and decide image by image.
# %% [pt]
# ## Um lote é um eixo a mais
#
# `N` imagens do mesmo tamanho formam um tensor com um eixo de lote à frente.
# Redes recebem o lote de uma vez e decidem imagem por imagem.
# %%
batch = np.stack([street(seed, size=(120, 180)).image for seed in range(4)])
print(batch.shape, "holds", batch.size, "numbers")
Image.fromarray(
    draw.sheet([draw.Tile(one, f"image {n}") for n, one in enumerate(batch)], columns=2)
)
