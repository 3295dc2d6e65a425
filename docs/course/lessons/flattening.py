# %% [en]
# ## All numbers in one row
#
# Concatenating all channels of an image gives one feature vector.
# Taken from the pixels themselves it serves classification poorly: an object that moves changes
# every number.
# Here are images with one bar in noise, anywhere; the classes are lying and standing bars.
# %% [pt]
# ## Todos os números em uma linha
#
# Concatenar todos os canais de uma imagem dá um vetor de características.
# Tirado dos próprios pixels, ele serve mal à classificação: um objeto que se move muda todos os
# números.
# Aqui estão imagens com uma barra em ruído, em qualquer lugar; as classes são deitada e em pé.
# %%
import numpy as np
from PIL import Image
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import spel
from spel import Adjacency, draw
from spel.sklearn import FlattenImages, NetworkFeatures, PooledFeatures


def bars(seed, count, size=24):
    """Images with a bar at a random place in noise, lying (0) or standing (1), and the classes."""
    random = np.random.default_rng(seed)
    images = random.uniform(0, 0.5, (count, size, size, 1))
    classes = random.integers(0, 2, count)
    for image, standing in zip(images, classes):
        row, col = random.integers(0, size - 10, 2)
        height, width = (10, 2) if standing else (2, 10)
        image[row : row + height, col : col + width] += 0.5
    return images.astype(np.float32), classes


train, test = bars(0, 200), bars(1, 500)
names = ("lying", "standing")
tiles = [
    draw.Tile(draw.shade(image[..., 0], "grey"), names[kind])
    for image, kind in list(zip(*train))[:8]
]
Image.fromarray(draw.sheet(tiles, columns=4, tile_width=150))
# %% [en]
# ## Pixels against layers
#
# The same linear classifier on three feature spaces: pixels, activations of a layer of edges, and
# these activations pooled, so that it matters less where an edge is.
# %% [pt]
# ## Pixels contra camadas
#
# O mesmo classificador linear em três espaços de características: pixels, ativações de uma camada
# de contornos, e essas ativações agrupadas, de modo que importa menos onde um contorno está.
# %%
sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
bank = spel.KernelBank.from_array(np.stack([sobel, -sobel, sobel.T, -sobel.T]))
edges = spel.chain(
    edges=spel.Convolution(bank),
    positive=spel.Activation("relu"),
)
pooled = spel.chain(layer=edges, pool=spel.MaxPool(Adjacency.box(13), stride=12))
spaces = {
    "pixels": FlattenImages(),
    "edges": NetworkFeatures(edges),
    "edges, pooled": NetworkFeatures(pooled),
    "mean and maximum of edges": PooledFeatures(edges),
}
for name, features in spaces.items():
    model = make_pipeline(features, StandardScaler(), RidgeClassifier(10.0)).fit(*train)
    size = model[:-1].transform(test[0]).shape[1]
    print(f"{name:<34} {size:6} numbers  accuracy {model.score(*test):.2f}")
