"""The packed bytes of one TIFF strip or tile, undone a piece at a time.

Each stream is a function of a number of bytes that gives the next so many, fewer at the end. So a
strip of the whole image is never held unpacked.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable
from typing import BinaryIO

import numpy as np

from spel.io.opening import DAMAGED, DecodeError

from .tiff_page import Page

_REVERSED = np.array([int(f"{n:08b}"[::-1], 2) for n in range(256)], np.uint8)


def chunk(file: BinaryIO, page: Page, index: int) -> bytes:
    offset, count = int(page.offsets[index]), int(page.counts[index])
    file.seek(offset)
    data = file.read(count)
    if len(data) != count:
        raise DecodeError(f"it is cut short: strip or tile {index} reaches past its end", DAMAGED)
    return data if page.compression == 7 else _ordered(data, page)


def _ordered(data: bytes, page: Page) -> bytes:
    if page.fill_order != 2:
        return data
    return _REVERSED[np.frombuffer(data, np.uint8)].tobytes()


Stream = Callable[[int], bytes | bytearray]


def _plain(file: BinaryIO, page: Page, index: int) -> Stream:
    place, end = int(page.offsets[index]), int(page.offsets[index] + page.counts[index])

    def take(count: int) -> bytes | bytearray:
        nonlocal place
        file.seek(place)
        data = file.read(min(count, end - place))
        place += len(data)
        return _ordered(data, page)

    return take


def _deflate(file: BinaryIO, page: Page, index: int) -> Stream:
    pending, inflater = chunk(file, page, index), zlib.decompressobj()

    def take(count: int) -> bytes | bytearray:
        nonlocal pending
        out = bytearray()
        try:
            while len(out) < count and not inflater.eof:
                got = inflater.decompress(pending, count - len(out))
                if not got and not inflater.unconsumed_tail:
                    break
                pending = inflater.unconsumed_tail
                out += got
        except zlib.error as error:
            raise DecodeError(f"a strip or tile is damaged ({error})", DAMAGED) from None
        return out

    return take


def _lzma(file: BinaryIO, page: Page, index: int) -> Stream:
    pending, unpacker = chunk(file, page, index), lzma.LZMADecompressor(memlimit=256 << 20)

    def take(count: int) -> bytes | bytearray:
        nonlocal pending
        out = bytearray()
        try:
            while len(out) < count and not unpacker.eof:
                got = unpacker.decompress(pending, count - len(out))
                pending = b""
                if not got and unpacker.needs_input:
                    break
                out += got
        except lzma.LZMAError as error:
            raise DecodeError(f"a strip or tile is damaged ({error})", DAMAGED) from None
        return out

    return take


def _packbits(file: BinaryIO, page: Page, index: int) -> Stream:
    data = chunk(file, page, index)
    place, end, ready = 0, len(data), bytearray()

    def take(count: int) -> bytes | bytearray:
        nonlocal place, ready
        while place < end and len(ready) < count:
            code = data[place]
            if code < 128:
                ready += data[place + 1 : place + 2 + code]
                place += 2 + code
            else:
                if code > 128:
                    ready += data[place + 1 : place + 2] * (257 - code)
                place += 2 if code > 128 else 1
        out, ready = ready[:count], ready[count:]
        return out

    return take


STREAMS = {1: _plain, 8: _deflate, 32946: _deflate, 34925: _lzma, 32773: _packbits}
