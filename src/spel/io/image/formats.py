"""The format of an image file, recognized by its first bytes and never by its name."""

from __future__ import annotations

import re

from spel.io.opening import DAMAGED, DecodeError

__all__ = ["FORMATS", "HEAD", "recognize"]

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WebP", "PNM", "NPY")
HEAD = 132
"""Bytes from the start of a file that say of what format it is."""

_NETPBM = re.compile(rb"P[1-7fF][ \t\n\r\v\f#]")
_REMEDY = "convert it to PNG; read are " + ", ".join(FORMATS)
_UNPACK = "unpack it, and give what is in it"
_VOLUME = "save its numbers as TIFF or NPY, with the package pydicom or nibabel for example"
_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"BM", "BMP"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\x93NUMPY", "NPY"),
)
_OTHERS = (
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),
    (b"%PDF", "PDF"),
    (b"8BPS", "Photoshop"),
    (b"\0\0\x01\0", "icon"),
    (b"\0\0\x02\0", "cursor"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"<svg", "SVG"),
    (b"<?xml", "XML or SVG"),
    (b"DDS ", "DDS"),
    (b"qoif", "QOI"),
    (b"icns", "icon"),
    (b"SIMPLE", "FITS"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"\x89HDF", "HDF5"),
)
_PACKED = ((b"PK\x03\x04", "zip"), (b"\x1f\x8b", "gzip"))
_NIFTI = (b"\x5c\x01\0\0", b"\0\0\x01\x5c", b"\x1c\x02\0\0", b"\0\0\x02\x1c")

_HEIF = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")
_MATROSKA = b"\x1a\x45\xdf\xa3"


def recognize(start: bytes) -> str:
    """The format that the first bytes of a file (`HEAD`) belong to, one of ``FORMATS``."""
    for mark, name in _STARTS:
        if start.startswith(mark):
            return name
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    if _NETPBM.match(start):
        return "PNM"
    raise _not_read(start)


def _not_read(start: bytes) -> DecodeError:
    if not start:
        return DecodeError("it is empty (0 bytes)", DAMAGED)
    if start[128:] == b"DICM":
        return DecodeError("it is DICOM, which is not read", _VOLUME)
    if start.startswith(_NIFTI):
        return DecodeError("it is NIfTI or Analyze, which is not read", _VOLUME)
    if not start.strip(b"\0"):
        return DecodeError("it begins with zeros", DAMAGED)
    for mark, name in _PACKED:
        if start.startswith(mark):
            return DecodeError(f"it is {name}, which is not read", _UNPACK)
    for mark, name in _OTHERS:
        if start.lstrip().startswith(mark):
            return DecodeError(f"it is {name}, which is not read", _REMEDY)
    if start[4:8] == b"ftyp" and start[8:12] in _HEIF:
        return DecodeError("it is a HEIF or AVIF file, which is not read", _REMEDY)
    if start[4:8] == b"ftyp" or start[:4] == _MATROSKA or start[8:12] == b"AVI ":
        return DecodeError("it is a video, not a picture", "save a frame of it as PNG")
    return DecodeError("it is not an image of a format that is read", _REMEDY)
