"""
The perceptron at every spel
============================

A kernel with a bias is a hyperplane in the space of patches; ReLU keeps the positive side of it.
"""

import spel
from spel import plot
from spel.data import street

# %%
image = spel.Color("grey")(street(3).image)
bank = spel.KernelBank.from_array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], bias=-0.4)
picture = plot.patch_cloud(image, bank)
picture
