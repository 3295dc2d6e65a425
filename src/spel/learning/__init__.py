"""Learning from strokes, boxes and class folders: segmenters, detectors, decoders, classifiers."""
