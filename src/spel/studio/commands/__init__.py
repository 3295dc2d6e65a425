"""Commands: what a user can do. Each is a function from a document to the next one.

A command takes the document, the workspace (its images, and what networks give on them) and the
arguments that the page sent. It checks them, changes nothing, and returns a new document.
"""

from spel.studio.commands import boxes, decisions, kernels, networks, strokes
from spel.studio.commands.registry import COMMANDS, Arguments, Command, Workspace, apply

__all__ = [
    "COMMANDS",
    "Arguments",
    "Command",
    "Workspace",
    "apply",
    "boxes",
    "decisions",
    "kernels",
    "networks",
    "strokes",
]
