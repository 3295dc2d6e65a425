"""Pages of the reference: one per room, from the names that the room gives to its users."""

import inspect
import pkgutil
import pydoc
from importlib import import_module

ROOMS = {
    "spel": "What ``import spel`` gives",
    "spel.core": "Adjacencies, kernel banks, markers, detections",
    "spel.ops": "Operators on arrays",
    "spel.nn": "Layers and networks",
    "spel.linear": "Linear models in closed form",
    "spel.flim": "Learning from strokes (FLIM)",
    "spel.rigid": "Detectors of rigid objects from boxes",
    "spel.synthesis": "Pictures from activations, without backpropagation",
    "spel.learning": "Learning from folders of images",
    "spel.decide": "From saliency to boxes and masks",
    "spel.metrics": "Measures of the field",
    "spel.io": "Files",
    "spel.runs": "Runs over many files",
    "spel.jobs": "The jobs of the command line",
    "spel.evaluation": "Answers against the truth",
    "spel.sklearn": "Estimators for scikit-learn",
    "spel.backends": "ONNX, PyTorch, libift, HTML",
    "spel.zoo": "Networks that ship with spel",
    "spel.data": "Rendered images with a known truth",
    "spel.draw": "Pictures as arrays",
    "spel.plot": "Figures with matplotlib",
    "spel.testing": "Tests for layers of your own",
    "spel.errors": "Errors",
}


def public_names(room):
    """The full names that belong on the page of a room, in order of the alphabet."""
    module = import_module(room)
    names = getattr(module, "__all__", None)
    if names:
        objects = {name: getattr(module, name) for name in names if not name.startswith("_")}
        return sorted(f"{room}.{name}" for name, value in objects.items() if callable(value))
    below = pkgutil.iter_modules(getattr(module, "__path__", []), f"{room}.")
    modules = [module, *(import_module(found.name) for found in below)]
    return sorted(
        f"{part.__name__}.{name}"
        for part in modules
        for name, value in vars(part).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == part.__name__
    )


def write_pages(folder):
    """Write a page per room and the page that lists them; files that are equal stay as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = "".join(f"- :doc:`{room}`: {title}\n" for room, title in ROOMS.items())
    rooms = "".join(f"   {room}\n" for room in ROOMS)
    top = {id(getattr(import_module("spel"), name)): name for name in import_module("spel").__all__}
    pages = {"index": f"Python\n======\n\n{listed}\n.. toctree::\n   :hidden:\n\n{rooms}"}
    for room in ROOMS:
        names = public_names(room)
        # What `import spel` gives is described there; here a table leads to it.
        shared = [n for n in names if room != "spel" and id(pydoc.locate(n)) in top]
        own = [n for n in names if n not in shared]
        summary = (import_module(room).__doc__ or "").strip()
        pages[room] = (
            f"{room}\n{'=' * len(room)}\n\n{inspect.cleandoc(summary)}\n\n"
            + table([f"spel.{top[id(pydoc.locate(n))]}" for n in shared])
            + table(own, "   :toctree: generated\n")
        )
    for name, text in pages.items():
        write_changed(folder / f"{name}.rst", text)


def table(names, option=""):
    """A table of names with the first line of what each does."""
    rows = "".join(f"   {name}\n" for name in names)
    return f".. autosummary::\n{option}\n{rows}\n" if names else ""


def write_changed(page, text):
    """Write a page unless it says this already, so that Sphinx reads again only what changed."""
    if not page.exists() or page.read_text() != text:
        page.write_text(text)
