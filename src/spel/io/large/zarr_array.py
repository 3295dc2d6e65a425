"""One Zarr array by zarr-python, read through a folder whose files and metadata were checked."""

from __future__ import annotations

import contextlib
import math
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spel.errors import BackendMissingError
from spel.io.opening import DAMAGED, DecodeError

from .zarr_folder import MAX_CHUNKS, Folder, check_v2, check_v3

if TYPE_CHECKING:
    from zarr.abc.store import ByteRequest, Store
    from zarr.core.buffer import Buffer, BufferPrototype

__all__ = ["ZarrArray", "open_array"]

Span = tuple[int, int]


@dataclass(frozen=True, eq=False)
class ZarrArray:
    """An array of which windows are read.

    Attributes
    ----------
    array : zarr.Array
    chunks : tuple of int
        The smallest parts that can be read, inside shards if there are any.
    names : tuple of str, optional
        Names of the axes.
    """

    array: Any
    chunks: tuple[int, ...]
    names: tuple[str, ...] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of all axes."""
        return tuple(self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        dtype: np.dtype[Any] = np.dtype(self.array.dtype)
        return dtype

    def read(self, spans: Sequence[Span]) -> npt.NDArray[Any]:
        """The window between the (start, stop) of each axis."""
        counts = (
            -(-stop // size) - start // size for (start, stop), size in zip(spans, self.chunks)
        )
        if math.prod(counts) > MAX_CHUNKS:
            raise DecodeError(
                f"its chunks of {self.chunks} are too small for a window of "
                f"{tuple(stop - start for start, stop in spans)}",
                "read smaller windows, or write it with larger chunks",
            )
        with _naming("one of its chunks is damaged"):
            return np.asarray(self.array[tuple(slice(*span) for span in spans)])


def open_array(folder: Folder, path: str) -> ZarrArray | None:
    """The array at a path of the folder; None if there is none."""
    v3 = folder.read_json(f"{path}/zarr.json" if path else "zarr.json")
    v2 = None
    if v3 is None or v3.get("node_type") != "array":
        v2, v3 = folder.read_json(f"{path}/.zarray" if path else ".zarray"), None
    if v3 is not None:
        layout, names, version = check_v3(v3), v3.get("dimension_names"), 3
    elif v2 is not None:
        layout, names, version = check_v2(v2), None, 2
    else:
        return None
    files = replace(folder, max_bytes=max(folder.max_bytes, 2 * layout.file_bytes))
    array = _zarr_array(files, path, version)
    return ZarrArray(array, layout.chunks, tuple(names) if isinstance(names, list) else None)


def _zarr_array(folder: Folder, path: str, version: Any) -> Any:
    try:
        import zarr
    except ImportError:
        raise BackendMissingError(
            'reading OME-Zarr needs the package zarr, which is missing; pip install "spel[zarr]"'
        ) from None
    with _naming("its metadata are damaged"):
        return zarr.open_array(_store_class()(folder), path=path, mode="r", zarr_format=version)


@cache
def _store_class() -> Callable[[Folder], Store]:
    """zarr-python's view of a folder, read-only; defined when zarr is first needed."""
    from zarr.abc.store import Store
    from zarr.core.buffer import default_buffer_prototype

    class FolderStore(Store):
        supports_writes = supports_deletes = supports_listing = False

        def __init__(self, folder: Folder) -> None:
            super().__init__(read_only=True)
            self.folder = folder

        def __eq__(self, other: object) -> bool:
            return isinstance(other, FolderStore) and self.folder == other.folder

        async def get(
            self,
            key: str,
            prototype: BufferPrototype | None = None,
            byte_range: ByteRequest | None = None,
        ) -> Buffer | None:
            data = self.folder.read(key, *_range(byte_range))
            buffer = (prototype or default_buffer_prototype()).buffer
            return None if data is None else buffer.from_bytes(data)

        async def get_partial_values(
            self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
        ) -> list[Buffer | None]:
            return [await self.get(key, prototype, part) for key, part in key_ranges]

        async def exists(self, key: str) -> bool:
            return self.folder.read(key, 0, 0) is not None

        async def set(self, key: str, value: Buffer) -> None:
            raise NotImplementedError

        async def delete(self, key: str) -> None:
            raise NotImplementedError

        def list(self) -> AsyncIterator[str]:
            raise NotImplementedError

        def list_prefix(self, prefix: str) -> AsyncIterator[str]:
            raise NotImplementedError

        def list_dir(self, prefix: str) -> AsyncIterator[str]:
            raise NotImplementedError

    return FolderStore


def _range(part: ByteRequest | None) -> tuple[int, int | None]:
    """Start and stop, see `Folder.read`."""
    from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest

    if isinstance(part, RangeByteRequest):
        return part.start, part.end
    if isinstance(part, OffsetByteRequest):
        return part.offset, None
    return (-part.suffix, None) if isinstance(part, SuffixByteRequest) else (0, None)


@contextlib.contextmanager
def _naming(problem: str) -> Iterator[None]:
    """Replace the exceptions of zarr-python, which are of many kinds, by one with this text."""
    try:
        yield
    except (DecodeError, OSError, MemoryError, ImportError):
        raise
    except Exception as error:
        raise DecodeError(f"{problem} ({error})", DAMAGED) from None
