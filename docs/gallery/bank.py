"""
Kernel banks
============

A kernel bank holds one weight per kernel, adjacent spel and channel.
These six Gabor kernels respond to edges of six orientations; all are drawn on one scale.
"""

from spel import KernelBank, plot

# %%
picture = plot.bank(KernelBank.gabor(orientations=6, sigma=2.0))
picture
