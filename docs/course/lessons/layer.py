# %% [en]
# ## A bank of kernels gives an image of features
#
# `b` kernels turn an image of `m` channels into one of `b` channels on the same domain.
# Each channel is a feature; the next layer sees all of them.
# %% [pt]
# ## Um banco de kernels dá uma imagem de características
#
# `b` kernels transformam uma imagem de `m` canais em outra de `b` canais no mesmo domínio.
# Cada canal é uma característica; a camada seguinte vê todas.
# %%
import numpy as np
from PIL import Image

import spel
from spel import KernelBank, draw, plot
from spel.data import street

grey = spel.Color("grey")(street(3).image[200:330, 180:430])
sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
bank = KernelBank.from_array(np.stack([sobel, -sobel, sobel.T, -sobel.T]))
layer = spel.chain(edges=spel.Convolution(bank), positive=spel.Activation("relu"))
features = layer(grey)
print(grey.shape, "->", features.shape, "with", bank.weights.size, "weights")
plot.activations(layer, grey)
# %% [en]
# ## Which channel tells the plate from the rest?
#
# The plate of this street is known, so one can measure it: the mean activation inside of the
# plate divided by the mean outside.
# %% [pt]
# ## Que canal separa a placa do resto?
#
# A placa desta rua é conhecida, então se pode medir: a ativação média dentro da placa dividida
# pela média fora dela.
# %%
x0, y0, x1, y1 = street(3).boxes[0] - (180, 200, 180, 200)
rows, cols = np.mgrid[: grey.shape[0], : grey.shape[1]]
inside = (cols >= x0) & (cols < x1) & (rows >= y0) & (rows < y1)
names = ("dark to bright", "bright to dark", "darker above", "brighter above")
for name, feature in zip(names, np.moveaxis(features, -1, 0)):
    print(f"{name:<15} {feature[inside].mean() / feature[~inside].mean():5.1f}")
Image.fromarray(draw.mark(street(3).image, street(3).boxes, labels=["the plate"]))
