# %% [en]
# ## From J to R
#
# An activation is a function of one number, applied to each spel: `R(p) = φ(J(p))`.
# ReLU, `max(0, x)`, keeps what is positive.
# This is the example of the lecture:
# %% [pt]
# ## De J para R
#
# Uma ativação é uma função de um número, aplicada a cada spel: `R(p) = φ(J(p))`.
# ReLU, `max(0, x)`, mantém o que é positivo.
# Este é o exemplo da aula:
# %%
import numpy as np
from PIL import Image

import spel
from spel import KernelBank, draw
from spel.data import street

j = np.array([[6, 1, 7, -9], [9, 8, -2, -17], [12, 13, -10, -19], [11, 11, -9, -13]])
spel.ops.activate(j.astype(np.float32), "relu")
# %% [en]
# Other activations bend the same numbers otherwise.
# %% [pt]
# Outras ativações curvam os mesmos números de outro modo.
# %%
x = np.array([-3, -1, -0.5, 0, 0.5, 1, 3], dtype=np.float32)
print(f"{'x':<10}", x)
for name in ("relu", "leaky_relu", "elu", "sigmoid", "tanh", "abs"):
    print(f"{name:<10}", spel.ops.activate(x[None], name)[0].round(3))
# %% [en]
# ## What an activation selects
#
# The Sobel kernel answers to both kinds of vertical edges, with different signs.
# ReLU keeps the edges from dark to bright; the absolute value keeps both.
# %% [pt]
# ## O que uma ativação seleciona
#
# O kernel de Sobel responde aos dois tipos de contornos verticais, com sinais diferentes.
# ReLU mantém os contornos do escuro para o claro; o valor absoluto mantém ambos.
# %%
grey = spel.Color("grey")(street(3).image[200:330, 180:430])
edges = spel.ops.convolve(grey, KernelBank.sobel("col"))[..., 0]
tiles = [draw.Tile(draw.shade(edges, "signed", clip=0.01), "J")]
tiles += [
    draw.Tile(draw.shade(spel.ops.activate(edges, name), clip=0.01), name)
    for name in ("relu", "abs", "sigmoid")
]
Image.fromarray(draw.sheet(tiles, columns=2))
