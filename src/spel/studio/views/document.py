"""The document as the page shows it, and what never changes while the server runs."""

from __future__ import annotations

from dataclasses import asdict

from spel import __version__
from spel.decide.segmentation import KEY, segmentation_of
from spel.io.annotation.formats import FORMATS
from spel.nn import KINDS, Convolution, Network, Node, Unlearned
from spel.studio.banks import PRESETS
from spel.studio.decoders import DECODERS
from spel.studio.describe import adjacency_words, fields_of, form_of
from spel.studio.document import CLASS_COLORS, MAX_POINTS, Entry
from spel.studio.learning import TEMPLATES, is_edited
from spel.studio.new_layers import addable
from spel.studio.session import Session
from spel.studio.sources import Source
from spel.studio.statistics import FIRST
from spel.studio.views.packing import Json


def document_view(session: Session, drawn: int | None = None) -> Json:
    """Everything that the page needs to draw itself, except pixels.

    Strokes are left out if `drawn`, their version on the page, is still the current one.
    """
    document, version = session.document, session.strokes_version
    strokes: Json = {}
    if drawn != version:
        strokes["strokes"] = {
            image: [s.to_dict() for s in strokes] for image, strokes in document.strokes.items()
        }
    return {
        **strokes,
        "drawn": version,
        "revision": session.revision,
        "undo": session.undoable,
        "redo": session.redoable,
        "problem": session.problem,
        "networks": [network_view(name, entry) for name, entry in document.networks.items()],
        "classes": [asdict(c) for c in document.classes],
        "truth": {image: [list(b) for b in boxes] for image, boxes in document.truth.items()},
        "masks": dict(document.masks),
        "pins": list(document.pins),
        "images": [_image(session, source, lesson=False) for source in session.sources]
        + [_image(session, source, lesson=True) for source in session.images.lessons],
        "view": session.view,
    }


def _image(session: Session, source: Source, *, lesson: bool) -> Json:
    problem = session.images.problem(source.id)
    return {"id": source.id, "name": source.name, "problem": problem, "lesson": lesson}


def constants_view() -> Json:
    """What never changes while the server runs."""
    return {
        "version": __version__,
        "schema": {kind: form_of(layer) for kind, layer in KINDS.items()},
        "kinds": list(addable()),
        "presets": list(PRESETS),
        "decoders": list(DECODERS),
        "boxFormats": list(FORMATS),
        "templates": list(TEMPLATES),
        "classColors": list(CLASS_COLORS),
        "maxPoints": MAX_POINTS,
        "firstImages": FIRST,
    }


def network_view(name: str, entry: Entry) -> Json:
    """A network, node by node."""
    network = entry.network
    return {
        "name": name,
        "nodes": [_node(entry, node) for node in network.nodes],
        "decision": entry.decision.to_dict(),
        "parameters": network.parameters,
        "learned": bool(network.meta.get("learned")),
        **_segmentation(network),
    }


def _segmentation(network: Network) -> Json:
    if KEY not in network.meta:
        return {"classes": 0, "undecided": 0.0, "sized": False, "cut": False}
    how = segmentation_of(network)
    sized = how.objects is not None
    classes = {"classes": len(how.classes), "undecided": how.undecided}
    return {**classes, "sized": sized, "cut": how.cut}


def _node(entry: Entry, node: Node) -> Json:
    described: Json = {
        "name": node.name,
        "kind": node.layer.kind,
        "inputs": list(node.inputs),
        "off": node.name in entry.bypassed,
        "fields": fields_of(node.layer),
        "words": node.layer.describe(),
        "parameters": node.layer.parameters,
        "waits": isinstance(node.layer, Unlearned),
    }
    if isinstance(node.layer, Convolution):
        bank = node.layer.bank
        described["bank"] = {
            "kernels": len(bank),
            "channels": bank.channels,
            "reach": bank.adjacency.reach,
            "adjacency": adjacency_words(bank.adjacency),
            "learned": bool(bank.provenance),
            "print": node.layer.fingerprint(),
        }
        described["relearn"] = node.name in entry.network.meta.get("learned", {})
        described["edited"] = is_edited(entry.network, node.name)
    return described
