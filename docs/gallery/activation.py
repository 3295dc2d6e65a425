"""
Activation functions
====================

An activation is applied to every number on its own.
ReLU keeps what is positive: the side of the hyperplane to which the kernel points.
The others are there because published networks use them.
"""

import numpy as np

import spel
from spel.plot.figure import figure, quiet

NAMES = ("relu", "leaky_relu", "elu", "gelu", "softplus", "sigmoid", "tanh", "hard_sigmoid")

# %%
x = np.linspace(-4, 4, 401)[None]
sheet = figure(10, 4.4)
for axes, name in zip(sheet.subplots(2, 4).ravel(), NAMES):
    axes.plot(x[0], spel.ops.activate(x, name)[0], color="#c4560f", linewidth=2)
    axes.axhline(0, color="black", linewidth=0.6)
    axes.axvline(0, color="black", linewidth=0.6)
    axes.set_title(name, fontsize=9, loc="left")
    quiet(axes)
picture = sheet
picture
