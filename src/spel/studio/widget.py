"""The studio's page inside a notebook: the inspector and the patch space of one network.

The page is the studio's own, module by module; its requests come as messages of the notebook
instead of HTTP, and the studio's routes answer them in this process. Nothing listens on a port.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import BackendMissingError, ParameterError, ShapeError
from spel.nn.network import Network
from spel.studio.document import Entry
from spel.studio.session import Session
from spel.studio.sources import Source

STATIC = Path(__file__).parent / "web" / "static"
SCRIPT = Path(__file__).with_name("widget.js")
HEIGHTS = (240, 4000)

Message = Mapping[str, Any]
App = Callable[..., Awaitable[None]]


def widget(network: Network, image: npt.ArrayLike, *, height: int = 640) -> Any:
    """The inspector and the patch space of a network on an image, in a notebook.

    Parameters
    ----------
    network : Network
        Edits on the page change a copy of it.
    image : (rows, cols) or (rows, cols, channels) array
        Of real numbers.
    height : int
        Of the widget, in pixels of the screen.

    Returns
    -------
    anywidget.AnyWidget
        Jupyter shows it if it is the last expression of a cell.

    Raises
    ------
    BackendMissingError
        If anywidget is not installed.
    ShapeError, ParameterError
        If the image is not one plane of real numbers, or the height is out of range.
    """
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise BackendMissingError(
            f'spel.widget needs anywidget ({error}); install it with: pip install "spel[notebook]"'
        ) from None
    if not HEIGHTS[0] <= height <= HEIGHTS[1]:
        raise ParameterError(f"widget: height {height!r}; expected {HEIGHTS[0]} to {HEIGHTS[1]}")
    fields = {
        "_esm": SCRIPT,
        "files": traitlets.Dict(page_files()).tag(sync=True),
        "height": traitlets.Int(height).tag(sync=True),
    }
    shown = type("StudioWidget", (anywidget.AnyWidget,), fields)()
    bridge = Bridge(network, image)
    shown.on_msg(lambda view, message, buffers: view.send(*bridge.answer(message, buffers)))
    return shown


def page_files() -> dict[str, str]:
    """The page's modules, styles and words by name; the styles in the order of the page."""
    styles = re.findall(r'href="/static/([\w/]+\.css)"', (STATIC / "index.html").read_text())
    others = sorted(p for kind in ("js", "json") for p in STATIC.rglob(f"*.{kind}"))
    names = [*styles, *(path.relative_to(STATIC).as_posix() for path in others)]
    return {name: (STATIC / name).read_text(encoding="utf-8") for name in names}


class Bridge:
    """A session whose requests come as messages.

    Parameters
    ----------
    network : Network
    image : array
    """

    def __init__(self, network: Network, image: npt.ArrayLike) -> None:
        from spel.studio.web.app import application

        array = _checked(image)
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        source = Source("image", "image", lambda: array)
        networks = {"network": Entry(network)}
        self.session = Session([source], self._folder.name, networks)
        self._app: App = application(self.session)
        # A notebook runs a loop of its own in this thread, so requests run in another one.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="spel-widget")

    def answer(self, message: Message, buffers: list[Any]) -> tuple[dict[str, Any], list[bytes]]:
        """The response to a request: its head, and its body as a buffer."""
        body = bytes(buffers[0]) if buffers else str(message.get("body") or "").encode()
        work = _respond(self._app, message, body)
        status, headers, data = self._worker.submit(asyncio.run, work).result()
        return {"id": message.get("id"), "status": status, "headers": headers}, [data]

    def close(self) -> None:
        """End the session."""
        self._worker.shutdown()
        self.session.close()
        self._folder.cleanup()


def _checked(image: npt.ArrayLike) -> npt.NDArray[Any]:
    array = np.asarray(image)
    if array.dtype.kind not in "biuf":
        raise ParameterError(f"widget: an image of dtype {array.dtype}; expected real numbers")
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim != 3 or not array.size:
        raise ShapeError(
            f"widget: an image of shape {np.shape(image)}; expected (rows, cols) or "
            "(rows, cols, channels)"
        )
    return array


async def _respond(app: App, message: Message, body: bytes) -> tuple[int, dict[str, str], bytes]:
    """What the application answers to a request, without a server."""
    path, _, query = str(message["path"]).partition("?")
    head = json.loads(json.dumps(message.get("headers") or {}))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": str(message.get("method") or "GET"),
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(str(k).lower().encode(), str(v).encode()) for k, v in head.items()],
        "server": ("notebook", 80),
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(part: dict[str, Any]) -> None:
        sent.append(part)

    await app(scope, receive, send)
    headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in sent[0]["headers"]}
    return int(sent[0]["status"]), headers, b"".join(part.get("body", b"") for part in sent[1:])
