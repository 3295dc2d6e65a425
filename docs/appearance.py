"""How the site looks: the same for the pages of every version (see ``scripts/site``)."""

import os
from pathlib import Path

__all__ = [
    "html_context",
    "html_css_files",
    "html_js_files",
    "html_search_scorer",
    "html_show_sourcelink",
    "html_static_path",
    "html_theme",
    "html_theme_options",
    "templates_path",
]

HERE = Path(__file__).parent
VERSIONS = os.environ.get("SPEL_SITE_VERSIONS", "").split()
"""Versions whose sites stand side by side, the newest first; none where one is built alone."""

html_theme = "pydata_sphinx_theme"
html_show_sourcelink = False
html_static_path = [str(HERE / "static")]
html_css_files = ["spel.css"]
html_js_files = ["names.js"]
html_search_scorer = str(HERE / "static" / "scorer.js")
templates_path = [str(HERE / "templates")]
html_context = {"versions": VERSIONS, "default_mode": "auto"}
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": True,
    "show_toc_level": 2,
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "navbar_end": ["versions", "theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
