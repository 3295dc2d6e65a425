"""Images larger than memory, tile by tile: results that are those of the whole, bit for bit."""
