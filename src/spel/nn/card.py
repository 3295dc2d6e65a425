"""Model cards: what a network is for, what it was learned from, how good it is, and where it fails.

A card is the mapping ``network.meta["card"]``. The keys below have a place of their own on the
page; any other key is listed with the settings, and what is missing is said to be not stated.

==============  ================================================================================
key             what it holds
==============  ================================================================================
description     what the network finds, and in which images
learned from    the data: how many images, of which source
method          the function that learned it
command         the command line that made it
figures         a mapping from the name of a figure to its value
measured on     the images that the figures are about
measured by     the command that prints the figures; without it, `command`
limits          where the network fails, and what the figures do not say
license         identifier of SPDX, such as "BSD-3-Clause"
fingerprint     of the network that the card was written for
==============  ================================================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from spel.errors import plural, printable
from spel.nn.network import Network

__all__ = ["card_license", "card_sections", "model_card"]

KEY = "card"
TITLES = "Changed", "What it is", "Data", "Method", "Validation", "Limits", "Licence", "Settings"
OPTIONAL = ("Changed", "Settings")
PLACED = (
    *("name", "description", "learned from", "method", "command", "figures"),
    *("measured on", "measured by", "limits", "license", "fingerprint"),
)
MOST_NAMES = 12


def model_card(network: Network, name: str) -> str:
    """The card of a network as Markdown, with the head that the Hugging Face Hub reads.

    Parameters
    ----------
    network : Network
    name : str
        The title, unless the card has a name of its own.

    Returns
    -------
    str
        A page: what the network is, its data, method, figures with their command, limits, licence,
        use, and layers.

    Examples
    --------
    >>> import spel
    >>> net = spel.chain(positive=spel.Activation("relu"))
    >>> net = net.with_meta(card={"description": "Keeps what is positive.", "license": "MIT"})
    >>> model_card(net, "positive").splitlines()[:4]
    ['---', 'library_name: spel', 'license: mit', 'pipeline_tag: image-feature-extraction']
    """
    texts = dict(card_sections(network))
    lines = [*_head(network), "", f"# {printable(str(_card(network).get('name', name)))}"]
    for title in TITLES:
        if title in texts or title not in OPTIONAL:
            lines += ["", f"## {title}", "", texts.get(title, "Not stated.")]
    lines += ["", "## Use", "", *_use(network, name)]
    lines += ["", "## Layers", "", f"Fingerprint `{network.whole_fingerprint()}`.", ""]
    lines += ["| step | layer | weights |", "|---|---|---|"]
    for node in network.nodes:
        lines.append(f"| {node.name} | {type(node.layer).__name__} | {node.layer.parameters:,} |")
    return "\n".join([*lines, ""])


def card_sections(network: Network) -> Iterator[tuple[str, str]]:
    """The title and the text of every section of the card that states something.

    Examples
    --------
    >>> import spel
    >>> net = spel.chain(positive=spel.Activation("relu"))
    >>> list(card_sections(net.with_meta(card={"limits": "Planes only."})))
    [('Limits', 'Planes only.')]
    """
    card = _card(network)
    texts = {
        "Changed": _changed(network, card),
        "What it is": _text(card.get("description")),
        "Data": _text(card.get("learned from")) or _marked(network) or _boxes(card),
        "Method": _method(card),
        "Validation": _figures(card),
        "Limits": _text(card.get("limits")),
        "Licence": _text(card.get("license")),
        "Settings": _table({key: card[key] for key in card if key not in PLACED}),
    }
    yield from ((title, text) for title, text in texts.items() if text)


def card_license(network: Network) -> str:
    """The licence that the card states, if it is an identifier of SPDX; otherwise an empty text."""
    license = str(_card(network).get("license", ""))
    return license if re.fullmatch(r"[A-Za-z0-9.+-]+", license) else ""


def _card(network: Network) -> Mapping[str, Any]:
    card = network.meta.get(KEY)
    return card if isinstance(card, Mapping) else {}


def _changed(network: Network, card: Mapping[str, Any]) -> str:
    if card.get("fingerprint", network.fingerprint()) == network.fingerprint():
        return ""
    return "The network was changed after this card was written, so its figures may not hold."


def _head(network: Network) -> list[str]:
    """The lines of YAML on top; ``other`` is the Hub's word for a licence that it does not list."""
    if "segmentation" in network.meta:
        task = "image-segmentation"
    else:
        task = "object-detection" if "decision" in network.meta else "image-feature-extraction"
    license = card_license(network).lower() or "other"
    return [
        *("---", "library_name: spel", f"license: {license}", f"pipeline_tag: {task}"),
        *("tags:", "- spel", "- explainable", "---"),
    ]


def _use(network: Network, name: str) -> list[str]:
    """The command that runs the network, and the lines of Python."""
    segments = "segmentation" in network.meta
    command = "segment" if segments else "detect" if "decision" in network.meta else "apply"
    shell = ["```", f"spel {command} {name} IMAGES --out {command}-results", "```", ""]
    calls = {
        "segment": "from spel.decide import segment\n\nmask = segment(net, image)",
        "detect": "boxes = spel.detect(net, image).boxes",
        "apply": "activation = net(image)",
    }
    python = f'import spel\n\nnet = spel.load("{name}")\nimage = spel.read("IMAGE.png")\n'
    return [*shell, "```python", f"{python}{calls[command]}", "```"]


def _marked(network: Network) -> str:
    """The images whose strokes taught the network, as `spel.learn` notes them."""
    images = network.meta.get("images")
    if not isinstance(images, (list, tuple)) or not images:
        return ""
    names = ", ".join(printable(str(name)) for name in images[:MOST_NAMES])
    more = f" and {len(images) - MOST_NAMES} more" if len(images) > MOST_NAMES else ""
    return f"Strokes on {plural(len(images), 'image')}: {names}{more}."


def _boxes(card: Mapping[str, Any]) -> str:
    """What `spel learn-boxes` notes."""
    boxes, photos = card.get("boxes"), card.get("photos")
    if not isinstance(boxes, int) or not isinstance(photos, int):
        return ""
    return f"{plural(boxes, 'box')} in {plural(photos, 'photo')}."


def _method(card: Mapping[str, Any]) -> str:
    method, command = _text(card.get("method")), _text(card.get("command"))
    return "\n\n".join(part for part in (method, _block(command)) if part)


def _figures(card: Mapping[str, Any]) -> str:
    figures = card.get("figures")
    if not isinstance(figures, Mapping) or not figures:
        return ""
    command = _text(card.get("measured by")) or _text(card.get("command"))
    parts = (_text(card.get("measured on")), _table(figures), _block(command))
    return "\n\n".join(part for part in parts if part)


def _table(rows: Mapping[str, Any]) -> str:
    if not rows:
        return ""
    lines = [f"| {printable(str(key))} | {_cell(value)} |" for key, value in _flat(rows)]
    return "\n".join(["| name | value |", "|---|---|", *lines])


def _flat(rows: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """The values of mappings in mappings, each with the names that lead to it."""
    for key, value in rows.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}, ")
        else:
            yield name, value


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return printable(text).replace("|", "\\|")


def _text(value: Any) -> str:
    return "" if value is None else printable(str(value))


def _block(command: str) -> str:
    return f"```\n{command}\n```" if command else ""
