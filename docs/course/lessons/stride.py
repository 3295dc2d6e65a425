# %% [en]
# ## Every s-th spel
#
# With strides `sx, sy` only the spels `0, s, 2s, …` of each axis get an output.
# With padding that gives `⌈n / s⌉` of `n` rows.
# Without padding only windows count that lie wholly inside the image:
# `⌊(n − w) / s⌋ + 1` for a window of width `w`.
# %% [pt]
# ## Um spel a cada s
#
# Com passos `sx, sy`, só os spels `0, s, 2s, …` de cada eixo recebem uma saída.
# Com preenchimento, isso dá `⌈n / s⌉` de `n` linhas.
# Sem preenchimento, só contam as janelas inteiramente dentro da imagem:
# `⌊(n − w) / s⌋ + 1` para uma janela de largura `w`.
# %%
import numpy as np
from PIL import Image

import spel
from spel import Adjacency, draw
from spel.data import street

row = np.arange(10, dtype=np.float32)[None]
five = Adjacency.rectangle(width=5, height=1)
for stride in (1, 2, 3):
    padded = spel.ops.max_pool(row, five, stride=stride)
    inside = spel.ops.max_pool(row, five, stride=stride, border="valid")
    print(f"stride {stride}: {padded[0]} with padding, {inside[0]} without")
# %% [en]
# The formula and the engine agree for all sizes:
# %% [pt]
# A fórmula e o motor concordam para todos os tamanhos:
# %%
for n in range(5, 40):
    for w in (1, 3, 5):
        for s in (1, 2, 3, 4):
            line, window = np.zeros((1, n), np.float32), Adjacency.rectangle(width=w, height=1)
            assert spel.ops.max_pool(line, window, stride=s).shape[1] == -(-n // s)
            valid = spel.ops.max_pool(line, window, stride=s, border="valid")
            assert valid.shape[1] == (n - w) // s + 1
print("all equal")
# %% [en]
# ## A pyramid
#
# Pooling with a stride, again and again, gives smaller images that see larger neighbourhoods.
# %% [pt]
# ## Uma pirâmide
#
# Agrupar com passo, repetidamente, dá imagens menores que veem vizinhanças maiores.
# %%
grey = spel.Color("grey")(street(3).image)
edges = spel.ops.activate(spel.ops.convolve(grey, spel.KernelBank.sobel("col"))[..., 0], "relu")
tiles = []
for _ in range(4):
    tiles.append(draw.Tile(draw.shade(edges, clip=0.01), " x ".join(map(str, edges.shape))))
    edges = spel.ops.max_pool(edges, Adjacency.box(3), stride=2)
Image.fromarray(draw.sheet(tiles, columns=2))
