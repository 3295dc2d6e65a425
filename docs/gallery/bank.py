"""A kernel bank: one weight per kernel, adjacent and channel, drawn on one scale."""

from spel import KernelBank, plot


def picture():
    return plot.bank(KernelBank.gabor(orientations=6, sigma=2.0))
