"""Plates in real photos: several methods to detect them, on the same photos, in one run."""
