"""
What a layer still knows
========================

Every step of a network forgets something.
Inverting its activation gives the picture that explains it, so one sees what is left.
"""

import numpy as np
from PIL import Image

from spel import Activation, Adjacency, Convolution, KernelBank, MaxPool, chain
from spel.data import street
from spel.synthesis import invert_steps, inverted_sheet

# %%
image = street(3).image[140:340, 180:380].astype(np.float32)
box = Adjacency.box(3)
net = chain(
    edges=Convolution(KernelBank.random(box, kernels=16, channels=3, seed=0)),
    positive=Activation("relu"),
    largest=MaxPool(box, 2),
    parts=Convolution(KernelBank.random(box, kernels=32, channels=16, seed=1)),
    again=Activation("relu"),
)
pictures, _ = invert_steps(net, image, bounds=(0, 255))
picture = Image.fromarray(inverted_sheet(net, image, pictures, 255.0))
picture
