# %% [en]
# ## The largest, the smallest or the mean of the adjacents
#
# `P(p) = max R(q), q ∈ B(p)`, or the minimum, or the mean, over any adjacency `B`.
# Outside of the image there is nothing to pool: only adjacents that exist count.
# %% [pt]
# ## O maior, o menor ou a média dos adjacentes
#
# `P(p) = max R(q), q ∈ B(p)`, ou o mínimo, ou a média, sobre qualquer adjacência `B`.
# Fora da imagem não há o que agrupar: só contam os adjacentes que existem.
# %%
import numpy as np
from PIL import Image

import spel
from spel import Adjacency, draw
from spel.data import street

row = np.array([[0, 0, 9, 0, 0, 4, 4, 4]], dtype=np.float32)
three = Adjacency.rectangle(width=3, height=1)
for pool in (spel.ops.max_pool, spel.ops.min_pool, spel.ops.mean_pool):
    print(f"{pool.__name__:<10}", pool(row, three).round(2))
# %% [en]
# ## A maximum joins what is near
#
# The characters of a plate are close to each other, and stand in a row: a wide window joins them.
# A minimum after the maximum gives the outline back: a closing.
# %% [pt]
# ## Um máximo junta o que está perto
#
# Os caracteres de uma placa são próximos e ficam em uma linha: uma janela larga os junta.
# Um mínimo depois do máximo devolve o contorno: um fechamento.
# %%
grey = spel.Color("grey")(street(3).image[200:330, 180:430])
edges = spel.ops.activate(spel.ops.convolve(grey, spel.KernelBank.sobel("col"))[..., 0], "relu")
wide, disk = Adjacency.rectangle(width=25, height=5), Adjacency.disk(4)
joined = spel.ops.max_pool(edges, wide)
tiles = [
    draw.Tile(draw.shade(edges, clip=0.01), "edges"),
    draw.Tile(draw.shade(joined), "maximum, 25 x 5"),
    draw.Tile(draw.shade(spel.ops.min_pool(joined, wide)), "then minimum, 25 x 5"),
    draw.Tile(draw.shade(spel.ops.max_pool(edges, disk)), "maximum, disk of radius 4"),
]
Image.fromarray(draw.sheet(tiles, columns=2))
# %% [en]
# ## A maximum moves with the image
#
# Small shifts of the image change little after pooling.
# This is what poolings give to a classifier: the same features for an object that moved a little.
# %% [pt]
# ## Um máximo acompanha a imagem
#
# Pequenos deslocamentos da imagem mudam pouco depois do agrupamento.
# É isso que ele dá a um classificador: as mesmas características para um objeto que se moveu um
# pouco.
# %%
shifted = np.roll(edges, 2, axis=1)
for size in (1, 5, 11, 21):
    window = Adjacency.box(size)
    a, b = spel.ops.max_pool(edges, window), spel.ops.max_pool(shifted, window)
    print(f"window {size:2}: relative change {np.abs(a - b).sum() / a.sum():.2f}")
