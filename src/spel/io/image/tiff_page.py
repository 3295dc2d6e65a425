"""A page of a TIFF file as tifffile describes it, and the meaning of its samples."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spel.io.opening import DAMAGED, DecodeError

if TYPE_CHECKING:
    from tifffile import TiffPage

__all__ = ["CMYK", "PALETTE", "RGB", "YCBCR", "Plane"]

WHITE_IS_ZERO, RGB, PALETTE, CMYK, YCBCR = 0, 2, 3, 5, 6
_COLORS = {0: "grey", 1: "grey", 2: "rgb", 3: "rgb", 5: "cmyk", 6: "rgb", 8: "lab", 9: "icclab"}
_SAMPLES = {"grey": 1, "rgb": 3, "cmyk": 4, "lab": 3, "icclab": 3}
_MAX_SAMPLE_VALUE, _COLOR_MAP, _ORIENTATION = 281, 320, 274
_MAX_XML = 1 << 20


@dataclass(frozen=True, eq=False)
class Plane:
    """One plane of the file.

    Attributes
    ----------
    page : tifffile.TiffPage
    offset : int
        Bytes between the page's own pixels and those of the plane (ImageJ stacks).
    """

    page: TiffPage
    offset: int = 0

    @property
    def rows(self) -> int:
        """Number of rows as stored."""
        return int(self.page.imagelength)

    @property
    def cols(self) -> int:
        """Number of columns as stored."""
        return int(self.page.imagewidth)

    @property
    def samples(self) -> int:
        """Numbers stored for each pixel."""
        return int(self.page.samplesperpixel)

    @property
    def channels(self) -> int:
        """Channels of the decoded pixels."""
        return self.samples + 2 * (self.page.photometric == PALETTE)

    @property
    def bits(self) -> int:
        """Bits per sample as stored."""
        bits = self.page.bitspersample
        if not isinstance(bits, int):
            raise DecodeError(f"its channels have different bits: {bits}", "convert it")
        return bits

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the decoded pixels."""
        if self.page.photometric == PALETTE:
            return np.dtype(self._palette().dtype)
        if self.page.dtype is None:
            raise DecodeError("its samples are of an unknown kind", "convert it to real numbers")
        return np.dtype(self.page.dtype)

    @property
    def color(self) -> str:
        """What the channels are, see `spel.io.image.header.ImageInfo`."""
        base = _COLORS.get(self.page.photometric, "channels")
        spare = self.channels - _SAMPLES.get(base, self.channels)
        if not spare:
            return base
        alpha = spare == 1 and self.page.extrasamples[:1] in ((1,), (2,))
        return {"grey": "grey+alpha", "rgb": "rgba"}.get(base, "channels") if alpha else "channels"

    @property
    def orientation(self) -> int:
        """EXIF orientation, 1 to 8."""
        value = self.page.tags.valueof(_ORIENTATION, 1)
        return value if isinstance(value, int) and 1 <= value <= 8 else 1

    @property
    def maximum(self) -> int:
        """The largest value of 9 to 15 bits in 16 that the metadata state, or 0.

        The tag MaxSampleValue holds the largest value that occurs; all bits set mean a depth.
        """
        stated = re.search(r'\bSignificantBits="(\d\d?)"', self.page.description[:_MAX_XML])
        tag = self.page.tags.valueof(_MAX_SAMPLE_VALUE, 0)
        value = (1 << int(stated[1])) - 1 if stated else tag
        value = max(value) if isinstance(value, tuple) else value
        depths = [(1 << bits) - 1 for bits in range(9, self.bits)]
        return value if self.bits <= 32 and value in depths else 0

    @property
    def kind(self) -> tuple[Any, ...]:
        """Equal for planes that may be the same image in several sizes."""
        palette = self.page.photometric == PALETTE
        return self.channels, self.dtype, self.bits, palette, self.orientation

    @property
    def alike(self) -> tuple[Any, ...]:
        """Equal for planes of one volume."""
        return self.rows, self.cols, *self.kind

    def pixels(self, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The pixels of samples: colours of a palette, black as 0, 2 to 7 bits spread over 8.

        Parameters
        ----------
        samples : (rows, cols, samples) array
            Samples of the plane, or of a part of it, as stored.
        """
        page, bits = self.page, self.bits
        if page.photometric == PALETTE:
            palette = self._palette()
            colors: npt.NDArray[Any] = palette[samples[:, :, 0].astype(np.uint16)]
            if samples.shape[2] == 1:
                return colors
            return np.concatenate([colors, samples[:, :, 1:].astype(palette.dtype)], axis=2)
        if samples.dtype.kind not in "bu" or bits > 32:
            return samples
        full = (1 << bits) - 1
        if page.photometric == WHITE_IS_ZERO:
            samples = samples.copy()
            samples[:, :, :1] ^= samples.dtype.type(full)
        if 1 < bits < 8:
            return np.take(np.rint(np.arange(full + 1) * (255 / full)).astype(np.uint8), samples)
        return samples

    def _palette(self) -> npt.NDArray[np.unsignedinteger[Any]]:
        """Colours (entries, 3) of 8 bits, or of 16 if the palette uses them."""
        values = self.page.tags.valueof(_COLOR_MAP)
        entries = 1 << self.bits
        if self.bits > 16 or np.size(values) < 3 * entries:
            raise DecodeError("its palette is missing or too short", DAMAGED)
        colors = np.asarray(values)[: 3 * entries].astype(np.uint16).reshape(3, entries).T
        low, high = colors & 255, colors >> 8
        if (low == high).all() or not low.any():
            return high.astype(np.uint8)
        return low.astype(np.uint8) if not high.any() else colors
