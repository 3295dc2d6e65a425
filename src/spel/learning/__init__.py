"""Learning from strokes, boxes and folders of classes, without backpropagation.

======================== ==============================================================
file                     learns
======================== ==============================================================
`segmenter`              a network and its object model, from strokes
`decoders`               which decoder and block suit an encoder, from strokes or masks
`detector`               a detector of rigid objects, from boxes
`classifier`             a classifier, from images in class folders
======================== ==============================================================
"""
