"""From flattened pixels to feature spaces: the lecture's comparison, measured."""
