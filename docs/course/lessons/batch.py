# %% [en]
# ## Mean 0 and deviation 1, over many images
#
# `N(p) = γ (I(p) − μ(p)) / (σ(p) + ε) + β`: the lecture takes
# `μ` and `σ` over the `n` images of a batch, at each spel.
# The field's usual layer takes them over the batch and the domain together.
# %% [pt]
# ## Média 0 e desvio 1, sobre muitas imagens
#
# `N(p) = γ (I(p) − μ(p)) / (σ(p) + ε) + β`: a aula toma `μ`
# e `σ` sobre as `n` imagens de um lote, em cada spel.
# A camada usual da área os toma sobre o lote e o domínio juntos.
# %%
import numpy as np

import spel
from spel import plot
from spel.data import street

four = np.array([2, 4, 6, 8], dtype=np.float32).reshape(4, 1, 1, 1)
print("per spel: ", spel.ops.batch_normalize(four).ravel().round(3))
mean, deviation = four.mean(), four.std(ddof=1)
print("by hand:  ", ((four - mean) / (deviation + 1e-5)).ravel().round(3))
# %% [en]
# ## The cloud moves to the origin
#
# Each colour of the eight streets is a point.
# Afterwards the cloud is centred and equally wide along each channel, so that a plane through the
# origin may separate it.
# %% [pt]
# ## A nuvem se move para a origem
#
# Cada cor das oito ruas é um ponto.
# Depois, a nuvem está centrada e igualmente larga em cada canal, de modo que um plano pela origem
# pode separá-la.
# %%
batch = np.stack([street(seed, size=(120, 180)).image / 255 for seed in range(8)])
plot.batch_normalization(batch, spel.ops.batch_normalize(batch, over="channel"))
# %% [en]
# ## Fitted once, used on one image
#
# A network keeps the statistics of its training batch: afterwards it runs on a single image.
# %% [pt]
# ## Ajustada uma vez, usada em uma imagem
#
# Uma rede guarda as estatísticas de seu lote de treino: depois ela roda em uma única imagem.
# %%
layer = spel.BatchNormalize(over="channel").fitted(batch)
one = layer(batch[0])
print("mean", one.mean(axis=(0, 1)).round(2), "deviation", one.std(axis=(0, 1)).round(2))
