"""Commands that add, remove and edit networks and their steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from spel.core.adjacency import Adjacency
from spel.errors import ParameterError
from spel.nn import BatchNormalize, DivisiveNormalize, Layer, Network, Node, Residue
from spel.nn.node import INPUT
from spel.studio import graph, learning, statistics
from spel.studio.commands.registry import Arguments, Workspace, apply, command
from spel.studio.describe import with_fields
from spel.studio.document import Document, Entry, display_name
from spel.studio.lessons import network_names
from spel.studio.new_layers import JOINS, new_layer
from spel.studio.refusals import Refusal

MAX_LESSON_COMMANDS = 20


def edit_network(
    document: Document, arguments: Arguments, change: Callable[[Network], Network]
) -> Document:
    """The document with the network that the arguments name changed."""
    name = arguments["network"]
    entry = document.entry(name)
    network = change(entry.network)
    bypassed = entry.bypassed & set(network.names)
    return document.with_entry(name, Entry(network, bypassed))


def edit_layer(
    document: Document, arguments: Arguments, change: Callable[[Layer], Layer]
) -> Document:
    """The document with the layer that the arguments name changed."""
    node = arguments["node"]
    return edit_network(document, arguments, lambda n: n.replace(node, change(n[node])))


def input_channels(entry: Entry, workspace: Workspace, arguments: Arguments, source: str) -> int:
    """Channels of the activation of `source` on the image that the page shows; 1 if unknown."""
    image = str(arguments.get("image") or next(iter(workspace.image_ids()), ""))
    if not image:
        return 1
    array = statistics.activation(entry, workspace, image, source)
    return 1 if array is None else int(array.shape[-1])


# -- networks ------------------------------------------------------------------------------------


@command("add_network")
def add_network(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Add a network: a copy of another one, or a new one from a template.

    Arguments: name; copy, the name of a network, or template.
    """
    name = _new_name(document, arguments["name"])
    if "copy" in arguments:
        return document.with_entry(name, document.entry(arguments["copy"]))
    return document.with_entry(name, Entry(learning.template(arguments["template"])))


@command("remove_network")
def remove_network(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Remove a network; the last one stays.

    Arguments: network.
    """
    name = arguments["network"]
    document.entry(name)
    if len(document.networks) == 1:
        raise Refusal("last_network", "the last network cannot be removed; add another one first")
    return replace(document, networks={n: e for n, e in document.networks.items() if n != name})


@command("rename_network")
def rename_network(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Give a network another name.

    Arguments: network, name.
    """
    old = arguments["network"]
    document.entry(old)
    new = _new_name(document, arguments["name"])
    networks = {new if name == old else name: e for name, e in document.networks.items()}
    return replace(document, networks=networks)


def _new_name(document: Document, text: Any) -> str:
    name = display_name(text)
    if name in network_names():
        raise Refusal(
            "name_of_lessons",
            "network {name} is that of the lessons, which replace it; choose another name",
            name=name,
        )
    if name in document.networks:
        raise Refusal(
            "name_taken", "there is a network {name} already; choose another name", name=name
        )
    return name


@command("stage_lesson")
def stage_lesson(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Set the lesson's network to the state of one of its steps, whatever it was before."""
    name = display_name(arguments.get("network", "lesson"))
    document = document.with_entry(name, Entry(learning.template(arguments["template"])))
    steps = arguments.get("commands", [])
    if len(steps) > MAX_LESSON_COMMANDS:
        raise ParameterError(
            f"a lesson's step with {len(steps)} commands; at most {MAX_LESSON_COMMANDS} are allowed"
        )
    for step in steps:
        document = apply(document, workspace, {**step, "network": name})
    return document


# -- steps ---------------------------------------------------------------------------------------


@command("set_layer")
def set_layer(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Change fields of a layer.

    A batch normalization whose "over" changes gets the statistics that fit.
    Arguments: network, node; fields, their new values by name.
    """
    entry, fields = document.entry(arguments["network"]), arguments["fields"]

    def change(layer: Layer) -> Layer:
        changed = with_fields(layer, fields)
        if not isinstance(changed, BatchNormalize) or "over" not in fields:
            return changed
        (source,) = entry.network.node(arguments["node"]).inputs
        return with_first_statistics(changed, entry, workspace, source)

    return edit_layer(document, arguments, change)


@command("add_step")
def add_step(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Add a step after another one.

    Batch normalization gets the statistics of the session's first images, and a residue the
    normalization that it subtracts. A join takes the step before it and what that one reads.

    Arguments: network; kind of the layer; after, the step before it; name, by default the kind.
    """
    entry = document.entry(arguments["network"])
    kind, after = str(arguments["kind"]), str(arguments["after"])
    stem = str(arguments.get("name") or kind)
    name = graph.free_name(entry.network, stem)
    if kind == "residue":
        inner = graph.free_name(entry.network, f"{stem}.normalized")
        divided = DivisiveNormalize(Adjacency.rectangle(width=25, height=5))
        nodes = [
            Node(inner, divided, (after,)),
            Node(name, Residue(scale="max"), (after, inner)),
        ]
    elif kind in JOINS:
        earlier = entry.network.node(after).inputs[0] if after != INPUT else INPUT
        nodes = [Node(name, JOINS[kind](), (after, earlier))]
    elif kind == "batch_normalize":
        layer = BatchNormalize(over="channel")
        nodes = [Node(name, with_first_statistics(layer, entry, workspace, after), (after,))]
    else:
        channels = input_channels(entry, workspace, arguments, after)
        nodes = [Node(name, new_layer(kind, channels), (after,))]
    return edit_network(document, arguments, lambda n: graph.add_nodes(n, after, nodes))


def with_first_statistics(
    layer: BatchNormalize, entry: Entry, workspace: Workspace, source: str
) -> BatchNormalize:
    """A batch normalization with the statistics of the first images of the session."""
    images = workspace.image_ids()[: statistics.FIRST]
    return statistics.with_statistics(layer, entry, workspace, source, images)


@command("remove_step")
def remove_step(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Remove a step; the steps after it take its first input instead.

    Arguments: network, node.
    """
    return edit_network(document, arguments, lambda n: graph.remove_node(n, arguments["node"]))


@command("move_step")
def move_step(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Move a step of one input to another place.

    Arguments: network, node; after, the step that it then follows.
    """
    node, after = arguments["node"], arguments["after"]
    return edit_network(document, arguments, lambda n: graph.move_node(n, node, after))


@command("set_inputs")
def set_inputs(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Let a step read other steps than before: so branches begin, and are joined.

    Arguments: network, node; inputs, the names of earlier steps, or "input" for the image.
    """
    node, inputs = arguments["node"], [str(name) for name in arguments["inputs"]]
    return edit_network(document, arguments, lambda n: graph.set_inputs(n, node, inputs))


@command("rename_step")
def rename_step(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Give a step another name.

    Arguments: network, node, name.
    """
    node, name = arguments["node"], str(arguments["name"])
    return edit_network(document, arguments, lambda n: graph.rename_node(n, node, name))


@command("bypass_step")
def bypass_step(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Switch a step off or on; its weights stay. The last step that is on stays on.

    Arguments: network, node; off, true or false.
    """
    entry = document.entry(arguments["network"])
    node = {entry.network.node(arguments["node"]).name}
    bypassed = entry.bypassed | node if arguments["off"] else entry.bypassed - node
    changed = replace(entry, bypassed=bypassed)
    if changed.effective is None:
        raise Refusal("last_active_step", "the last active step cannot be switched off")
    return document.with_entry(arguments["network"], changed)
