"""Letters and digits of the rendered plates: 5 x 7 cells each, read with smooth edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_ROWS = """
01110 11110 01110 11110 11111 11111 01110 10001 01110 00111 10001 10000
10001 10001 10001 10001 10000 10000 10001 10001 00100 00010 10010 10000
10001 10001 10000 10001 10000 10000 10000 10001 00100 00010 10100 10000
11111 11110 10000 10001 11110 11110 10111 11111 00100 00010 11000 10000
10001 10001 10000 10001 10000 10000 10001 10001 00100 00010 10100 10000
10001 10001 10001 10001 10000 10000 10001 10001 00100 10010 10010 10000
10001 11110 01110 11110 11111 10000 01110 10001 01110 01100 10001 11111

10001 10001 01110 11110 01110 11110 01111 11111 10001 10001 10001 10001
11011 11001 10001 10001 10001 10001 10000 00100 10001 10001 10001 10001
10101 10101 10001 10001 10001 10001 10000 00100 10001 10001 10001 01010
10101 10011 10001 11110 10001 11110 01110 00100 10001 10001 10101 00100
10001 10001 10001 10000 10101 10100 00001 00100 10001 10001 10101 01010
10001 10001 10001 10000 10010 10010 00001 00100 10001 01010 10101 10001
10001 10001 01110 10000 01101 10001 11110 00100 01110 00100 01010 10001

10001 11111 01110 00100 01110 11111 00010 11111 00110 11111 01110 01110
10001 00001 10001 01100 10001 00010 00110 10000 01000 00001 10001 10001
01010 00010 10011 00100 00001 00100 01010 11110 10000 00010 10001 10001
00100 00100 10101 00100 00010 00010 10010 00001 11110 00100 01110 01111
00100 01000 11001 00100 00100 00001 11111 00001 10001 01000 10001 00001
00100 10000 10001 00100 01000 10001 00010 10001 10001 01000 10001 00010
00100 11111 01110 01110 11111 01110 00010 01110 01110 01000 01110 01100
"""

_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def _read() -> dict[str, npt.NDArray[np.float32]]:
    """One (7, 5) array per character from the blocks of twelve above."""
    blocks = [
        [line.split() for line in block.splitlines()] for block in _ROWS.strip().split("\n\n")
    ]
    columns = [[row[i] for row in block] for block in blocks for i in range(len(block[0]))]
    return {
        character: np.array([[float(cell) for cell in row] for row in column], dtype=np.float32)
        for character, column in zip(_CHARACTERS, columns, strict=True)
    }


GLYPHS = _read()
"""Character to a (7, 5) array of 0 and 1, letters first."""


def glyph(character: str, u: npt.NDArray[Any], v: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Ink of a character at places (u, v) of its unit square, linearly interpolated.

    Examples
    --------
    >>> glyph("I", np.array([0.5, 0.1]), np.array([0.5, 0.5])).tolist()
    [1.0, 0.0]
    """
    cells = np.pad(GLYPHS[character], 2)
    col = np.clip(np.asarray(u) * 5 - 0.5 + 2, 0, cells.shape[1] - 1.001)
    row = np.clip(np.asarray(v) * 7 - 0.5 + 2, 0, cells.shape[0] - 1.001)
    c, r = col.astype(int), row.astype(int)
    fc, fr = col - c, row - r
    top = cells[r, c] * (1 - fc) + cells[r, c + 1] * fc
    low = cells[r + 1, c] * (1 - fc) + cells[r + 1, c + 1] * fc
    ink: npt.NDArray[np.float32] = (top * (1 - fr) + low * fr).astype(np.float32)
    return ink
