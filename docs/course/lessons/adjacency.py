# %% [en]
# ## Which spels are neighbours
#
# An adjacency relation is a set of displacements `dᵢ`: the adjacents of `p` are `p + dᵢ`.
# `A = {(p, q): ‖q − p‖ ≤ r}` is a disk; `r = 1` gives the four neighbours and the spel
# itself, `r = √2` gives eight and itself.
# %% [pt]
# ## Que spels são vizinhos
#
# Uma relação de adjacência é um conjunto de deslocamentos `dᵢ`: os adjacentes de `p` são
# `p + dᵢ`.
# `A = {(p, q): ‖q − p‖ ≤ r}` é um disco; `r = 1` dá os quatro vizinhos e o próprio spel,
# `r = √2` dá oito e o próprio spel.
# %%
import numpy as np

from spel import Adjacency, plot

for radius in (1, 2**0.5, 2, 3):
    print(f"radius {radius:.2f}: {len(Adjacency.disk(radius))} adjacents")
plot.adjacency(Adjacency.disk(2))
# %% [en]
# Any set of displacements is an adjacency relation: rectangles, crosses, a mask that you draw.
# %% [pt]
# Qualquer conjunto de deslocamentos é uma relação de adjacência: retângulos, cruzes, uma máscara
# desenhada por você.
# %%
mask = np.array([[1, 0, 0, 0, 1], [0, 1, 0, 1, 0], [0, 0, 1, 0, 0]])
drawn = Adjacency.from_mask(mask)
print(drawn.displacements.tolist())
plot.adjacency(drawn)
# %% [en]
# ## Dilation
#
# Multiplying the displacements by `k` spreads them: as many adjacents, a larger receptive field.
# %% [pt]
# ## Dilatação
#
# Multiplicar os deslocamentos por `k` os espalha: o mesmo número de adjacentes, um campo
# receptivo maior.
# %%
near = Adjacency.box(3)
far = near.dilated(3)
print(len(near), "adjacents within", near.mask().shape)
print(len(far), "adjacents within", far.mask().shape)
plot.adjacency(far)
# %% [en]
# ## In a volume
#
# A voxel has 6, 18 or 26 neighbours: those that share a face, an edge or a corner with it.
# %% [pt]
# ## Em um volume
#
# Um voxel tem 6, 18 ou 26 vizinhos: os que partilham com ele uma face, uma aresta ou um canto.
# %%
for radius in (1, 2**0.5, 3**0.5):
    ball = Adjacency.ball(radius).without_centre()
    print(f"radius {radius:.2f}: {len(ball)} neighbours")
plot.adjacency(Adjacency.ball(2**0.5))
