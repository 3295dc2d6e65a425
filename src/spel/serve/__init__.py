"""A network on a port: images come in by HTTP; boxes, masks, features or classes go out."""
