# %% [en]
# ## Find the licence plate
#
# Grey, vertical edges, ReLU, maximum over a wide window, divisive normalization, residue,
# threshold, components: nothing is learned, and every step can be read.
# %% [pt]
# ## Encontre a placa
#
# Cinza, contornos verticais, ReLU, máximo em uma janela larga, normalização divisiva, resíduo,
# limiar, componentes: nada é aprendido, e cada passo pode ser lido.
# %%
from PIL import Image

import spel
from spel import draw, zoo
from spel.data import street
from spel.metrics.detection import iou
from spel.rigid import RigidConfig, learn_detector

chain = zoo.get("plate-lecture")
chain
# %%
scene = street(3)
boxes = spel.detect(chain, scene.image)
print("overlap with the true plate:", iou(boxes.boxes, scene.boxes).max().round(2))
Image.fromarray(draw.overlay(scene.image, boxes, truth=scene.boxes))
# %% [en]
# ## How far does it reach?
#
# One scene proves nothing.
# Here is the chain on ten streets that nobody looked at, and how often the best box is right.
# %% [pt]
# ## Até onde ela vai?
#
# Uma cena não prova nada.
# Aqui está a cadeia em dez ruas que ninguém viu, e quantas vezes a melhor caixa está certa.
# %%


def share_found(network, seeds):
    """The share of the streets whose plate overlaps the best box by half."""
    right = 0
    for seed in seeds:
        scene = street(seed, size=(240, 352))
        answer = spel.detect(network, scene.image).boxes[:1]
        right += len(answer) > 0 and iou(answer, scene.boxes).max() >= 0.5
    return right / len(seeds)


print(f"the chain finds {share_found(chain, range(100, 110)):.0%} of 10 plates")
# %% [en]
# ## Learned from six boxes
#
# A detector of rigid objects learns its kernels from boxes in closed form: a linear discriminant
# of plates against everything else, and again against its own mistakes.
# %% [pt]
# ## Aprendida com seis caixas
#
# Um detector de objetos rígidos aprende seus kernels com caixas, em forma fechada: um
# discriminante linear de placas contra todo o resto, e de novo contra seus próprios erros.
# %%
scenes = [street(seed, size=(240, 352)) for seed in range(6)]
config = RigidConfig(orientations=4, crops=160, rounds=2, hard_negatives=1200)
learned = learn_detector([s.image for s in scenes], [s.boxes for s in scenes], config)
print(f"the learned detector finds {share_found(learned, range(100, 110)):.0%} of the same 10")
kernel = learned["score"].bank.dense()[0].sum(axis=-1)
Image.fromarray(draw.sheet([draw.Tile(draw.shade(kernel, "signed"), "the kernel")]))
# %% [en]
# The kernel shows what its edges say: orange where they speak for a plate, blue where they speak
# against it.
# %% [pt]
# O kernel mostra o que dizem os contornos: laranja onde falam a favor de uma placa, azul onde falam
# contra.
