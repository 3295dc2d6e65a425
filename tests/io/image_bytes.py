"""Images as bytes of a format, and back."""

from __future__ import annotations

import io

from spel.io import describe, read


def get(data, **options):
    array = read(io.BytesIO(data), **options)
    if "page" not in options:
        info = describe(io.BytesIO(data))
        assert (info.shape, info.dtype) == (array.shape, array.dtype.name)
        assert info.nbytes == array.nbytes
    return array


def saved(image, form, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()
