"""The pages of an earlier version, whose tree had no site: its Markdown in today's appearance."""

import os
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

appearance = import_module("appearance")
globals().update({name: getattr(appearance, name) for name in appearance.__all__})

project = "spel"
version = release = os.environ["SPEL_SITE_VERSION"]
project_copyright = "the spel founders (BSD-3-Clause)"
html_title = f"spel {version}"
extensions = ["myst_parser"]
root_doc = "index"
language = "en"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
# Its pages lead to files outside of its docs.
suppress_warnings = ["myst.xref_missing", "misc.highlighting_failure"]
html_sidebars: dict[str, list[str]] = {"**": []}
html_theme_options = {
    **appearance.html_theme_options,
    "header_links_before_dropdown": 2,
    "announcement": f"These pages are of spel {version}; the newest is {appearance.VERSIONS[0]}.",
}
