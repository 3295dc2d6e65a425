"""Detectors of rigid objects in pictures with many objects."""
