# %% [en]
# ## A network in a few strokes (FLIM)
#
# Draw on what you look for and on what you do not.
# The patches under the strokes are clustered; each centre becomes a kernel.
# There is no backpropagation, and each kernel can be traced back to its stroke.
# Here the strokes are made by a program from the truth of one rendered image of cells.
# %% [pt]
# ## Uma rede em poucos traços (FLIM)
#
# Desenhe no que você procura e no que não procura.
# Os patches sob os traços são agrupados; cada centro vira um kernel.
# Não há retropropagação, e cada kernel pode ser seguido até o seu traço.
# Aqui os traços são feitos por um programa, a partir da verdade de uma imagem de células.
# %%
import numpy as np
from PIL import Image

import spel
from spel import Adjacency, Markers, draw, plot
from spel.data import cells
from spel.decide import segment
from spel.learning.segmenter import learn_segmenter
from spel.metrics.segmentation import dice

scene = cells(3)
labels = np.full(scene.image.shape[:2], -1)  # -1: nothing is drawn
objects = scene.labels
for number in range(1, 6):
    rows, cols = np.nonzero(objects == number)
    near = np.hypot(rows - rows.mean(), cols - cols.mean()) < 4
    labels[rows[near], cols[near]] = 1
labels[100:103, 20:236][objects[100:103, 20:236] == 0] = 0
markers = Markers.from_image(labels)
print(markers)
picture = scene.image.copy()
picture[labels == 0], picture[labels == 1] = (0, 110, 255), (255, 138, 0)
Image.fromarray(picture)
# %% [en]
# ## Learn
#
# The network is given by its layers; only the kernels are missing.
# %% [pt]
# ## Aprenda
#
# A rede é dada por suas camadas; só faltam os kernels.
# %%
network = spel.chain(
    color=spel.Color("labnorm2"),
    conv1=spel.Unlearned(Adjacency.box(5), kernels=12, per_stroke=2),
    relu1=spel.Activation("relu"),
    pool1=spel.MaxPool(Adjacency.box(3)),
)
learned = learn_segmenter(network, [scene.image], [markers])
bank = learned.network["conv1"].bank
print(len(bank.weights), "kernels; the first comes from", bank.provenance[0])
plot.bank(bank, kernels=6)
# %% [en]
# ## Judge on images that were not marked
#
# Dice is 1 if the mask equals the truth, and 0 if they share nothing.
# %% [pt]
# ## Julgue em imagens que não foram marcadas
#
# Dice é 1 se a máscara é igual à verdade, e 0 se nada têm em comum.
# %%
tiles = []
for seed in (10, 11, 12):
    new = cells(seed)
    mask = segment(learned.network, new.image)
    overlap = dice(mask > 0, new.labels > 0)
    tiles.append(draw.Tile(new.image, f"cells({seed})"))
    tiles.append(draw.Tile(draw.shade((mask > 0).astype(float), "grey"), f"Dice {overlap:.2f}"))
Image.fromarray(draw.sheet(tiles, columns=2))
