"""The site of spel: ``python -m sphinx -W -b html docs site`` (extra ``docs``)."""

import os
import re
import sys
from importlib import import_module
from pathlib import Path

from PIL import Image
from sphinx_gallery.scrapers import figure_rst

import spel

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
appearance = import_module("appearance")
api = import_module("api")
course = import_module("course.make")

os.environ.setdefault("OMP_NUM_THREADS", "2")
OUTSIDE = (
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "benchmarks/METHOD.md",
)
"""Pages that stand outside of this folder, where their readers look for them."""

project = "spel"
author = "the spel founders"
project_copyright = "the spel founders (BSD-3-Clause)"
release = spel.__version__
version = ".".join(release.split(".")[:2])
language = "en"

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_click",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
root_doc = "index"
exclude_patterns = ["course/*/*.ipynb", "earlier/*", "gallery/*", "templates/*"]
default_role = "py:obj"
toc_object_entries_show_parents = "hide"  # methods by their own names, which fit beside the page
smartquotes_action = "qe"  # the two dashes of an option stay two
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
# Docstrings inherited from scikit-learn refer to its own site.
suppress_warnings = ["config.cache", "ref.ref", "ref.term"]
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

autosummary_imported_members = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_title = f"spel {release}"
globals().update({name: getattr(appearance, name) for name in appearance.__all__})


def draw_picture(_block, variables, configuration):
    """Save the variable `picture` of a gallery script: a PIL image or a matplotlib figure."""
    picture = variables["example_globals"].pop("picture", None)
    if picture is None:
        return ""
    path = next(variables["image_path_iterator"])
    if isinstance(picture, Image.Image):
        picture.save(path)
    else:
        picture.savefig(path, dpi=110)
    return figure_rst([path], configuration["src_dir"])


sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "backreferences_dir": "auto_gallery/names",  # which pages show a name of the reference
    "doc_module": ("spel",),
    "ignore_pattern": r"make\.py",
    "filename_pattern": r"\.py",
    "image_scrapers": (draw_picture,),
    "reset_modules": (),
    "capture_repr": (),  # the picture is shown, and not its address in memory
    "download_all_examples": False,
    "min_reported_time": 86400,  # how long a busy machine took says nothing
    "show_memory": False,
    "remove_config_comments": True,
    "plot_gallery": True,
    "write_computation_times": False,  # that page fetches scripts from the internet
}


def include_outside(folder):
    """Copy each page of `OUTSIDE` into the site, with links that lead to the site's own pages."""
    folder.mkdir(exist_ok=True)
    for page in OUTSIDE:
        text = re.sub(r"\]\((\.\./)?docs/", "](../", (HERE.parent / page).read_text())
        for other in OUTSIDE:
            text = text.replace(f"]({other})", f"]({Path(other).name})")
        api.write_changed(folder / Path(page).name, text)


def point_inside(_app, name, source):
    """Links to the pages of `OUTSIDE` lead to their pages of the site."""
    depth = name.count("/")
    up = "../" * depth
    for page in OUTSIDE:
        source[0] = source[0].replace(f"]({up}../{page})", f"]({up}project/{Path(page).name})")


def show_capabilities(_app, _name, source):
    """The table of what other libraries can do stands where its comment stands."""
    comment = "<!-- capabilities: the site shows the table here -->"
    source[0] = source[0].replace(comment, spel.backends.table())


def setup(app):
    """Sphinx calls this."""
    app.connect("source-read", point_inside)
    app.connect("source-read", show_capabilities)


# Before Sphinx looks for pages: these are made from what stands elsewhere.
include_outside(HERE / "project")
api.write_pages(HERE / "reference" / "python")
course.write_pages()
