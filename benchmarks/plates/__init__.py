"""Plates in real photos: every way to find them, on the same images, in one run."""
