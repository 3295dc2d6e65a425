"""Kernel banks: K weights per adjacent and channel, on one scale."""

from spel import KernelBank, plot


def picture():
    return plot.bank(KernelBank.gabor(orientations=6, sigma=2.0))
